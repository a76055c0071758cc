package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vitrine/render/scene"
	"vitrine/render/witness"
)

// load is what a program asked of the machine while it played.
type load struct {
	cpu     float64 // seconds
	memory  []int64 // bytes twice a second, what it shares with others counted in parts
	written int64   // bytes that it had the disk write
}

// playing measures 22 s of a 1080p30 clip: processor time, memory and writes of plain mpv, of ours, and of ours with a
// ticker as wide as the screen and a table beside.
func (s *stage) playing(ctx context.Context) ([]Figure, error) {
	p, err := s.screen.Read()
	if err != nil {
		return nil, err
	}
	canvas := scene.Size{Width: p.Size.X, Height: p.Size.Y}
	var loads []load
	runs := [][]scene.Zone{nil, {}, busy(p.Size)}
	if _, err := exec.LookPath("vlc"); err == nil {
		runs = append(runs, nil)
	}
	for i, around := range runs {
		clip := witness.Clip{Item: 90 + i, Size: image.Pt(1920, 1080), Rate: 30, Frames: 660}
		path := s.path(fmt.Sprintf("playing-%d.mp4", i))
		if err := clip.Make(ctx, path); err != nil {
			return nil, err
		}
		look := witness.Look{Zone: image.Rectangle{Max: p.Size}, Sizes: []image.Point{clip.Size}, Fit: scene.Contain}
		cmd, quit := mpv(ctx, path, s.display, p.Size)
		if i == 3 {
			if cmd, quit, err = vlc(ctx, path, s.display); err != nil {
				return nil, err
			}
		}
		if around != nil {
			if cmd, quit, err = drawn(ctx, s.display, filepath.Join(s.bin, "vitrine-render"), canvas, append([]scene.Zone{film(path, p.Size)}, around...)); err != nil {
				return nil, err
			}
		}
		// The last frames of the clip end it: all have played all of it then, at their own pace.
		l, err := s.weighed(ctx, look, func(m witness.Mark) bool { return m.Item == clip.Item && m.Frame >= 600 }, cmd, quit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
		}
		loads = append(loads, l)
	}
	plain, ours, full := loads[0], loads[1], loads[2]
	seconds := func(what string, l load) Figure {
		return Figure{what, fmt.Sprintf("%.1f s", l.cpu), fmt.Sprintf("mpv, the video alone, %.1f s", plain.cpu), fmt.Sprintf("%.2f", l.cpu/plain.cpu)}
	}
	memory := func(what string, ours, other int64) Figure {
		return Figure{what, mebi(ours), "mpv " + mebi(other), fmt.Sprintf("%.2f", float64(ours)/float64(other))}
	}
	figures := []Figure{
		seconds("processor time, 20 s of 1080p30", ours),
		seconds("with a ticker as wide as the screen and a table", full),
		memory("proportional memory meanwhile, median", median(ours.memory), median(plain.memory)),
		memory("at most, while the next video waits", slices.Max(ours.memory), slices.Max(plain.memory)),
		{"written to disks meanwhile", fmt.Sprintf("%d KiB", ours.written>>10), fmt.Sprintf("mpv %d KiB", plain.written>>10), "–"},
	}
	if len(loads) > 3 {
		figures = append(figures, Figure{"processor time beside VLC, where it is installed", fmt.Sprintf("%.1f s", ours.cpu), fmt.Sprintf("vlc %.1f s", loads[3].cpu), fmt.Sprintf("%.2f", ours.cpu/loads[3].cpu)})
	}
	return figures, nil
}

// vlc plays without sound on the whole screen. It refuses to be root, so that it is given the open file.
func vlc(ctx context.Context, path, display string) (*exec.Cmd, func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, "vlc", "-I", "dummy", "--no-audio", "--no-osd", "--no-video-title-show", "--fullscreen", "--vout", "xcb_x11", "fd://0")
	cmd.Stdin, cmd.Env = f, append(os.Environ(), "DISPLAY="+display, "HOME=/nonexistent")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return cmd, func() { _ = cmd.Process.Kill(); _ = f.Close() }, nil
}

// film is a zone that shows one video on the whole screen.
func film(path string, size image.Point) scene.Zone {
	return scene.Zone{At: scene.Rect{0, 0, size.X, size.Y}, Playlist: []scene.Item{{Kind: scene.Video, Src: path, Fit: scene.Contain}}}
}

// busy is what a lobby has beside its video. It leaves free where a clip carries its number.
func busy(size image.Point) []scene.Zone {
	table := &scene.Table{Columns: []scene.Column{{Name: "title"}, {Name: "price"}}}
	for i := range 8 {
		table.Cells = append(table.Cells, []string{fmt.Sprintf("Dish of the day, number %d", i+1), fmt.Sprintf("%d.50 €", 8+i)})
	}
	return []scene.Zone{
		{At: scene.Rect{size.X * 2 / 3, size.Y / 3, size.X / 3, size.Y / 2}, Z: 1, Background: "#102030", Table: table},
		{At: scene.Rect{0, size.Y * 9 / 10, size.X, size.Y / 10}, Z: 2, Background: "#102030", Ticker: &scene.Ticker{Text: "News that moves from one end of the screen to the other, without end"}},
	}
}

// weighed runs a program until a mark on the screen is the one meant, and looks twice a second at what it takes.
func (s *stage) weighed(ctx context.Context, look witness.Look, meant func(witness.Mark) bool, cmd *exec.Cmd, quit func()) (load, error) {
	var l load
	done, ended := make(chan struct{}), make(chan struct{})
	begun := make(chan int, 1)
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		pid := 0
		for {
			select {
			case <-done:
				return
			case pid = <-begun:
			case <-tick.C:
				if pid != 0 {
					l.memory = append(l.memory, proportional(pid))
					l.written = max(l.written, written(pid))
				}
			}
		}
	}()
	err := until(ctx, s.screen, look, func(m witness.Mark) bool {
		if cmd.Process != nil {
			select {
			case begun <- cmd.Process.Pid:
			default:
			}
		}
		return meant(m)
	}, cmd, quit)
	close(done)
	<-ended
	if err == nil && len(l.memory) == 0 {
		err = errors.New("it ended before its memory could be looked at")
	}
	if err == nil {
		l.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	}
	return l, err
}

// proportional is a process' memory in bytes, what it shares with others counted in parts (proc(5), smaps_rollup, Pss).
func proportional(pid int) int64 {
	return field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:") << 10
}

// written is what a process has had the disks write, bytes (proc(5), io).
func written(pid int) int64 { return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes:") }

// field is the number behind a name in one of the kernel's lists; 0 where it does not tell.
func field(path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if w := strings.Fields(sc.Text()); len(w) > 1 && w[0] == name {
			n, _ := strconv.ParseInt(w[1], 10, 64)
			return n
		}
	}
	return 0
}
