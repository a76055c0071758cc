package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// TestMain lets this program be the child that is killed, and the one that probes a database.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "probe":
		if err := store.ProbeFile(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case os.Getenv("VITRINE_TEST_DAY") != "":
		liveOneDay(os.Getenv("VITRINE_TEST_DIR"), os.Getenv("VITRINE_TEST_DAY"), os.Getenv("VITRINE_TEST_MISHAP"))
	case os.Getenv("VITRINE_TEST_INGEST") != "":
		ingestAndDie(os.Getenv("VITRINE_TEST_DIR"), os.Getenv("VITRINE_TEST_INGEST"), os.Getenv("VITRINE_TEST_STEP"))
	}
	os.Exit(m.Run())
}

// ingestAndDie takes a bundle and kills itself before a step, "name/3" being its third time; without that step it ends
// with 0.
func ingestAndDie(dir, tree, step string) {
	seen := map[string]int{}
	s, err := store.OpenWithFault(store.Config{Dir: dir}, func(name string) error {
		seen[name]++
		at := fmt.Sprintf("%s/%d", name, seen[name])
		fmt.Println(at)
		if at == step {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})
	var a *bundle.Archive
	if err == nil {
		a, err = bundle.Open(tree)
	}
	if err == nil {
		_, err = s.Ingest(context.Background(), store.FromArchive(a), nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

func child(t *testing.T, dir, tree, step string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "VITRINE_TEST_INGEST="+tree, "VITRINE_TEST_DIR="+dir, "VITRINE_TEST_STEP="+step)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

func TestAKillAtAnyStepLeavesAWholeBundle(t *testing.T) {
	p := bundletest.New(t)
	next := p.Tree(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": noise(6, 3<<20), "media/b.png": noise(7, 100)})
	prepare := func(t *testing.T) string {
		dir := t.TempDir()
		pinned(t, p, store.Config{Dir: dir}).Close()
		return dir
	}
	out, err := child(t, prepare(t), next, "")
	if err != nil {
		t.Fatalf("undisturbed: %v", err)
	}
	steps := strings.Fields(strings.ReplaceAll(out, " ", "_"))
	if len(steps) < 10 || !slices.Contains(steps, "commit/1") {
		t.Fatalf("the steps are %q", steps)
	}
	var before, after int
	for _, step := range steps {
		step = strings.ReplaceAll(step, "_", " ")
		t.Run(step, func(t *testing.T) {
			dir := prepare(t)
			if _, err := child(t, dir, next, step); err == nil {
				t.Fatal("the child was not killed")
			}
			s := newStore(t, store.Config{Dir: dir})
			switch seq := liveSeq(s); seq {
			case 5:
				before++
			case 6:
				after++
			default:
				t.Fatalf("live is version %d", seq)
			}
			a, err := bundle.Open(next)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if _, err := s.Ingest(t.Context(), store.FromArchive(a), nil); err != nil || liveSeq(s) != 6 {
				t.Errorf("afterwards: version %d, %v", liveSeq(s), err)
			}
		})
	}
	if before == 0 || after == 0 {
		t.Errorf("%d kills left the old bundle and %d the new one; there should be some of both", before, after)
	}
}

// damages are ways in which a database file has been seen after power cuts and on worn cards.
func damages() map[string]func([]byte) []byte {
	zero := func(page int) func([]byte) []byte {
		return func(b []byte) []byte {
			size := os.Getpagesize()
			if (page+1)*size <= len(b) {
				clear(b[page*size : (page+1)*size])
			}
			return b
		}
	}
	all := map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"garbage":       func(b []byte) []byte { return noise(1, len(b)) },
		"cut in half":   func(b []byte) []byte { return b[:len(b)/2] },
		"cut in a page": func(b []byte) []byte { return b[:len(b)/2+100] },
		"one byte left": func(b []byte) []byte { return b[:1] },
		"not a database": func(b []byte) []byte {
			return []byte("Bonjour")
		},
		"a digit changed": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"seq":5`), []byte(`"seq":4`)) },
	}
	for page := range 12 {
		all[fmt.Sprintf("page %d zeroed", page)] = zero(page)
	}
	for i := range 24 {
		all[fmt.Sprintf("flipped bits %d", i)] = func(b []byte) []byte {
			for k, n := range noise(uint64(i), 8) {
				b[(len(b)/8*k+int(n)*131+i*977)%len(b)] ^= 1 << (n % 8)
			}
			return b
		}
	}
	return all
}

func TestADamagedDatabaseCostsNothingThatIsSigned(t *testing.T) {
	p := bundletest.New(t)
	made := t.TempDir()
	s := pinned(t, p, store.Config{Dir: made})
	if err := s.SetSettings(api.Settings{ID: "p1", Name: "Hall"}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range damages() {
		for _, files := range [][]string{{"index.db"}, {"index.db", "index.good"}, {"index.db", "index.good", "floor", "diary.db"}} {
			t.Run(fmt.Sprintf("%s of %s", name, strings.Join(files, ", ")), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "data")
				if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					b, err := os.ReadFile(filepath.Join(dir, f))
					if err == nil {
						err = os.WriteFile(filepath.Join(dir, f), damage(b), 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				s := newStore(t, store.Config{Dir: dir, Probe: []string{self, "probe"}})
				go s.Run(t.Context()) // copied files have other times: the blobs are read once
				for {
					l, changed := s.Live()
					if l.Manifest == nil {
						t.Fatal("no bundle is live")
					}
					if len(l.Missing) == 0 && l.Manifest.Seq == 5 {
						break
					}
					if len(l.Missing) == 0 {
						t.Fatalf("live is version %d", l.Manifest.Seq)
					}
					<-changed
				}
				if set, err := s.Settings(); err != nil || set.ID != "p1" {
					t.Errorf("settings are %+v, %v", set, err)
				}
				four := p.Content(t, bundle.Manifest{Seq: 4}, map[string][]byte{"media/a.png": noise(4, 500)})
				if _, err := s.Ingest(t.Context(), &origin{content: four}, nil); err == nil {
					t.Error("an older version is taken now")
				}
				ingest(t, s, p, 6, map[string][]byte{"media/a.png": noise(6, 500)})
				s.Record(api.Proof{Scene: "a"})
				if _, ok, err := s.Plays(1); !ok || err != nil {
					t.Errorf("plays are not kept: %v", err)
				}
			})
		}
	}
}

func TestADamagedRootIsBroughtBackFromTheIndex(t *testing.T) {
	p := bundletest.New(t)
	for name, damage := range map[string]func(path string) error{
		"a flipped bit": func(path string) error { rot(t, path, 100); return nil },
		"no bytes":      func(path string) error { return os.Truncate(path, 0) },
		"no file":       os.Remove,
	} {
		for _, file := range []string{"1.json", "2.json"} {
			t.Run(name+" in "+file, func(t *testing.T) {
				p, dir := *p, t.TempDir()
				p.NextRoot(t, nil)
				pinned(t, &p, store.Config{Dir: dir}).Close()
				path := filepath.Join(dir, "root", file)
				before, err := os.ReadFile(path)
				if err == nil {
					err = damage(path)
				}
				if err != nil {
					t.Fatal(err)
				}
				s := newStore(t, store.Config{Dir: dir})
				if liveSeq(s) != 5 || s.Trust().Root().Version != 2 {
					t.Errorf("live is version %d, trust is %+v", liveSeq(s), s.Trust())
				}
				if after, err := os.ReadFile(path); !bytes.Equal(before, after) {
					t.Errorf("the file was not mended: %v", err)
				}
			})
		}
	}
}

func TestAnIndexThatEndsThePlayerIsGivenUp(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	pinned(t, p, store.Config{Dir: dir}).Close()
	if err := os.WriteFile(filepath.Join(dir, "starts"), []byte("3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, store.Config{Dir: dir})
	if liveSeq(s) != 5 {
		t.Errorf("live is version %d", liveSeq(s))
	}
	if _, err := os.Stat(filepath.Join(dir, "index.damaged")); err != nil {
		t.Errorf("the index was not set aside: %v", err)
	}
}

func TestADamagedBlobTakesItsSceneOffUntilItIsFetchedAgain(t *testing.T) {
	p := bundletest.New(t)
	dir := t.TempDir()
	s := pinned(t, p, store.Config{Dir: dir})
	files := map[string][]byte{"media/a.png": noise(1, 1000), "media/b.png": noise(2, 1000)}
	content := p.Content(t, bundle.Manifest{Seq: 6}, files)
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	b := content.Manifest.Files["media/b.png"]
	if err := os.WriteFile(filepath.Join(dir, b.BlobPath()), noise(3, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s = newStore(t, store.Config{Dir: dir})
	if l, _ := s.Live(); len(l.Missing) != 1 || l.Missing[0] != "b" || !l.Damaged {
		t.Fatalf("missing are %q", l.Missing)
	}
	o := &origin{content: content}
	if _, err := s.Ingest(t.Context(), o, nil); err != nil || len(o.asked) != 1 || liveSeq(s) != 6 {
		t.Errorf("asked %d times, live is version %d, %v", len(o.asked), liveSeq(s), err)
	}
}

func TestAFullDiskKeepsWhatIsLive(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700"); err != nil {
		t.Skipf("a small disk cannot be made here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{Dir: dir, Free: func(string) (int64, error) { return 1 << 40, nil }}) // a quota is not seen
	content := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/v.mp4": noise(4, 6<<20)})
	early := &origin{content: content}
	if _, err := s.Ingest(t.Context(), early, nil); !errors.Is(err, unix.ENOSPC) || len(early.asked) > 0 {
		t.Fatalf("error is %v, asked from %v: room is to be reserved first", err, early.asked)
	}
	if liveSeq(s) != 5 {
		t.Fatalf("live is version %d", liveSeq(s))
	}
	s.Record(api.Proof{Scene: "a"}) // and the player goes on, whatever cannot be written
	s.Close()
	s = newStore(t, store.Config{Dir: dir, Free: func(string) (int64, error) { return 1 << 40, nil }})
	if liveSeq(s) != 5 {
		t.Fatalf("after a restart live is version %d", liveSeq(s))
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err != nil || liveSeq(s) != 6 {
		t.Errorf("with room live is version %d: %v", liveSeq(s), err)
	}
}

func TestAProbeSeesEveryRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return b.Put([]byte("floor"), []byte("no check sum"))
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	if err := store.ProbeFile(path); err == nil {
		t.Error("a record without a check sum was found whole")
	}
}
