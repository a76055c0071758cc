package udisks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// safe are the options without which a stick is not read: nothing on it may be written, run, or act as a device. With
// writable it may be written, for as long as that takes.
const (
	safe     = "ro,nosuid,nodev,noexec"
	writable = "rw,nosuid,nodev,noexec"
)

// mountinfoLimit bounds what is read of the kernel's list, bytes.
const mountinfoLimit = 4 << 20

var errUnreached = errors.New("UDisks2 cannot be reached")

// call asks Run for its connection; nil is the answer while there is none.
type call struct{ conn chan *dbus.Conn }

// Mount mounts a stick read-only, without set-user-id programs, devices and execution, looks whether the kernel has it so,
// and returns the folder. Run must be running.
func (w *Watcher) Mount(ctx context.Context, s Stick) (string, error) { return w.mount(ctx, s, safe) }

// MountToWrite is Mount for a moment in which something is written back onto the stick. It must not be mounted.
func (w *Watcher) MountToWrite(ctx context.Context, s Stick) (string, error) {
	return w.mount(ctx, s, writable)
}

func (w *Watcher) mount(ctx context.Context, s Stick, options string) (string, error) {
	var dir string
	err := w.ask(ctx, s, ifFS+".Mount", []any{map[string]dbus.Variant{
		"options":                  dbus.MakeVariant(options),
		"auth.no_user_interaction": dbus.MakeVariant(true),
	}}, &dir)
	var refused dbus.Error
	switch {
	case errors.As(err, &refused) && refused.Name == busName+".Error.AlreadyMounted" && options == safe:
		return w.adopt(ctx, s)
	case errors.As(err, &refused) && strings.HasPrefix(refused.Name, busName+".Error.NotAuthorized"):
		return "", fmt.Errorf("UDisks2 does not let this program mount %s: install the polkit rule that comes with it", s.Device)
	case err != nil:
		return "", fmt.Errorf("mount %s: %w", s.Device, err)
	}
	if err := w.check(dir, options); err != nil {
		return "", errors.Join(fmt.Errorf("mount %s: %w", s.Device, err), w.Unmount(context.WithoutCancel(ctx), s))
	}
	return dir, nil
}

// adopt takes over a mount that is there already: this program's own, of before it was restarted, or a desktop's, which is
// hardly ever safe.
func (w *Watcher) adopt(ctx context.Context, s Stick) (string, error) {
	var v dbus.Variant
	if err := w.ask(ctx, s, ifProps+".Get", []any{ifFS, "MountPoints"}, &v); err != nil {
		return "", fmt.Errorf("ask where %s is mounted: %w", s.Device, err)
	}
	points, _ := v.Value().([][]byte)
	for _, point := range points {
		if dir := text(point); w.check(dir, safe) == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("another program has mounted %s, and not with %s: switch off automatic mounting and plug it in again", s.Device, safe)
}

// Unmount unmounts a stick. One that has been pulled out is no error.
func (w *Watcher) Unmount(ctx context.Context, s Stick) error {
	err := w.ask(ctx, s, ifFS+".Unmount", []any{map[string]dbus.Variant{"auth.no_user_interaction": dbus.MakeVariant(true)}})
	var refused dbus.Error
	if errors.As(err, &refused) && slices.Contains([]string{
		busName + ".Error.NotMounted",
		"org.freedesktop.DBus.Error.UnknownObject",
		"org.freedesktop.DBus.Error.UnknownMethod", // the object is there, its file system no longer
		"org.freedesktop.DBus.Error.UnknownInterface",
	}, refused.Name) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", s.Device, err)
	}
	return nil
}

// ask calls a method of a stick's object.
func (w *Watcher) ask(ctx context.Context, s Stick, method string, args []any, result ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	c := call{make(chan *dbus.Conn, 1)}
	select {
	case w.calls <- c:
	case <-w.ended:
		return errors.New("sticks are no longer watched")
	case <-ctx.Done():
		return ctx.Err()
	}
	conn := <-c.conn
	if conn == nil {
		return errUnreached
	}
	return conn.Object(busName, dbus.ObjectPath(s.Path)).CallWithContext(ctx, method, 0, args...).Store(result...)
}

// check fails unless the kernel has mounted dir with all options wanted; exfat-fuse, for one, drops noexec without a word.
func (w *Watcher) check(dir, wanted string) error {
	f, err := os.Open(w.cfg.Mountinfo)
	if err != nil {
		return fmt.Errorf("look how it is mounted: %w", err)
	}
	defer f.Close()
	options, err := mounted(io.LimitReader(f, mountinfoLimit), dir)
	if err != nil {
		return err
	}
	for _, want := range strings.Split(wanted, ",") {
		if want == "rw" && slices.Contains(options, "ro") {
			return errors.New("it is write-protected: look for its switch, or use another one")
		}
		if !slices.Contains(options, want) {
			return fmt.Errorf("it came out mounted with %s, without %s: this stick is not read", strings.Join(options, ","), want)
		}
	}
	return nil
}

// mounted gives the options of the mount at dir from a list in the form of proc_pid_mountinfo(5). The last mount wins: it
// lies above the others.
func mounted(list io.Reader, dir string) ([]string, error) {
	var options []string
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 5 && unescape(f[4]) == dir {
			options = strings.Split(f[5], ",")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("look how it is mounted: %w", err)
	}
	if options == nil {
		return nil, fmt.Errorf("UDisks2 says that it is mounted at %s, and the kernel knows of no such mount", dir)
	}
	return options, nil
}

// unescape undoes mountinfo's octal escapes of space, tab, newline and backslash.
func unescape(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if len(after) >= 3 {
			if v, err := strconv.ParseUint(after[:3], 8, 8); err == nil {
				b.WriteByte(byte(v))
				s = after[3:]
				continue
			}
		}
		b.WriteByte('\\')
		s = after
	}
}
