// Command guest answers: do real sticks and shares do with a real kernel what they should?
//
//	Debian in QEMU: udisks2, vitrine-player, vitrine-render <──virtio port── commands, answers
//	      ▲ usb-storage, vfat and exFAT, plugged and pulled <──QMP────────── here
//
// The machines that tests run on often have neither of these file systems, nor NFS, and never a stick to pull: loop devices
// have no drive. Here a stick is written in the guest by vitrine usb write, plugged in, imported, shown, and pulled in the
// middle; and the server of a mounted share goes away and comes back.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		stop()
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	base  string // folder of base.img, vmlinuz, initrd
	bin   string // folder of the programs, without cgo
	tests string // folder of test programs that run in the guest
	out   string // folder for logs
	only  string // sticks, share or tests
	accel string
	limit time.Duration
}

func run(ctx context.Context, args []string) (err error) {
	var o options
	fs := flag.NewFlagSet("guest", flag.ContinueOnError)
	fs.StringVar(&o.base, "base", "out/guest", "`folder` that packaging/guest/root.sh has made")
	fs.StringVar(&o.bin, "bin", "bin", "`folder` of the programs, built without cgo")
	fs.StringVar(&o.tests, "tests", "", "`folder` of test programs to run in the guest; empty = none")
	fs.StringVar(&o.out, "out", "out", "`folder` for the guest's logs")
	fs.StringVar(&o.only, "only", "", "`part` of the drill: sticks, share or tests; empty = all")
	fs.StringVar(&o.accel, "accel", "tcg", "QEMU's `accelerator`; a /dev/kvm that opens may still not work")
	fs.DurationVar(&o.limit, "limit", 20*time.Minute, "how `long` to wait for the guest at each step")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "vitrine-guest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	begun := time.Now()
	d := &drill{options: o, ctx: ctx, dir: dir}
	if err := d.pack(); err != nil {
		return err
	}
	d.step("packed")
	d.guest, err = boot(ctx, machine{base: o.base, dir: dir, payload: filepath.Join(dir, "payload.img"), scratch: filepath.Join(dir, "scratch.img"), console: filepath.Join(o.out, "guest-console.log"), accel: o.accel, limit: o.limit})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.keepLog()
		}
		d.guest.end()
	}()
	d.step("booted, udisks2 is up")
	if err := d.all(); err != nil {
		return err
	}
	fmt.Printf("all of it took %s\n", time.Since(begun).Round(time.Second))
	return nil
}
