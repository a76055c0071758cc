package system_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"vitrine/agent/system"
)

// bus starts a private dbus-daemon and returns its address.
func bus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Fatalf("the package dbus is missing (packaging/debian-packages.txt): %v", err)
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

func connect(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func own(t *testing.T, conn *dbus.Conn, name string) {
	t.Helper()
	if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own %s: %v %v", name, reply, err)
	}
}

// login is a logind built from its interface, org.freedesktop.login1(5).
type login struct {
	mu     sync.Mutex
	asked  []string
	refuse *dbus.Error
}

func (l *login) take(method string, interactive bool) *dbus.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if interactive {
		method += " interactive"
	}
	l.asked = append(l.asked, method)
	return l.refuse
}

func (l *login) refuses(name, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = dbus.NewError(name, []any{why})
}

func (l *login) Reboot(interactive bool) *dbus.Error   { return l.take("Reboot", interactive) }
func (l *login) PowerOff(interactive bool) *dbus.Error { return l.take("PowerOff", interactive) }

func TestLogindIsAskedToRestartAndPowerOff(t *testing.T) {
	address := bus(t)
	m := system.New(system.Config{Bus: address})
	if err := m.Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no logind here") {
		t.Errorf("without logind: %v", err)
	}
	l, conn := &login{}, connect(t, address)
	if err := conn.Export(l, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"); err != nil {
		t.Fatal(err)
	}
	own(t, conn, "org.freedesktop.login1")
	if err := m.Reboot(t.Context()); err != nil {
		t.Error(err)
	}
	if err := m.PowerOff(t.Context()); err != nil {
		t.Error(err)
	}
	l.mu.Lock()
	asked := strings.Join(l.asked, ", ")
	l.mu.Unlock()
	if asked != "Reboot, PowerOff" {
		t.Errorf("asked: %s", asked)
	}
	l.refuses("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive authentication required.")
	if err := m.Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "polkit") {
		t.Errorf("refused: %v", err)
	}
	l.refuses("org.freedesktop.login1.OperationInProgress", "There's already a shutdown or sleep operation in progress")
	if err := m.Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "already a shutdown") {
		t.Errorf("refused: %v", err)
	}
}

func TestTimedateSaysWhoKeepsTheTime(t *testing.T) {
	address := bus(t)
	m := system.New(system.Config{Bus: address})
	if _, err := m.TimeService(t.Context()); err == nil || !strings.Contains(err.Error(), "timedate1 does not answer") {
		t.Errorf("without timedate1: %v", err)
	}
	conn := connect(t, address)
	// As org.freedesktop.timedate1(5) has them; none of these three sends a signal.
	props, err := prop.Export(conn, "/org/freedesktop/timedate1", prop.Map{"org.freedesktop.timedate1": {
		"Timezone": {Value: "Europe/Paris"}, "LocalRTC": {Value: false}, "CanNTP": {Value: true}, "NTP": {Value: true, Writable: true}, "NTPSynchronized": {Value: false}, "TimeUSec": {Value: uint64(1)}, "RTCTimeUSec": {Value: uint64(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	own(t, conn, "org.freedesktop.timedate1")
	got, err := m.TimeService(t.Context())
	if want := (system.TimeService{There: true, On: true}); err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	props.SetMust("org.freedesktop.timedate1", "NTPSynchronized", true)
	if got, err = m.TimeService(t.Context()); err != nil || !got.Done {
		t.Errorf("%+v %v, want it done", got, err)
	}
}

func TestAStartOfTheMachineHasANameAndAnAge(t *testing.T) {
	proc := t.TempDir()
	m := system.New(system.Config{Proc: proc})
	if _, _, err := m.Boot(); err == nil {
		t.Error("nothing is known, and that is no error")
	}
	if err := os.MkdirAll(proc+"/sys/kernel/random", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"/sys/kernel/random/boot_id": "1d0e-b007\n", "/uptime": "90.25 100.00\n"} {
		if err := os.WriteFile(proc+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if id, up, err := m.Boot(); id != "1d0e-b007" || up != 90250*time.Millisecond || err != nil {
		t.Errorf("%q %s %v", id, up, err)
	}
	if id, up, err := system.New(system.Config{}).Boot(); err != nil || len(id) != 36 || up <= 0 {
		t.Errorf("this machine: %q %s %v", id, up, err)
	}
}
