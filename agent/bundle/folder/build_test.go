package folder_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/bundle/folder"
)

func options(t testing.TB, p *bundletest.Publisher) folder.Options {
	t.Helper()
	return folder.Options{Trust: p.Trust(t), Keys: []bundle.PrivateKey{p.Key}, Now: time.Date(2026, 11, 21, 12, 0, 0, 123, time.UTC)}
}

func load(t testing.TB, dir string) *folder.Folder {
	t.Helper()
	f, err := folder.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// built is the manifest of a folder's bundle.
func built(t testing.TB, dir string) *bundle.Manifest {
	t.Helper()
	c, err := load(t, dir).Build(t.Context(), options(t, bundletest.New(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return c.Manifest
}

func TestAFolderBecomesABundleThatPlayersTake(t *testing.T) {
	p := bundletest.New(t)
	dir := folderOf(t, example)
	o := options(t, p)
	var mu sync.Mutex
	var most, total int64
	o.Progress = func(done, all int64) {
		mu.Lock()
		defer mu.Unlock()
		most, total = max(most, done), all
	}
	c, err := load(t, dir).Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	path := filepath.Join(t.TempDir(), "x")
	if err := bundle.WriteFile(t.Context(), path, c, nil); err != nil {
		t.Fatal(err)
	}
	a, err := bundle.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	m, err := p.Trust(t).Manifest(a.Envelope())
	if err != nil {
		t.Fatal(err)
	}
	if err := bundle.VerifyAll(t.Context(), a, m, nil); err != nil {
		t.Error(err)
	}
	if m.Seq != 1 || m.Stream != "lobby" || m.Agent != bundle.AgentVersion || !m.Issued.Equal(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("serial %d, stream %q, agent %q, issued %v", m.Seq, m.Stream, m.Agent, m.Issued)
	}
	if len(m.Files) != 5 || m.Files["fonts/x.ttf"] != "" {
		t.Errorf("files %v; what nothing uses must stay out", m.Files)
	}
	if b, _ := m.Blob(m.Files["media/b.jpg"]); b.Type != "image/jpeg" {
		t.Errorf("type %q; want image/jpeg", b.Type)
	}
	if most != total || total != m.Size() {
		t.Errorf("progress ended at %d of %d; want %d", most, total, m.Size())
	}
}

func TestSerialsGrowAndAreNeverUsedTwice(t *testing.T) {
	p := bundletest.New(t)
	dir := folderOf(t, example)
	seq := func(after uint64) *bundle.Manifest {
		o := options(t, p)
		o.After = after
		c, err := load(t, dir).Build(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		return c.Manifest
	}
	first, second, third := seq(0), seq(0), seq(41)
	if first.Seq != 1 || second.Seq != 2 || third.Seq != 42 || first.Previous != "" || second.Previous == "" {
		t.Errorf("serials %d, %d, %d, previous %q, %q", first.Seq, second.Seq, third.Seq, first.Previous, second.Previous)
	}
	var wait sync.WaitGroup
	got := make([]uint64, 8)
	for i := range got {
		wait.Go(func() { got[i] = seq(0).Seq })
	}
	wait.Wait()
	seen := map[uint64]bool{}
	for _, s := range got {
		if seen[s] || s <= 42 {
			t.Errorf("builds at the same time took the serials %v", got)
		}
		seen[s] = true
	}
	if err := os.WriteFile(filepath.Join(dir, ".vitrine/state.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, dir).Build(t.Context(), options(t, p)); err == nil || !strings.Contains(err.Error(), "--after") {
		t.Errorf("%v; a damaged state must not start again at 1", err)
	}
}

func TestTheSameFolderGivesTheSameBundle(t *testing.T) {
	p := bundletest.New(t)
	var envelopes [][]byte
	for range 2 {
		c, err := load(t, folderOf(t, example)).Build(t.Context(), options(t, p))
		if err != nil {
			t.Fatal(err)
		}
		envelopes = append(envelopes, c.Envelope)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(envelopes[0], envelopes[1]) {
		t.Error("two builds of one content differ")
	}
}

func TestABuildIsRefusedWhen(t *testing.T) {
	p := bundletest.New(t)
	for name, c := range map[string]struct {
		yaml   string
		change func(*folder.Options, string)
		says   string
	}{
		"one of its tests fails": {with("expect: [welcome]", "expect: [board]"), nil,
			"bundle.yaml:26:5: the test at 2027-01-04T12:30 fails: expected [board], got [welcome]"},
		"the key is not the publisher's": {example, func(o *folder.Options, _ string) { o.Keys = []bundle.PrivateKey{p.Root} }, "players would refuse"},
		"there is no key":                {example, func(o *folder.Options, _ string) { o.Keys = nil }, "no key"},
		"a file has gone meanwhile":      {example, func(_ *folder.Options, dir string) { os.Remove(filepath.Join(dir, "media/a.mp4")) }, "media/a.mp4"},
		"a file has grown meanwhile": {example, func(_ *folder.Options, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "media/a.mp4"), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more")
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Error(err)
			}
		}, "more bytes than expected"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, c.yaml)
			f, o := load(t, dir), options(t, p)
			if c.change != nil {
				c.change(&o, dir)
			}
			_, err := f.Build(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
			if _, err := os.Stat(filepath.Join(dir, ".vitrine/state.json")); err == nil {
				t.Error("a refused build has used up a serial")
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load(t, folderOf(t, example)).Build(ctx, options(t, p)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want the cancellation", err)
	}
}

// gibibyte is a folder with 1 GiB of media: one large file and sixteen smaller ones. It is made only on demand.
func gibibyte(b *testing.B) (dir string, size int64) {
	b.Helper()
	if os.Getenv("VITRINE_BENCH") == "" {
		b.Skip("writes 2 GiB; set VITRINE_BENCH=1")
	}
	var yaml strings.Builder
	yaml.WriteString("id: big\nscenes:\n  all:\n    playlist:\n")
	dir = folderOf(b, "")
	head := media(b)["media/a.mp4"][:24+64]
	names, sizes := []string{"media/large.mp4"}, []int{512 << 20}
	for i := range 16 {
		names, sizes = append(names, "media/s"+string(rune('a'+i))+".mp4"), append(sizes, 32<<20)
	}
	for i, name := range names {
		yaml.WriteString("      - " + name + "\n")
		body := []byte(head + box("mdat", sizes[i]-len(head)))
		body[len(body)-1] = byte(i)
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	yaml.WriteString("fallback: [all]\n")
	if err := os.WriteFile(filepath.Join(dir, folder.File), []byte(yaml.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	return dir, 1 << 30
}

// beside measures what a person would use instead, sha256sum of the same files, and reports how many times its time ours is.
func beside(b *testing.B, ours time.Duration, dir string) {
	b.Helper()
	begin := time.Now()
	files, err := filepath.Glob(filepath.Join(dir, "media", "*.mp4"))
	if err != nil {
		b.Fatal(err)
	}
	if err := exec.CommandContext(b.Context(), "sha256sum", files...).Run(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(ours)/float64(time.Since(begin)), "times-sha256sum")
}

func BenchmarkBuild1GiB(b *testing.B) {
	dir, size := gibibyte(b)
	p := bundletest.New(b)
	f := load(b, dir)
	b.SetBytes(size)
	for b.Loop() {
		c, err := f.Build(b.Context(), options(b, p))
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	beside(b, b.Elapsed()/time.Duration(b.N), dir)
}

func BenchmarkVerify1GiB(b *testing.B) {
	dir, size := gibibyte(b)
	p := bundletest.New(b)
	c, err := load(b, dir).Build(b.Context(), options(b, p))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "x")
	if err := errors.Join(bundle.WriteFile(b.Context(), path, c, nil), c.Close()); err != nil {
		b.Fatal(err)
	}
	a, err := bundle.OpenFile(path)
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	b.SetBytes(size)
	for b.Loop() {
		if err := bundle.VerifyAll(b.Context(), a, c.Manifest, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	beside(b, b.Elapsed()/time.Duration(b.N), dir)
}
