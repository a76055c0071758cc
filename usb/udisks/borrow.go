package udisks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Borrow says where a block device is mounted for writing, and has UDisks2 mount it where it is not. give unmounts what was
// mounted here; what somebody else has mounted stays so.
func Borrow(ctx context.Context, cfg Config, device string) (dir string, give func() error, err error) {
	w, err := New(cfg)
	if err != nil {
		return "", nil, err
	}
	if dir, err := w.mountedAt(device); err != nil || dir != "" {
		return dir, func() error { return nil }, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(running) }()
	go func() { // nobody asks for sticks here
		for {
			select {
			case <-w.events:
			case <-w.ended:
				return
			}
		}
	}()
	end := func() error { stop(); return <-ended }
	s := Stick{Path: string(managerAt) + "/block_devices/" + objectName(path.Base(device)), Device: device}
	dir, err = w.MountToWrite(ctx, s)
	for patience := 5; err != nil && ctx.Err() == nil && patience > 0 && errors.Is(err, errUnreached); patience-- {
		select {
		case <-ctx.Done():
		case <-time.After(w.cfg.Retry):
		}
		dir, err = w.MountToWrite(ctx, s)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w; or mount the stick yourself and give its folder", err), end())
	}
	return dir, func() error { return errors.Join(w.Unmount(context.WithoutCancel(ctx), s), end()) }, nil
}

// mountedAt is where the kernel has mounted a device; "" = nowhere.
func (w *Watcher) mountedAt(device string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(device, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", errors.Join(err, fmt.Errorf("%s is no stick: give its partition, such as /dev/sdb1, or the folder where it is mounted", device))
	}
	f, err := os.Open(w.cfg.Mountinfo)
	if err != nil {
		return "", fmt.Errorf("look where %s is mounted: %w", device, err)
	}
	defer f.Close()
	list, err := io.ReadAll(io.LimitReader(f, mountinfoLimit))
	if err != nil {
		return "", fmt.Errorf("look where %s is mounted: %w", device, err)
	}
	want, found := fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev)), ""
	for line := range strings.Lines(string(list)) {
		if f := strings.Fields(line); len(f) > 5 && f[2] == want && f[3] == "/" {
			if found = unescape(f[4]); slices.Contains(strings.Split(f[5], ","), "rw") {
				return found, nil
			}
		}
	}
	if found != "" {
		return "", fmt.Errorf("%s is mounted read-only at %s: unmount it, or mount it for writing", device, found)
	}
	return "", nil
}

// objectName is how UDisks2 writes a device's name in an object path: all but letters and digits as _xx.
func objectName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "_%02x", c)
	}
	return b.String()
}
