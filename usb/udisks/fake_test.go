package udisks_test

import (
	"bufio"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

const (
	busName  = "org.freedesktop.UDisks2"
	manager  = dbus.ObjectPath("/org/freedesktop/UDisks2")
	objectIf = "org.freedesktop.DBus.ObjectManager"
)

type (
	properties = map[string]dbus.Variant
	interfaces = map[string]properties
)

// bus starts a private dbus-daemon and returns its address.
func bus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Fatalf("the package dbus-daemon is missing (packaging/debian-packages.txt): %v", err)
	}
	conf := filepath.Join(t.TempDir(), "bus.conf")
	err = os.WriteFile(conf, []byte(`<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(program, "--nofork", "--nopidfile", "--print-address=1", "--config-file="+conf)
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon did not say its address: %v", err)
	}
	return strings.TrimSpace(address)
}

// fake is a UDisks2 built from its reference manual: an object manager, drives, and file systems that can be mounted.
type fake struct {
	t         *testing.T
	conn      *dbus.Conn
	mountinfo string // the kernel's list, as the fake's mounts make it
	options   string // what the mounts come out with

	mu       sync.Mutex
	objects  map[dbus.ObjectPath]interfaces
	asked    []string // the options of each Mount
	mounts   map[dbus.ObjectPath]string
	unmounts int
	refuse   *dbus.Error // the answer to Mount, if it is not nil
}

// serve puts a fake on the bus.
func serve(t *testing.T, address string) *fake {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &fake{t: t, conn: conn, mountinfo: filepath.Join(t.TempDir(), "mountinfo"), options: "ro,nosuid,nodev,noexec,relatime",
		objects: map[dbus.ObjectPath]interfaces{}, mounts: map[dbus.ObjectPath]string{}}
	f.list()
	if err := conn.ExportMethodTable(map[string]any{"GetManagedObjects": f.managed}, manager, objectIf); err != nil {
		t.Fatal(err)
	}
	f.own()
	return f
}

// own takes UDisks2's name; leave gives it up.
func (f *fake) own() {
	f.t.Helper()
	if reply, err := f.conn.RequestName(busName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		f.t.Fatalf("own %s: %v, %v", busName, reply, err)
	}
}

func (f *fake) leave() {
	f.t.Helper()
	if _, err := f.conn.ReleaseName(busName); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) managed() (map[dbus.ObjectPath]interfaces, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.objects), nil
}

// put adds or changes objects without a word on the bus.
func (f *fake) put(objects map[dbus.ObjectPath]interfaces) {
	f.t.Helper()
	f.mu.Lock()
	maps.Copy(f.objects, objects)
	f.mu.Unlock()
	for path := range objects {
		methods := map[string]any{
			"Mount":   func(o properties) (string, *dbus.Error) { return f.mount(path, o) },
			"Unmount": func(properties) *dbus.Error { return f.unmount(path) },
		}
		if err := f.conn.ExportMethodTable(methods, path, busName+".Filesystem"); err != nil {
			f.t.Fatal(err)
		}
		get := map[string]any{"Get": func(string, string) (dbus.Variant, *dbus.Error) { return f.points(path), nil }}
		if err := f.conn.ExportMethodTable(get, path, "org.freedesktop.DBus.Properties"); err != nil {
			f.t.Fatal(err)
		}
	}
}

// added announces an object with some of its interfaces.
func (f *fake) added(path dbus.ObjectPath, some interfaces) {
	f.t.Helper()
	if err := f.conn.Emit(manager, objectIf+".InterfacesAdded", path, some); err != nil {
		f.t.Fatal(err)
	}
}

// pull takes objects away and says so.
func (f *fake) pull(paths ...dbus.ObjectPath) {
	f.t.Helper()
	for _, path := range paths {
		f.mu.Lock()
		delete(f.objects, path)
		f.mu.Unlock()
		if err := f.conn.Emit(manager, objectIf+".InterfacesRemoved", path, []string{busName + ".Block", busName + ".Filesystem"}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fake) mount(path dbus.ObjectPath, options properties) (string, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return "", f.refuse
	}
	if f.mounts[path] != "" {
		return "", dbus.NewError(busName+".Error.AlreadyMounted", nil)
	}
	asked, _ := options["options"].Value().(string)
	f.asked = append(f.asked, asked)
	f.mounts[path] = "/media/the stick"
	f.list()
	return f.mounts[path], nil
}

// points is the property MountPoints.
func (f *fake) points(path dbus.ObjectPath) dbus.Variant {
	f.mu.Lock()
	defer f.mu.Unlock()
	return dbus.MakeVariant([][]byte{append([]byte(f.mounts[path]), 0)})
}

func (f *fake) unmount(path dbus.ObjectPath) *dbus.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mounts[path] == "" {
		return dbus.NewError(busName+".Error.NotMounted", nil)
	}
	delete(f.mounts, path)
	f.unmounts++
	f.list()
	return nil
}

// list writes the kernel's list of mounts, as proc_pid_mountinfo(5) has it.
func (f *fake) list() {
	lines := "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n"
	for _, dir := range f.mounts {
		lines += "80 22 8:17 / " + strings.ReplaceAll(dir, " ", `\040`) + " " + f.options + " - vfat /dev/sdb1 ro\n"
	}
	if err := os.WriteFile(f.mountinfo, []byte(lines), 0o600); err != nil {
		f.t.Error(err)
	}
}

// stick describes a drive and its one partition, as UDisks2 does for a USB stick.
func stick(name string, change ...func(drive, block properties)) map[dbus.ObjectPath]interfaces {
	drivePath := manager + "/drives/" + dbus.ObjectPath(name)
	drive := properties{
		"ConnectionBus": dbus.MakeVariant("usb"), "Removable": dbus.MakeVariant(true),
		"TimeMediaDetected": dbus.MakeVariant(uint64(1_800_000_000_000_000)),
	}
	block := properties{
		"Drive": dbus.MakeVariant(drivePath), "Device": dbus.MakeVariant(append([]byte("/dev/"+name), 0)),
		"IdType": dbus.MakeVariant("vfat"), "IdLabel": dbus.MakeVariant("LOBBY"), "IdUUID": dbus.MakeVariant("0B5C-" + name),
		"Size": dbus.MakeVariant(uint64(8 << 30)), "HintIgnore": dbus.MakeVariant(false), "HintSystem": dbus.MakeVariant(false),
	}
	for _, c := range change {
		c(drive, block)
	}
	return map[dbus.ObjectPath]interfaces{
		drivePath:    {busName + ".Drive": drive},
		block1(name): {busName + ".Block": block, busName + ".Filesystem": {}},
	}
}

// block1 is the object path of a stick's partition.
func block1(name string) dbus.ObjectPath { return manager + "/block_devices/" + dbus.ObjectPath(name) }
