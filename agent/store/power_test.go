package store_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/agent/store"
	"vitrine/agent/store/powercut"
)

var (
	cuts   = flag.Int("cuts", 10, "random instants at which the power is cut")
	broken = flag.Bool("broken", false, "also cut the power of stores that leave out an fsync: those must be caught")
)

// runDay runs the day in a process of its own and calls done after each task, and at the end with the number of changes.
func runDay(t *testing.T, program, dir, from, mishap string, done func(said string)) error {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "VITRINE_TEST_DAY="+from, "VITRINE_TEST_DIR="+dir, "VITRINE_TEST_MISHAP="+mishap)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		done(lines.Text())
		io.WriteString(in, "\n") // whoever is killed hears nothing
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, said.Bytes())
	}
	return nil
}

// writeDown runs the day on a disk that is written down; done are the instants at which its tasks were acknowledged.
func writeDown(t *testing.T, program, from string) (log *powercut.Log, done []int) {
	t.Helper()
	disk := powercut.NewDisk(t, 160<<20) // an update leaves 64 MiB free
	err := runDay(t, program, filepath.Join(disk.Dir, "data"), from, "", func(string) { done = append(done, disk.Now(t)) })
	if err != nil || len(done) != len(day())+1 {
		t.Fatalf("the day ended after %d tasks: %v", len(done), err)
	}
	return disk.Off(t), done[:len(day())]
}

// cutPower cuts it at n random instants, n instants at which a flush was just done, and when each task has just been
// acknowledged, and says what was wrong after each. At the latter two nothing comes to the disk that was not flushed.
func cutPower(t *testing.T, program, from string, n int) (bad []string) {
	log, done := writeDown(t, program, from)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	flushes := log.Flushes()
	r.Shuffle(len(flushes), func(i, k int) { flushes[i], flushes[k] = flushes[k], flushes[i] })
	flushes = append(flushes[:min(n, len(flushes))], done...)
	slices.Sort(flushes)
	at := slices.Clone(flushes)
	for range n {
		at = append(at, r.IntN(log.Instants()+1))
	}
	slices.Sort(at)
	tasks := day()
	for i, instant := range at {
		acknowledged, just := slices.BinarySearch(done, instant)
		if just {
			acknowledged++
		}
		var before kept
		if acknowledged > 0 {
			before = tasks[acknowledged-1].then
		}
		during := tasks[min(acknowledged, len(tasks)-1)]
		image := uint64(i)
		if _, flushed := slices.BinarySearch(flushes, instant); flushed {
			image = 1 // nothing of what was not flushed
		}
		log.Cut(t, instant, image, func(dir string) {
			if wrong := faults(t, dir, from, before, during.then); len(wrong) > 0 {
				bad = append(bad, fmt.Sprintf("instant %d of %d, in %q (seed %d, image %d): %s",
					instant, log.Instants(), during.name, seed, image, strings.Join(wrong, "; ")))
			}
		})
	}
	t.Logf("%d power cuts among %d writes, %d of them at random instants: after %d something was wrong", len(at), log.Instants(), n, len(bad))
	return bad
}

func TestAPowerCutLosesNothingThatWasAcknowledged(t *testing.T) {
	if why := powercut.Able(); why != "" {
		t.Skip(why)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range cutPower(t, self, bundles(t), *cuts) {
		t.Error(bad)
	}
}

// TestAPowerCutOfADiskThatLiesLeavesAPlayerThatStarts takes a disk that says that its last four flushes are done when they
// are not, as cheap cards do. What was acknowledged may be gone there; but a player starts, what it shows is whole, and it
// takes a bundle.
func TestAPowerCutOfADiskThatLiesLeavesAPlayerThatStarts(t *testing.T) {
	if why := powercut.Able(); why != "" {
		t.Skip(why)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from := bundles(t)
	log, done := writeDown(t, self, from)
	at := make([]int, *cuts)
	for i := range at { // from the first version on
		at[i] = done[3] + rand.IntN(log.Instants()-done[3]+1)
	}
	slices.Sort(at)
	dead, none := 0, 0
	for i, instant := range at {
		if !log.CutLiar(t, instant, uint64(i), 4, func(dir string) {
			s, err := store.Open(store.Config{Dir: filepath.Join(dir, "data"), Probe: []string{self, "probe"}, Free: plenty})
			if err != nil {
				t.Errorf("instant %d, image %d: it does not open: %v", instant, i, err)
				return
			}
			defer s.Close()
			if seq, _ := shown(s); seq == 0 {
				none++
			}
			if err := errors.Join(pin(2)(s, from), tree(10, nil)(s, from)); err != nil {
				t.Errorf("instant %d, image %d: it takes no bundle: %v", instant, i, err)
			} else if seq, wrong := shown(s); seq != 10 || len(wrong) > 0 {
				t.Errorf("instant %d, image %d: then version %d is live: %v", instant, i, seq, wrong)
			}
		}) {
			dead++
		}
	}
	t.Logf("%d power cuts of a disk that lies: %d left no file system, %d nothing to show", len(at), dead, none)
}

// TestAPowerCutFindsAStoreThatLeavesOutAnFsync builds this program anew, with an fsync taken out of the store, and cuts its
// power: a proof that finds nothing there proves nothing.
func TestAPowerCutFindsAStoreThatLeavesOutAnFsync(t *testing.T) {
	if why := powercut.Able(); why != "" || !*broken {
		t.Skip(cmp.Or(why, "a longer proof: make power"))
	}
	from := bundles(t)
	for _, c := range []struct{ name, file, with, without string }{
		{"no fsync of blobs", "blobs.go", "err := f.Sync()", "err := error(nil)"},
		{"no fsync of folders", "file.go", "return d.Sync()", "return nil"},
		{"no fsync of other files", "file.go", "err = f.Sync()", "err = nil"},
		{"no fsync of the index", "index.go", "&bbolt.Options{Timeout", "&bbolt.Options{NoSync: true, Timeout"},
		{"no fsync of programs", "../update/install.go", "errors.Join(err, f.Sync(), f.Close())", "errors.Join(err, f.Close())"},
		{"no fsync of what parcels said", "../bundle/write.go", "		err = f.Sync()\n", "		err = nil\n"},
		{"no fsync of the diary", "diary.go", "&bbolt.Options{Timeout", "&bbolt.Options{NoSync: true, Timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := buildWithout(t, c.file, c.with, c.without)
			for range 5 { // a folder's fsync is missed at few instants: what it keeps is elsewhere too
				if len(cutPower(t, program, from, *cuts)) > 0 {
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}

// buildWithout is this test program with a piece of its source replaced.
func buildWithout(t *testing.T, file, with, without string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), with); n != 1 {
		t.Fatalf("%s has %q %d times", file, with, n)
	}
	dir := t.TempDir()
	here, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	patched, overlay, program := filepath.Join(dir, filepath.Base(file)), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "store.test")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{here: patched}})
	if err == nil {
		err = errors.Join(os.WriteFile(patched, []byte(strings.Replace(string(b), with, without, 1)), 0o600), os.WriteFile(overlay, replace, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %s", out)
	}
	return program
}
