package agent_test

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/agent/store"
	"vitrine/render/scene"
)

// program builds a command of ours.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(programs, filepath.Base(name))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "build", "-o", path, name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}

// seven is a player's folder with version 7 live, and the file of version 6, which was live before.
func seven(t *testing.T) (dir, six string) {
	t.Helper()
	p := bundletest.New(t)
	dir = filepath.Join(t.TempDir(), "data")
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Pin(p.Chain); err != nil {
		t.Fatal(err)
	}
	six = p.File(t, version(6), map[string][]byte{"media/a.png": plain(t, blue)})
	for _, file := range []string{six, p.File(t, version(7), map[string][]byte{"media/a.png": plain(t, red)})} {
		a, err := bundle.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Ingest(t.Context(), store.FromArchive(a), nil)
		a.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, six
}

func version(seq uint64) bundle.Manifest {
	return bundle.Manifest{Seq: seq, Canvas: scene.Size{Width: 64, Height: 36}, Scenes: map[string]scene.Scene{"a": slide("media/a.png")}}
}

// damage is a way in which a file was found after a power cut or on a worn card.
type damage struct {
	name  string
	files []string
	do    func(b []byte) []byte // nil = the file is gone
}

// damages are a few of them or, with -long, many.
func damages() (all []damage) {
	index, both := []string{"index.db"}, []string{"index.db", "index.good"}
	every := []string{"index.db", "index.good", "diary.db", "floor"}
	cut := func(per int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)*per/1000] } }
	zero := func(page int) func([]byte) []byte {
		return func(b []byte) []byte {
			size := os.Getpagesize()
			at := page % (len(b)/size + 1) * size
			clear(b[at:min(at+size, len(b))])
			return b
		}
	}
	flip := func(seed int) func([]byte) []byte {
		return func(b []byte) []byte {
			for i := range 8 {
				b[(seed*7919+i*len(b)/8+i*131)%len(b)] ^= 1 << (i % 8)
			}
			return b
		}
	}
	all = []damage{
		{"gone", []string{"index.db", "diary.db"}, nil}, {"gone", every, nil}, {"cut in half", both, cut(500)},
		{"a page zeroed", every[:3], zero(2)}, {"bits flipped", every[:3], flip(1)},
	}
	if !*long {
		return all
	}
	for _, files := range [][]string{index, both, {"diary.db"}, every[:3], every} {
		for per := range 20 {
			all = append(all, damage{fmt.Sprintf("cut to %d %%", per*5), files, cut(per * 50)})
		}
		for page := range 16 {
			all = append(all, damage{fmt.Sprintf("page %d zeroed", page), files, zero(page)})
		}
		for seed := range 20 {
			all = append(all, damage{fmt.Sprintf("bits flipped %d", seed), files, flip(seed)})
		}
	}
	return all
}

// TestAPlayerWithADamagedDatabaseShowsItsFirstSceneAndKeepsItsFloor starts the real programs on each damage. How long the
// first scene takes is a figure; that of an undamaged folder stands beside it.
func TestAPlayerWithADamagedDatabaseShowsItsFirstSceneAndKeepsItsFloor(t *testing.T) {
	vitrine, draws := program(t, "vitrine/agent/cmd/vitrine-player"), renderer(t)
	made, six := seven(t)
	var took []time.Duration
	for _, d := range append([]damage{{name: "undamaged"}}, damages()...) {
		dir := filepath.Join(t.TempDir(), "data")
		if out, err := exec.Command("cp", "-a", made, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		spoil(t, dir, d)
		first, said := firstScene(t, vitrine, draws, dir, six)
		if t.Failed() {
			t.Fatalf("%s: %v: %s", d.name, d.files, said)
		}
		took = append(took, first)
	}
	t.Logf("first scene on the screen %.2f s after the start of a player with an undamaged folder; with %d damaged ones after %.2f s in the median, %.2f s at most",
		took[0].Seconds(), len(took)-1, median(took[1:]).Seconds(), slices.Max(took[1:]).Seconds())
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

func spoil(t *testing.T, dir string, d damage) {
	t.Helper()
	for _, name := range d.files {
		path := filepath.Join(dir, name)
		if d.do == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, d.do(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// firstScene starts a player, waits until its picture is on the screen, offers it an older version, and ends it.
func firstScene(t *testing.T, vitrine, draws, dir, older string) (took time.Duration, said string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(vitrine, "run", "--data", dir, "--headless", "320x180", "--renderer", draws, "--usb=false", "--cec=false")
	cmd.Stderr = &log
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c := control.Dial(dir)
	late := time.After(2 * time.Minute)
	for !isOn(t, c, red) {
		select {
		case err := <-ended:
			t.Errorf("the player ended: %v", err)
			return 0, log.String()
		case <-late:
			t.Error("its picture never came")
			cmd.Process.Kill()
			<-ended
			return 0, log.String()
		case <-time.After(10 * time.Millisecond):
		}
	}
	took = time.Since(begun)
	if _, err := c.Import(t.Context(), older, "", func(control.Step) {}); err == nil || !strings.Contains(err.Error(), "older than version 7") {
		t.Errorf("an older version: %v", err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Errorf("the player ended badly: %v", err)
	}
	return took, log.String()
}

// isOn says whether the middle of the screen has a colour.
func isOn(t *testing.T, c *control.Client, want color.RGBA) bool {
	var b bytes.Buffer
	if c.Screenshot(t.Context(), &b, "png", 0) != nil {
		return false
	}
	m, err := png.Decode(&b)
	if err != nil {
		return false
	}
	r, g, bl, _ := m.At(m.Bounds().Dx()/2, m.Bounds().Dy()/2).RGBA()
	return uint8(r>>8) == want.R && uint8(g>>8) == want.G && uint8(bl>>8) == want.B
}
