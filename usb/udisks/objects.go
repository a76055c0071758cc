package udisks

import (
	"bytes"
	"context"
	"slices"

	"github.com/godbus/dbus/v5"
)

// objects is what ObjectManager.GetManagedObjects gives: path -> interface -> property -> value.
type objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant

// managed asks UDisks2 for all that it has; D-Bus starts UDisks2 for it if need be.
func managed(ctx context.Context, conn *dbus.Conn) (objects, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var list objects
	err := conn.Object(busName, managerAt).CallWithContext(ctx, ifManager+".GetManagedObjects", 0).Store(&list)
	return list, err
}

// sticks picks the mountable file systems on removable USB drives.
func sticks(list objects, kinds []string) map[string]Stick {
	found := map[string]Stick{}
	for path, interfaces := range list {
		block, hasBlock := interfaces[ifBlock]
		if _, hasFS := interfaces[ifFS]; !hasBlock || !hasFS {
			continue
		}
		drivePath := get[dbus.ObjectPath](block, "Drive")
		drive, ok := list[drivePath][ifDrive] // a loop device names the drive "/", which is none
		if !ok || get[string](drive, "ConnectionBus") != "usb" || !get[bool](drive, "Removable") {
			continue
		}
		kind := get[string](block, "IdType")
		if !slices.Contains(kinds, kind) || get[bool](block, "HintIgnore") || get[bool](block, "HintSystem") {
			continue
		}
		found[string(path)] = Stick{
			Path:       string(path),
			Drive:      string(drivePath),
			Detected:   get[uint64](drive, "TimeMediaDetected"),
			Device:     text(get[[]byte](block, "Device")),
			Filesystem: kind,
			Label:      get[string](block, "IdLabel"),
			UUID:       get[string](block, "IdUUID"),
			Size:       get[uint64](block, "Size"),
		}
	}
	return found
}

// get reads a property; one that is absent or of another type counts as its zero value.
func get[T any](props map[string]dbus.Variant, name string) T {
	v, _ := props[name].Value().(T)
	return v
}

// text reads a path in UDisks2's form, bytes with a closing zero.
func text(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
