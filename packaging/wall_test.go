package packaging

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/agent/control"
	"vitrine/cloud/api"
	screen "vitrine/render/scene"
	"vitrine/render/witness"
)

// How long two players are compared, and where the figures go: make wall.
var (
	wallFor = flag.Duration("wall", 0, "compare two players of an aligned loop for so long, one of them killed halfway")
	wallOut = flag.String("wall-out", "", "file for the figures, JSON")
)

// seat is a player in a process of its own, with the renderer on an Xvfb of its own.
type seat struct {
	h       *house
	name    string
	args    []string
	display *witness.Display
	pixels  witness.Screen
	cmd     *exec.Cmd
	ended   chan struct{}
	status  *control.Client
}

// take sits a player down and claims it.
func (h *house) take(name string, size image.Point, renderer ...string) *seat {
	h.t.Helper()
	s := &seat{h: h, name: name}
	var err error
	if s.display, err = witness.StartXvfb(h.t.Context(), size); err != nil {
		h.t.Skip(err)
	}
	h.t.Cleanup(s.display.Close)
	if s.pixels, err = s.display.Screen(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.pixels.Close)
	program := filepath.Join(h.bin, "vitrine-render")
	if len(renderer) > 0 {
		script := filepath.Join(h.dir, "render-"+name)
		text := "#!/bin/sh\nexec " + program + ` "$@" ` + strings.Join(renderer, " ") + "\n"
		if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
			h.t.Fatal(err)
		}
		program = script
	}
	dir := filepath.Join(h.dir, name)
	s.args = []string{"run", "--data", dir, "--relay", h.admin.Base, "--relay-pin", h.relay.Authority().Pin(), "--display", s.display.Name, "--renderer", program, "--usb=false"}
	s.status = control.Dial(dir)
	s.start()
	h.t.Cleanup(func() { s.stop(syscall.SIGTERM) })
	h.player = s.status
	code := ""
	h.until(name+" shows a code", func() bool {
		st, err := s.status.Status(h.t.Context())
		if err == nil && st.Claim != nil {
			code = st.Claim.Code
		}
		return code != ""
	})
	if _, err := h.admin.Claim(h.t.Context(), code, api.Claim{Name: name}); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (s *seat) start() {
	s.h.t.Helper()
	s.cmd, s.ended = exec.Command(filepath.Join(s.h.bin, "vitrine-player"), s.args...), make(chan struct{})
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.OpenFile(filepath.Join(s.h.dir, s.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.h.t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.h.t.Fatal(err)
	}
	cmd, ended := s.cmd, s.ended
	go func() {
		_ = cmd.Wait() // it is killed mostly
		close(ended)
	}()
}

// stop ends the player and its renderer.
func (s *seat) stop(sig syscall.Signal) {
	if sig == syscall.SIGKILL {
		_ = syscall.Kill(-s.cmd.Process.Pid, sig)
	} else {
		_ = s.cmd.Process.Signal(sig)
	}
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.ended
	}
}

// clips are an aligned loop of two videos.
func (h *house) clips(size image.Point) []witness.Clip {
	h.t.Helper()
	dir := filepath.Join(h.dir, "pair")
	clips := []witness.Clip{{Item: 1, Size: size, Rate: 30, Frames: 300}, {Item: 2, Size: size, Rate: 30, Frames: 210}}
	if err := os.MkdirAll(filepath.Join(dir, "media"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	for i, c := range clips {
		if err := c.Make(h.t.Context(), filepath.Join(dir, "media", fmt.Sprintf("%c.mp4", 'a'+i))); err != nil {
			h.t.Skip(err)
		}
	}
	text := fmt.Sprintf(`id: pair
zone: UTC
canvas: {width: %d, height: %d}
scenes:
  a: {media: media/a.mp4}
  b: {media: media/b.mp4}
events:
  - {id: loop, items: [a, b], align: true}
defaults: {fleet: [a]}
fallback: [a]
`, size.X, size.Y)
	if err := os.WriteFile(filepath.Join(dir, "bundle.yaml"), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
	h.vitrine("build", dir, "-publish", "--to", "*")
	return clips
}

// loopAt is where in the loop of clips a mark is, frames; false when nothing could be read.
func (s *seat) loopAt(clips []witness.Clip, size image.Point) (int, bool) {
	p, err := s.pixels.Read()
	if err != nil {
		s.h.t.Fatal(err)
	}
	m, ok := witness.Look{Zone: image.Rectangle{Max: size}, Sizes: []image.Point{size}, Fit: screen.Contain}.Read(p)
	if !ok {
		return 0, false
	}
	at := m.Frame
	for _, c := range clips {
		if c.Item == m.Item {
			return at, true
		}
		at += c.Frames
	}
	return 0, false
}

// phase is one stretch of the comparison.
type phase struct {
	Name    string    `json:"name"`
	Looks   int       `json:"looks"`
	Unread  int       `json:"unread"` // one of the two was changing, or not up
	Within  [4]int    `json:"within"` // 0, 1, 2 frames apart, and more
	Median  float64   `json:"medianFrames"`
	P99     int       `json:"p99Frames"`
	Worst   int       `json:"worstFrames"`
	SkewMS  []float64 `json:"skewMS"` // as the players report it, at the end
	apart   []int
	oneWay  int     // frames that the second was ahead, summed
	Advance float64 `json:"meanAdvanceFrames"` // of the second before the first
}

// compare looks at both screens 60 times a second.
func compare(a, b *seat, name string, clips []witness.Clip, size image.Point, d time.Duration) *phase {
	ph := &phase{Name: name}
	total := 0
	for _, c := range clips {
		total += c.Frames
	}
	tick := time.NewTicker(time.Second / 60)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		i, ok := a.loopAt(clips, size)
		k, too := b.loopAt(clips, size)
		ph.Looks++
		if !ok || !too {
			ph.Unread++
			continue
		}
		apart := (k - i + total) % total
		if apart > total/2 {
			apart -= total
		}
		ph.oneWay += apart
		n := max(apart, -apart)
		ph.apart = append(ph.apart, n)
		ph.Within[min(n, 3)]++
	}
	slices.Sort(ph.apart)
	if n := len(ph.apart); n > 0 {
		ph.Median, ph.P99, ph.Worst, ph.Advance = float64(ph.apart[n/2]), ph.apart[n*99/100], ph.apart[n-1], float64(ph.oneWay)/float64(n)
	}
	for _, s := range []*seat{a, b} {
		if st, err := s.status.Status(a.h.t.Context()); err == nil && st.Renderer.Skew != nil {
			ph.SkewMS = append(ph.SkewMS, *st.Renderer.Skew*1000)
		}
	}
	return ph
}

func (p *phase) row() string {
	n := max(1, len(p.apart))
	share := func(k int) string { return fmt.Sprintf("%5.1f %%", 100*float64(p.Within[k])/float64(n)) }
	return fmt.Sprintf("%-28s %6d %6d  %s %s %s %s  %5.0f %4d %5d  %+.2f  %.1f", p.Name, p.Looks, p.Unread, share(0), share(1), share(2), share(3), p.Median, p.P99, p.Worst, p.Advance, p.SkewMS)
}

func TestTwoPlayersOfAnAlignedLoopStayTogether(t *testing.T) {
	if *wallFor == 0 {
		t.Skip("takes minutes: make wall")
	}
	size := image.Pt(640, 360)
	h := lit(t)
	build(t, h.bin, "agent/cmd/vitrine-player")
	tagged := exec.Command("go", "build", "-tags", "mpv", "-o", h.bin+"/", "vitrine/render/cmd/vitrine-render")
	if out, err := tagged.CombinedOutput(); err != nil {
		t.Skipf("the renderer cannot be built with libmpv: %s", out)
	}
	clips := h.clips(size)
	a, b := h.take("left", size), h.take("right", size)
	for _, s := range []*seat{a, b} {
		h.until(s.name+" plays by the clock", func() bool {
			st, err := s.status.Status(t.Context())
			return err == nil && st.Clock.Trust == "trusted" && st.Renderer.Skew != nil
		})
	}
	phases := []*phase{compare(a, b, "both running", clips, size, *wallFor/2)}
	b.stop(syscall.SIGKILL)
	b.start()
	killed := time.Now()
	h.until("the right one is back", func() bool { _, ok := b.loopAt(clips, size); return ok && time.Since(killed) > time.Second })
	phases = append(phases, compare(a, b, "first 5 s after the kill", clips, size, 5*time.Second), compare(a, b, "right one started again", clips, size, *wallFor/2))
	t.Logf("%-28s %6s %6s  %7s %7s %7s %7s  %5s %4s %5s  %s  %s", "", "looks", "unread", "0", "1", "2", "more", "med.", "99 %", "worst", "advance", "skew, ms")
	for _, p := range phases {
		t.Log(p.row())
	}
	if *wallOut != "" {
		raw, err := json.MarshalIndent(phases, "", "  ")
		if err == nil {
			err = os.WriteFile(*wallOut, append(raw, '\n'), 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
	for _, p := range []*phase{phases[0], phases[2]} { // a busy machine may be late now and then, but not for half of the time
		if len(p.apart) < p.Looks/2 || p.Median > 1 {
			t.Errorf("%s: the two are %v frames apart in the middle, of %d looks %d could be read", p.Name, p.Median, p.Looks, len(p.apart))
		}
	}
}

func TestTwoPlayersOfAWallShowOneCanvas(t *testing.T) {
	t.Parallel()
	half := image.Pt(640, 360)
	h := lit(t)
	build(t, h.bin, "agent/cmd/vitrine-player")
	dir := filepath.Join(h.dir, "wall")
	if err := os.MkdirAll(filepath.Join(dir, "media"), 0o755); err != nil {
		t.Fatal(err)
	}
	whole := witness.Picture{Item: 9, Size: image.Pt(2*half.X, half.Y)}
	if err := whole.Make(filepath.Join(dir, "media", "a.png")); err != nil {
		t.Fatal(err)
	}
	text := `id: wall
zone: UTC
canvas: {width: 1280, height: 360}
scenes:
  a: {for: 1h, zones: [{at: [0, 0, 1280, 360], image: media/a.png}, {at: [540, 250, 200, 80], background: "#ffffff"}]}
defaults: {fleet: [a]}
fallback: [a]
`
	if err := os.WriteFile(filepath.Join(dir, "bundle.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	h.vitrine("build", dir, "-publish", "--to", "*")
	left, right := h.take("left", half, "--wall", "2x1", "--place", "0,0"), h.take("right", half, "--wall", "2x1", "--place", "1,0")
	want := whole.Image()
	for y := 250; y < 330; y++ {
		for i := want.PixOffset(540, y); i < want.PixOffset(740, y); i++ {
			want.Pix[i] = 0xff
		}
	}
	for i, s := range []*seat{left, right} {
		h.player = s.status
		h.until(s.name+" shows its half of the canvas, pixel for pixel", func() bool {
			p, err := s.pixels.Read()
			if err != nil {
				t.Fatal(err)
			}
			part := image.NewRGBA(image.Rectangle{Max: half})
			for y := range half.Y {
				copy(part.Pix[y*part.Stride:][:part.Stride], want.Pix[want.PixOffset(i*half.X, y):])
			}
			return differ(p.RGBA(), part, part.Rect) == 0
		})
	}
	if dir := *looks; dir != "" {
		for _, s := range []*seat{left, right} {
			p, err := s.pixels.Read()
			if err != nil {
				t.Fatal(err)
			}
			keep(t, filepath.Join(dir, "wall-"+s.name+".png"), p.RGBA())
		}
	}
}
