package store_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

// kept is what a player has: what it has told somebody, and must still have after a power cut.
type kept struct {
	Live, Before uint64 // versions; 0 = none
	Floor        uint64
	Root         int
	Time         int64
	Name, Memo   string
	Plays        int
	Runs         string // version of the programs; "" = those that are installed
	Told         string // by parcels
}

// task is a thing that a player does; afterwards it has then.
type task struct {
	name string
	do   func(s *store.Store, data, from string) error
	then kept
}

// tree makes an Ingest of the tree of a version.
func tree(seq int, change func(store.Origin) store.Origin) func(*store.Store, string) error {
	return func(s *store.Store, from string) error {
		a, err := bundle.Open(filepath.Join(from, fmt.Sprint(seq)))
		if err != nil {
			return err
		}
		defer a.Close()
		o := store.FromArchive(a)
		if change != nil {
			o = change(o)
		}
		_, err = s.Ingest(context.Background(), o, nil)
		return err
	}
}

// torn is a line that breaks at so many bytes of a blob, however often it is asked.
type torn struct {
	store.Origin
	after int64
}

var errTorn = errors.New("the line is torn")

func (o torn) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	r, err := o.Origin.Blob(ctx, d, from)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, max(0, o.after-from)), errReader{errTorn}), r}, nil
}

// pin takes the key chain up to a root.
func pin(root int) func(*store.Store, string) error {
	return func(s *store.Store, from string) error {
		var chain [][]byte
		for n := 1; n <= root; n++ {
			b, err := os.ReadFile(filepath.Join(from, fmt.Sprintf("root-%d.json", n)))
			if err != nil {
				return err
			}
			chain = append(chain, b)
		}
		return s.Pin(chain)
	}
}

func settings(name string) func(*store.Store, string) error {
	return func(s *store.Store, _ string) error { return s.SetSettings(api.Settings{ID: "p1", Name: name}) }
}

// plays writes three more, and drops the oldest one.
func plays(s *store.Store, _ string) error {
	for range 3 {
		s.Record(play("a"))
	}
	run, ok, err := s.Plays(10)
	if err != nil || !ok {
		return cmp.Or(err, errors.New("no plays are kept"))
	}
	return s.Taken(run.Boot, run.Plays[0].N)
}

// day is what the player does in the power cuts' test, from its first start on.
func day() []task {
	var k kept
	var all []task
	beside := func(name string, do func(s *store.Store, data, from string) error, change func()) {
		change()
		all = append(all, task{name, do, k})
	}
	add := func(name string, do func(*store.Store, string) error, change func()) {
		beside(name, func(s *store.Store, _, from string) error { return do(s, from) }, change)
	}
	taken := func(seq uint64) func() { return func() { k.Live, k.Before, k.Floor = seq, k.Live, seq } }
	memo := func(text string) func(*store.Store, string) error {
		return func(s *store.Store, _ string) error { return s.KeepMemo("tally", []byte(text)) }
	}
	add("pin", pin(1), func() { k.Root = 1 })
	add("settings", settings("Hall"), func() { k.Name = "Hall" })
	add("download that breaks", func(s *store.Store, from string) error {
		err := tree(5, func(o store.Origin) store.Origin { return torn{o, 2<<20 + 100} })(s, from)
		if !errors.Is(err, errTorn) {
			return fmt.Errorf("it should have been torn: %w", err)
		}
		return nil
	}, func() {})
	add("download that goes on", tree(5, nil), taken(5))
	add("memo", memo("1"), func() { k.Memo = "1" })
	add("plays", plays, func() { k.Plays = 2 })
	beside("update", renew("1.1.0"), func() { k.Runs = "1.1.0" })
	beside("parcel", opens(1), func() { k.Told = "parcel 1" })
	add("import", tree(6, nil), taken(6))
	beside("update that stays", comeUp, func() {})
	add("settings again", settings("Foyer"), func() { k.Name = "Foyer" })
	add("import and collection", tree(7, nil), taken(7))
	add("time", func(s *store.Store, _ string) error { return s.RaiseTime(time.Unix(2e9, 0)) }, func() { k.Time = 2e9 })
	beside("next update", renew("1.2.0"), func() { k.Runs = "1.2.0" })
	add("roots", pin(2), func() { k.Root = 2 })
	add("bundle of the new root", tree(8, nil), taken(8))
	beside("next update that stays", comeUp, func() {})
	beside("next parcel", opens(2), func() { k.Told = "parcel 2" })
	add("going back", func(s *store.Store, _ string) error { return s.Rollback(context.Background()) },
		func() { k.Live, k.Before = 7, 0 })
	add("memo again", memo("2"), func() { k.Memo = "2" })
	add("more plays", plays, func() { k.Plays = 4 })
	add("import after going back", tree(9, nil), taken(9))
	return all
}

// liveOneDay does it all and tells after each task that it is done; it waits until that was heard. A mishap that happens once
// must not keep a task from being done the next time; one that stays leaves what is live on the screen.
func liveOneDay(dir, from, what string) {
	die := func(code int, args ...any) {
		fmt.Fprintln(os.Stderr, args...)
		os.Exit(code)
	}
	m := mishap{dir: dir}
	if n, err := fmt.Sscanf(what, "%d %s %t", &m.at, &m.how, &m.always); what != "" && err != nil {
		die(6, n, err)
	}
	count := func() int { return 0 }
	if what != "" {
		var err error
		if count, err = m.watch(); err != nil {
			die(6, err)
		}
	}
	heard := bufio.NewReader(os.Stdin)
	cfg := store.Config{Dir: dir, Free: plenty, Mend: 5 * time.Millisecond}
	s, err := store.Open(cfg)
	if err != nil {
		s, err = store.Open(cfg)
	}
	if err != nil {
		die(3, "open:", err)
	}
	if s.Failing() != nil && !m.always { // it stands beside the disk, and goes onto it
		go s.Run(context.Background())
		for s.Failing() != nil {
			runtime.Gosched()
		}
	}
	var before kept
	for _, task := range day() {
		err := task.do(s, dir, from)
		for tries := 0; err != nil && tries < 3 && m.at > 0; tries++ {
			if live, wrong := shown(s); live != before.Live && live != task.then.Live || len(wrong) > 0 {
				die(5, task.name, "leaves version", live, "on:", wrong, "after", err)
			}
			if m.always {
				s.Close()
				os.Exit(0)
			}
			err = task.do(s, dir, from)
		}
		if err != nil {
			die(3, task.name+":", err)
		}
		if live, wrong := shown(s); live != task.then.Live || len(wrong) > 0 {
			die(5, task.name, "is done, but version", live, "is on:", wrong)
		}
		fmt.Println(task.name)
		if _, err := heard.ReadString('\n'); err != nil {
			die(4, err)
		}
		before = task.then
	}
	fmt.Println(count())
	os.Exit(0)
}

// bundles makes what the player is given: roots, versions 5 to 9, and 10 for afterwards.
func bundles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	p := bundletest.New(t)
	common := noise(1, 3<<20)
	for seq := uint64(5); seq <= 10; seq++ {
		if seq == 8 {
			p.NextRoot(t, nil)
		}
		files := map[string][]byte{"media/common.mp4": common, "media/own.mp4": noise(seq, int(seq)<<17), "media/small.png": noise(seq+100, 700)}
		if seq == 7 {
			delete(files, "media/common.mp4") // it comes back with 8: from the disk, or anew
		}
		content := p.Content(t, bundle.Manifest{Seq: seq}, files)
		if err := bundle.WriteTree(t.Context(), filepath.Join(dir, fmt.Sprint(seq)), content, nil); err != nil {
			t.Fatal(err)
		}
	}
	parcels(t, p, dir)
	for i, root := range p.Chain {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("root-%d.json", i+1)), root, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// faults says what is wrong with a player after a power cut: it had before at the least, and was becoming after.
func faults(t *testing.T, dir, from string, before, after kept) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "data"), Probe: []string{self, "probe"}, Free: plenty})
	if err != nil {
		return []string{"it does not open: " + err.Error()}
	}
	defer s.Close()
	if err := s.Failing(); err != nil {
		add("it says of the disk: %v", err)
	}
	has, bad := now(s)
	wrong = append(wrong, bad...)
	if has.Live != before.Live && has.Live != after.Live {
		add("live is %d, want %d or %d", has.Live, before.Live, after.Live)
	}
	if has.Floor < before.Floor || has.Root < before.Root || has.Time < before.Time {
		add("the floor sank: %+v, it was %+v", has, before)
	}
	if has.Name != before.Name && has.Name != after.Name || has.Memo != before.Memo && has.Memo != after.Memo {
		add("it is named %q with memo %q, was %q with %q", has.Name, has.Memo, before.Name, before.Memo)
	}
	if has.Plays < min(before.Plays, after.Plays) || has.Plays > max(before.Plays, after.Plays)+1 { // one was not taken away yet
		add("it has %d plays, had %d", has.Plays, before.Plays)
	}
	wrong = append(wrong, besideFaults(s, filepath.Join(dir, "data"), from, has, before, after)...)
	if has.Root == 0 {
		return wrong // it was not enrolled yet
	}
	if has.Live == before.Live && before.Before > 0 && has.Live != after.Live {
		if err := s.Rollback(t.Context()); err != nil {
			add("it does not go back: %v", err)
		} else if back, bad := now(s); back.Live != before.Before || len(bad) > 0 {
			add("it went back to %d, want %d: %v", back.Live, before.Before, bad)
		}
	}
	if err := errors.Join(pin(2)(s, from), tree(10, nil)(s, from)); err != nil {
		add("it takes no other bundle: %v", err)
	} else if then, bad := now(s); then.Live != 10 || len(bad) > 0 {
		add("after another bundle live is %d: %v", then.Live, bad)
	}
	return wrong
}

// shown is the version that is live, and what of it is not what was signed.
func shown(s *store.Store) (seq uint64, wrong []string) {
	live, _ := s.Live()
	if live.Manifest == nil {
		return 0, nil
	}
	seq = live.Manifest.Seq
	for name, d := range live.Manifest.Files {
		path, ok := live.Path(name)
		b, err := os.ReadFile(path)
		if sum := sha256.Sum256(b); !ok || err != nil || hex.EncodeToString(sum[:]) != string(d) {
			wrong = append(wrong, fmt.Sprintf("%s of version %d is not whole: %v, %d bytes, %v", name, seq, ok, len(b), err))
		}
	}
	return seq, wrong
}

// now says what a player has, and what of it is not right.
func now(s *store.Store) (k kept, wrong []string) {
	k.Live, wrong = shown(s)
	f := s.Floor()
	k.Floor, k.Root, k.Time = f.Streams["lobby"].Seq, f.Root, max(0, f.Time.Unix())
	if trust := s.Trust(); f.Root > 0 && (trust == nil || trust.Root().Version < f.Root) {
		wrong = append(wrong, fmt.Sprintf("root %d is gone", f.Root))
	}
	if set, err := s.Settings(); err != nil {
		wrong = append(wrong, err.Error())
	} else {
		k.Name = set.Name
	}
	memo, _ := s.Memo("tally")
	k.Memo = string(memo)
	run, _, err := s.Plays(100)
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	k.Plays = len(run.Plays)
	return k, wrong
}
