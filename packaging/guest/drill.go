package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vitrine/agent/control"
)

// slow is how fast a stick is read while it is to be pulled, bytes a second.
const slow = 400 << 10

// bundleYAML is a bundle that an emulated processor draws easily: a still picture. The large one beside it is only carried.
const bundleYAML = `id: lobby
canvas: {width: 640, height: 360}
scenes:
  still: {media: media/still.png, for: 60s}
  noise: {media: media/noise.png, for: 10s}
defaults: {fleet: [still]}
fallback: [still]
`

// drill is what is done with a guest.
type drill struct {
	options
	ctx   context.Context
	dir   string
	guest *guest
	last  time.Time
	whole int64 // bytes that are read of a stick for a whole import
}

// step says what has been done, and how long it took.
func (d *drill) step(format string, args ...any) {
	if d.last.IsZero() {
		d.last = time.Now()
	}
	now := time.Now()
	fmt.Printf("%6.1f s  %s\n", now.Sub(d.last).Seconds(), fmt.Sprintf(format, args...))
	d.last = now
}

// pack makes bundles 1 to 6, a disk with them and the programs, and an empty one for what tests write.
func (d *drill) pack() error {
	d.last = time.Now()
	payload := filepath.Join(d.dir, "payload")
	if err := os.MkdirAll(payload, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"vitrine", "vitrine-player", "vitrine-render"} {
		if err := copyFile(filepath.Join(payload, name), filepath.Join(d.bin, name)); err != nil {
			return err
		}
	}
	if d.tests != "" {
		if err := os.CopyFS(filepath.Join(payload, "tests"), os.DirFS(d.tests)); err != nil {
			return err
		}
	}
	if err := d.bundles(payload); err != nil {
		return err
	}
	if err := d.host("mke2fs", "-q", "-t", "ext4", "-L", "scratch", filepath.Join(d.dir, "scratch.img"), "6G"); err != nil {
		return err
	}
	return d.host("mke2fs", "-q", "-t", "ext4", "-L", "payload", "-d", payload, filepath.Join(d.dir, "payload.img"), "192M")
}

// bundles builds six versions of a bundle, each with a large picture of its own, the last one with rows.
func (d *drill) bundles(payload string) error {
	author, keys := filepath.Join(d.dir, "lobby"), filepath.Join(d.dir, "keys")
	if err := d.vitrine("key", "new", "--dir", keys, "--customer", "acme"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(author, "media"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(author, "bundle.yaml"), []byte(bundleYAML), 0o644); err != nil {
		return err
	}
	if err := picture(filepath.Join(author, "media", "still.png"), 64, 36, func() uint32 { return 0x2060a0 }); err != nil {
		return err
	}
	for n := 1; n <= 6; n++ {
		if n == 6 {
			if err := os.WriteFile(filepath.Join(author, "bundle.yaml"), []byte(rowsYAML), 0o644); err != nil {
				return err
			}
		}
		if err := picture(filepath.Join(author, "media", "noise.png"), 1400, 1000, rand.New(rand.NewPCG(uint64(n), 1)).Uint32); err != nil {
			return err
		}
		if err := d.vitrine("build", author, "--keys", keys, "-o", filepath.Join(payload, fmt.Sprintf("%d.vitrine", n))); err != nil {
			return err
		}
	}
	return nil
}

// picture writes a PNG that is not made smaller.
func picture(path string, width, height int, pixel func() uint32) error {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			v := pixel()
			m.SetRGBA(x, y, color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255})
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join((&png.Encoder{CompressionLevel: png.NoCompression}).Encode(f, m), f.Close())
}

func (d *drill) vitrine(args ...string) error {
	return d.host(filepath.Join(d.bin, "vitrine"), args...)
}

func (d *drill) host(program string, args ...string) error {
	out, err := exec.CommandContext(d.ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// status asks the player in the guest.
func (d *drill) status() (s control.Status, err error) {
	out, err := d.guest.sh("/payload/vitrine-player status --data /var/lib/vitrine --json")
	if err != nil {
		return s, err
	}
	err = json.Unmarshal([]byte(out), &s)
	return s, err
}

// await asks until something holds of the player.
func (d *drill) await(what string, holds func(control.Status) bool) (s control.Status, err error) {
	end := time.Now().Add(d.limit)
	for {
		if s, err = d.status(); err == nil && holds(s) {
			return s, nil
		}
		if time.Now().After(end) || d.ctx.Err() != nil {
			return s, errors.Join(fmt.Errorf("within %s it was not seen that %s; the last status was %+v, stick %+v", d.limit, what, s, s.Stick), err, d.ctx.Err())
		}
		select {
		case <-d.ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// keepLog saves what the player and udisks2 have logged.
func (d *drill) keepLog() {
	out, err := d.guest.sh("journalctl --no-pager -b -u player -u udisks2 -u shell | tail -n 400; dmesg | tail -n 60")
	if err != nil {
		return
	}
	path := filepath.Join(d.out, "guest-journal.log")
	if os.WriteFile(path, []byte(out), 0o644) == nil {
		fmt.Fprintln(os.Stderr, "guest: the player's log is in", path)
	}
}
