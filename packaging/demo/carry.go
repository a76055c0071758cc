package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// imported imports a bundle of one large blob into a player of its own, beside cp and sha256sum of the same bytes: the
// import verifies all of them, and they are on the disk when it ends.
func (s *stage) imported(ctx context.Context, file, blob string) (Figure, error) {
	player, err := s.start("vitrine-player", "run", "--data", s.path("importing"), "--headless", "320x180", "--usb=false")
	if err != nil {
		return Figure{}, err
	}
	defer player.stop(syscall.SIGTERM, 10*time.Second)
	if err := s.poll(ctx, 30*time.Second, func() (bool, error) {
		_, err := s.run(ctx, "vitrine-player", "status", "--data", s.path("importing"))
		return err == nil, err
	}); err != nil {
		return Figure{}, fmt.Errorf("start a player to import: %w", err)
	}
	out, err := s.vitrine(ctx, "inspect", "--json", file)
	if err != nil {
		return Figure{}, err
	}
	var inspected struct{ Words []string }
	if err := json.Unmarshal([]byte(out), &inspected); err != nil {
		return Figure{}, fmt.Errorf("read what is in the bundle: %w", err)
	}
	copied := s.path("copied")
	defer os.Remove(copied)
	other := func() (time.Duration, error) {
		begin := time.Now()
		err := exec.CommandContext(ctx, "sh", "-c", `cp "$1" "$2" && sha256sum "$2"`, "sh", blob, copied).Run()
		return time.Since(begin), err
	}
	before, err := other()
	if err != nil {
		return Figure{}, fmt.Errorf("cp and sha256sum: %w", err)
	}
	begin := time.Now()
	if _, err := s.run(ctx, "vitrine-player", "import", "--data", s.path("importing"), "--trust", strings.Join(inspected.Words, " "), file); err != nil {
		return Figure{}, err
	}
	took := time.Since(begin)
	again, err := other()
	if err != nil {
		return Figure{}, fmt.Errorf("cp and sha256sum: %w", err)
	}
	mean := (before + again) / 2
	return Figure{"import 1 GiB: verify, copy, sync", fmt.Sprintf("%.2f s", took.Seconds()), fmt.Sprintf("cp and sha256sum %.2f s", mean.Seconds()),
		fmt.Sprintf("%.2f", took.Seconds()/mean.Seconds())}, nil
}
