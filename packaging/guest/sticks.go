package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vitrine/agent/control"
)

// startPlayer starts it as a service that is started again, as the package's unit has it: an emulated machine on a busy one can
// stand still for so long that the player's watchdog acts.
const startPlayer = "systemd-run -q --unit=player --collect -p Restart=always -p RestartSec=1 /payload/vitrine-player run --data /var/lib/vitrine --headless 640x360 --renderer /payload/vitrine-render --lang en --cec=false"

// all is the whole drill, or the part of it that is asked for.
func (d *drill) all() error {
	if err := d.player(); err != nil {
		return err
	}
	for i, kind := range []string{"vfat", "exfat"} {
		if d.leaves("sticks") {
			break
		}
		if err := d.stick(kind, 2+2*i); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	if !d.leaves("share") {
		if err := d.share(6); err != nil {
			return err
		}
	}
	if d.leaves("tests") {
		return nil
	}
	return d.testPrograms()
}

func (d *drill) leaves(part string) bool { return d.only != "" && d.only != part }

// player starts the player with bundle 1.
func (d *drill) player() error {
	for _, command := range []string{
		"mount -o ro LABEL=payload /payload",
		startPlayer,
	} {
		if _, err := d.guest.sh("%s", command); err != nil {
			return err
		}
	}
	if _, err := d.await("the player answers", func(control.Status) bool { return true }); err != nil {
		return err
	}
	words, err := d.guest.sh("/payload/vitrine inspect /payload/1.vitrine --json | sed 's/.*\"words\":\\[\\([^]]*\\)\\].*/\\1/; s/[\",]/ /g'")
	if err != nil {
		return err
	}
	if _, err := d.guest.sh("/payload/vitrine-player import /payload/1.vitrine --data /var/lib/vitrine --trust '%s'", strings.Join(strings.Fields(words), " ")); err != nil {
		return err
	}
	if _, err := d.await("bundle 1 is on", live(1)); err != nil {
		return err
	}
	d.step("the player shows bundle 1")
	return nil
}

// live says whether a version is on the screen.
func live(seq uint64) func(control.Status) bool {
	return func(s control.Status) bool {
		return s.Bundle != nil && s.Bundle.Seq == seq && s.Showing.Scene != "" && s.Renderer.Presented > 0
	}
}

// stick writes, plugs in, pulls and plugs in again a stick of a kind; it takes the player from version n-1 to n+1.
func (d *drill) stick(kind string, n int) error {
	image := filepath.Join(d.dir, kind+".img")
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	if err := f.Truncate(96 << 20); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	mkfs := map[string][]string{"vfat": {"mkfs.vfat", "-F", "32", "-n", "LOBBY", image}, "exfat": {"mkfs.exfat", "-L", "LOBBY", image}}[kind]
	if err := d.host(mkfs[0], mkfs[1:]...); err != nil {
		return err
	}
	for _, part := range []func(kind, image string, n int) error{d.written, d.imported, d.pulled, d.reported} {
		if err := part(kind, image, n); err != nil {
			return err
		}
	}
	return nil
}

// written writes version n onto the stick in the guest, through UDisks2, while the player leaves the empty stick alone.
func (d *drill) written(kind, image string, n int) error {
	if err := d.write(kind, image, n, ""); err != nil {
		return err
	}
	s, err := d.status()
	if err != nil {
		return err
	}
	if s.Bundle == nil || s.Bundle.Seq != uint64(n-1) {
		return fmt.Errorf("the player took %+v from an empty stick", s.Bundle)
	}
	d.step("%s: bundle %d written by vitrine usb write, read back, unmounted, pulled", kind, n)
	return nil
}

// write plugs the stick in, writes a version onto it and pulls it.
func (d *drill) write(kind, image string, n int, flags string) error {
	if _, err := d.guest.sh("systemctl stop player"); err != nil { // two programs at one stick would be another drill
		return err
	}
	if err := d.guest.plug("stick", image, 0); err != nil {
		return err
	}
	if _, err := d.guest.sh("for i in $(seq 600); do [ -b /dev/disk/by-label/LOBBY ] && exit; sleep 0.2; done; exit 1"); err != nil {
		return fmt.Errorf("the stick does not come up: %w", err)
	}
	out, err := d.guest.sh("/payload/vitrine usb write /payload/%d.vitrine /dev/disk/by-label/LOBBY --json %s | tail -n 1", n, flags)
	if err != nil {
		return err
	}
	if !strings.Contains(out, `"filesystem":"`+kind+`"`) {
		return fmt.Errorf("it was written otherwise than thought: %s", out)
	}
	if err := d.guest.pull("stick", false); err != nil {
		return err
	}
	if _, err := d.guest.sh("for i in $(seq 600); do [ -b /dev/disk/by-label/LOBBY ] || break; sleep 0.2; done; " + startPlayer); err != nil {
		return err
	}
	_, err = d.await("the player is back", func(s control.Status) bool { return s.Bundle != nil && s.Showing.Scene != "" })
	return err
}

// imported plugs the stick in and waits until what is on it is on the screen.
func (d *drill) imported(kind, image string, n int) error {
	if err := d.guest.plug("stick", image, 0); err != nil {
		return err
	}
	s, err := d.await(fmt.Sprintf("bundle %d is on, from the stick", n), func(s control.Status) bool {
		return live(uint64(n))(s) && s.Stick != nil && s.Stick.State == "taken"
	})
	if err != nil {
		return err
	}
	if d.whole, err = d.read(); err != nil {
		return err
	}
	d.step("%s: plugged in, imported, on the screen: %q", kind, s.Stick.Said)
	return d.guest.pull("stick", false)
}

// pulled writes version n+1 onto the stick, pulls it in the middle of the import, and plugs it in again.
func (d *drill) pulled(kind, image string, n int) error {
	if err := d.write(kind, image, n+1, "--prune"); err != nil {
		return err
	}
	d.step("%s: bundle %d written onto the same stick, the old one removed", kind, n+1)
	if err := d.guest.plug("slow", image, slow); err != nil {
		return err
	}
	s, err := d.await("an import is under way", func(s control.Status) bool {
		return s.Stick != nil && s.Stick.State == "importing" && s.Stick.Have >= 1<<20
	})
	if err != nil {
		return err
	}
	total := s.Stick.Total
	if err := d.guest.pull("slow", true); err != nil {
		return err
	}
	s, err = d.await("the player says that the stick was pulled", func(s control.Status) bool { return s.Stick != nil && s.Stick.State == "gone" })
	if err != nil {
		return err
	}
	if !live(uint64(n))(s) {
		return fmt.Errorf("after the pull the player shows %+v, not bundle %d", s.Bundle, n)
	}
	d.step("%s: pulled at a third of an import of %d KiB: %q; bundle %d stays on", kind, total>>10, s.Stick.Said, n)
	if err := d.guest.plug("slow", image, slow); err != nil {
		return err
	}
	s, err = d.await(fmt.Sprintf("bundle %d is on", n+1), func(s control.Status) bool {
		return live(uint64(n+1))(s) && s.Stick != nil && s.Stick.State == "taken"
	})
	if err != nil {
		return err
	}
	read, err := d.read()
	if err != nil {
		return err
	}
	if read > d.whole-(512<<10) {
		return fmt.Errorf("it did not go on where it stopped: %d KiB were read of the stick, a whole import reads %d KiB", read>>10, d.whole>>10)
	}
	d.step("%s: plugged in again, it went on (%d KiB read, a whole import reads %d KiB), bundle %d is on: %q", kind, read>>10, d.whole>>10, n+1, s.Stick.Said)
	return d.guest.pull("slow", true)
}

// read is how much the guest has read of the stick that is plugged in, bytes.
func (d *drill) read() (int64, error) {
	out, err := d.guest.sh("cat /sys/block/sd*/stat | awk '{s += $3} END {print s * 512}'")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(out), 10, 64)
}

// reported looks at the stick for what the player has written back.
func (d *drill) reported(kind, image string, n int) error {
	if _, err := d.guest.sh("systemctl stop player"); err != nil {
		return err
	}
	if err := d.guest.plug("stick", image, 0); err != nil {
		return err
	}
	out, err := d.guest.sh("for i in $(seq 600); do [ -b /dev/disk/by-label/LOBBY ] && break; sleep 0.2; done; mount -o ro /dev/disk/by-label/LOBBY /mnt && cat /mnt/vitrine/results/*.json; umount /mnt")
	if err != nil {
		return err
	}
	if !strings.Contains(out, `"state": "taken"`) {
		return fmt.Errorf("no result is on the stick: %s", out)
	}
	if err := d.guest.pull("stick", false); err != nil {
		return err
	}
	d.step("%s: the result is on the stick", kind)
	_, err = d.guest.sh(startPlayer)
	return err
}

// testPrograms runs the packages' own tests on the guest's file systems.
func (d *drill) testPrograms() error {
	if d.tests == "" {
		return nil
	}
	entries, err := os.ReadDir(d.tests)
	if err != nil {
		return err
	}
	if _, err := d.guest.sh("mount LABEL=scratch /mnt"); err != nil { // the guest's memory does not hold the images of sticks
		return err
	}
	for _, e := range entries {
		out, err := d.guest.sh("cd /mnt && TMPDIR=/mnt /payload/tests/%s -test.v -test.timeout 60m -test.run 'Stick|Pull|FAT|Reply|Tree|Hostile' 2>&1 | grep -E '^ *--- |^(PASS|FAIL|panic)|_test.go' | tail -n 120", e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(d.out, "guest-"+e.Name()+".log"), []byte(out), 0o644); err != nil {
			return err
		}
		if !strings.HasSuffix(strings.TrimSpace(out), "PASS") {
			return fmt.Errorf("%s fails in the guest:\n%s", e.Name(), out)
		}
		d.step("%s: %d passed, %d skipped on this kernel", e.Name(), strings.Count(out, "--- PASS"), strings.Count(out, "--- SKIP"))
	}
	return nil
}
