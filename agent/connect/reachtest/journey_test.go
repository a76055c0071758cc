package reachtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/connect"
	"vitrine/agent/connect/connecttest"
	"vitrine/agent/secret"
	"vitrine/agent/store"
	"vitrine/render/scene"
)

// reach is one source and what is to come of it.
type reach struct {
	spec   bundle.SourceSpec
	secret secret.Secret      // of the name in spec; none without hosts
	want   []string           // its rows, cells with "|" between
	proxy  *connecttest.Proxy // before its server; nil = file is taken away instead
	file   string             // where its bytes are on this machine; "" = they are no file
	again  bool               // it is no file that can be called unchanged: it is asked, or read, each time
}

// rowsOf are a result's, as programs read them.
func rowsOf(r connect.Result) (all []string) {
	for i := range r.Rows {
		var row []string
		for _, c := range r.Columns {
			row = append(row, r.Plain(i, c))
		}
		all = append(all, strings.Join(row, "|"))
	}
	return all
}

// player is the part of one that has sources.
type player struct {
	*connect.Set
	t      *testing.T
	bundle string // the folder of its bundle's files
	beside string // the file of a source of lines of its own
	specs  map[string]bundle.SourceSpec
	find   func(string) (string, bool)

	mu    sync.Mutex
	looks map[string]int // how often each was looked at with success
	kept  map[string]int // how often its rows went to the disk
	more  chan struct{}
}

// keeper counts what goes to the disk.
type keeper struct {
	*store.Store
	p *player
}

func (k keeper) KeepRows(key string, b []byte) error {
	name, _, _ := strings.Cut(key, ":")
	k.p.note(k.p.kept, name)
	return k.Store.KeepRows(key, b)
}

func (p *player) note(in map[string]int, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in[name]++
	close(p.more)
	p.more = make(chan struct{})
}

func (p *player) count(of map[string]int, name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return of[name]
}

var home = connect.Home{Zone: "Europe/Paris", Locale: "en"}

// newPlayer makes a signed bundle of the sources, and lets a player go by it.
func newPlayer(t *testing.T, all map[string]reach, files map[string][]byte) *player {
	t.Helper()
	dir := t.TempDir()
	p := &player{t: t, bundle: filepath.Join(dir, "bundle"), beside: filepath.Join(dir, "beside.txt"), looks: map[string]int{}, kept: map[string]int{}, more: make(chan struct{})}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	vault, err := secret.New(secret.Config{Path: filepath.Join(dir, "vault.age"), Key: key.String(), Publisher: func() string { return "acme" }})
	if err != nil {
		t.Fatal(err)
	}
	m := bundle.Manifest{Scenes: map[string]scene.Scene{"a": bundletest.Slide("media/a.png", time.Second)}, Sources: map[string]bundle.SourceSpec{
		"beside": {Type: "text", Location: bundle.Location{Type: "file", Path: p.beside}}}}
	for name, r := range all {
		r.spec.Refresh = bundle.Refresh{Every: scene.Duration(time.Second), Timeout: scene.Duration(2 * time.Minute)}
		r.spec.Keep.StaleAfter = scene.Duration(time.Hour) // so that only a fault makes it stale
		m.Sources[name] = r.spec
		if len(r.secret.Hosts) > 0 {
			if err := vault.Set(r.spec.Location.SecretName(), r.secret); err != nil {
				t.Fatal(err)
			}
		}
	}
	contents := map[string][]byte{"media/a.png": []byte("x"), "ca.pem": servers.ca.CA}
	maps.Copy(contents, files)
	content := bundletest.New(t).Content(t, m, contents)
	for name, b := range contents {
		on := filepath.Join(p.bundle, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(on), 0o755), os.WriteFile(on, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	p.write("0")
	disk, err := store.Open(store.Config{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Close() })
	p.Set, err = connect.New(connect.Config{Keep: keeper{disk, p}, Secret: vault.Open, Renewed: vault.Changed, Check: func(name string, err error) {
		if err == nil {
			p.note(p.looks, name)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.specs, p.find = content.Manifest.Sources, func(name string) (string, bool) {
		_, ok := content.Manifest.Files[name]
		return filepath.Join(p.bundle, name), ok
	}
	p.Use(p.specs, home, p.find)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// write gives the source beside the others a line.
func (p *player) write(line string) {
	p.t.Helper()
	if err := errors.Join(os.WriteFile(p.beside+".new", []byte(line), 0o600), os.Rename(p.beside+".new", p.beside)); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for a result that is as wanted.
func (p *player) until(name, what string, want func(connect.Result) bool) connect.Result {
	p.t.Helper()
	late := time.After(time.Minute)
	for {
		changed := p.Changed()
		r, _ := p.Result(name)
		if want(r) {
			return r
		}
		select {
		case <-changed:
		case <-late:
			p.t.Fatalf("%s: it never is %s: %d rows, stale %v, %s %s", name, what, len(r.Rows), r.Stale, r.Class, r.Err)
		}
	}
}

// looked waits until each source has been looked at n more times.
func (p *player) looked(names []string, n int) {
	p.t.Helper()
	late, first := time.After(time.Minute), map[string]int{}
	for _, name := range names {
		first[name] = p.count(p.looks, name)
	}
	for _, name := range names {
		for {
			p.mu.Lock()
			now, more := p.looks[name], p.more
			p.mu.Unlock()
			if now >= first[name]+n {
				break
			}
			select {
			case <-more:
			case <-late:
				p.t.Fatalf("%s is not looked at any more", name)
			}
		}
	}
}

// file is where the bytes of a source are on this machine.
func (p *player) file(r reach) string {
	if r.spec.Location.Type == "bundle" {
		return filepath.Join(p.bundle, r.spec.Location.Path)
	}
	return r.file
}

// steps are the names of those of the last look.
func (p *player) steps(name string) (names []string) {
	for _, told := range p.Tell() {
		if told.Name == name {
			for _, s := range told.Steps {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

func fresh(r connect.Result) bool { return !r.FetchedAt.IsZero() && !r.Stale }
func stale(r connect.Result) bool { return r.Stale }

// journey takes sources through all that can happen to them. They are cut off together: that none waits for another is
// told by the order of what happens.
func journey(t *testing.T, all map[string]reach, files map[string][]byte) *player {
	t.Helper()
	p := newPlayer(t, all, files)
	names := slices.Sorted(maps.Keys(all))
	first := map[string]connect.Result{}
	for _, name := range names {
		r := p.until(name, "fresh", fresh)
		if got := rowsOf(r); !slices.Equal(got, all[name].want) || len(got) == 0 || len(r.Dropped) > 0 {
			t.Errorf("%s has %d rows\n\t%.300q, not %d\n\t%.300q", name, len(got), got, len(all[name].want), all[name].want)
		}
		first[name] = r
	}
	if t.Failed() {
		return p
	}
	p.looked(names, 2) // a file is believed to be the same when it has been read twice
	before := map[string]int64{}
	for name, r := range all {
		if r.proxy != nil {
			before[name] = r.proxy.Seen()
		}
	}
	p.looked(names, 1)
	for _, name := range names {
		r, _ := p.Result(name)
		if kept := p.count(p.kept, name); kept != 1 || !r.Changed.Equal(first[name].Changed) || r.Version != first[name].Version {
			t.Errorf("%s: what has not changed was kept %d times, changed at %v and %v", name, kept, first[name].Changed, r.Changed)
		}
		if all[name].again {
			continue
		}
		if steps := p.steps(name); !slices.Equal(steps, []string{"read"}) {
			t.Errorf("%s: a file that has not changed is taken again: %v", name, steps)
		}
		if st, err := os.Stat(all[name].file); err == nil && all[name].proxy != nil && st.Size() > 50_000 {
			if moved := all[name].proxy.Seen() - before[name]; moved > st.Size()/2 {
				t.Errorf("%s: a file of %d bytes that has not changed moves %d", name, st.Size(), moved)
			}
		}
	}

	cut(t, p, all, first)
	for _, name := range names {
		if r := p.until(name, "fresh again", fresh); r.Err != "" || r.Class != "" || !slices.Equal(rowsOf(r), all[name].want) {
			t.Errorf("%s: when its server is back it has %d rows, %s", name, len(r.Rows), r.Err)
		}
	}
	late(t, p, all)
	return p
}

// late lets every server stand still for longer than its source may wait, by a bundle that says so.
func late(t *testing.T, p *player, all map[string]reach) {
	t.Helper()
	impatient := maps.Clone(p.specs)
	for name, r := range all {
		if spec := impatient[name]; r.proxy != nil {
			spec.Refresh.Timeout = scene.Duration(3 * time.Second)
			impatient[name] = spec
		}
	}
	p.Use(impatient, home, p.find)
	for name, r := range all {
		if r.proxy != nil {
			p.until(name, "fresh by the new bundle", fresh)
			r.proxy.Hang()
		}
	}
	for name, r := range all {
		if r.proxy == nil {
			continue
		}
		got := p.until(name, "late", stale)
		if !slices.Equal(rowsOf(got), r.want) || got.Class != connect.Late || !strings.Contains(got.Err, "in time") {
			t.Errorf("%s: at its deadline it has %d rows and is %s: %s", name, len(got.Rows), got.Class, got.Err)
		}
		r.proxy.Fail(connecttest.Well, 0)
	}
	for name, r := range all {
		if got := p.until(name, "fresh after all", fresh); !slices.Equal(rowsOf(got), r.want) {
			t.Errorf("%s: when its server answers again it has %d rows", name, len(got.Rows))
		}
	}
}

// cut lets every server stand still, then fail, and come back.
func cut(t *testing.T, p *player, all map[string]reach, first map[string]connect.Result) {
	t.Helper()
	at := map[string]int{}
	for _, r := range all {
		if r.proxy != nil {
			r.proxy.Hang()
		} else if err := os.Rename(p.file(r), p.file(r)+".away"); err != nil {
			t.Fatal(err)
		}
	}
	late := time.After(time.Minute)
	for name, r := range all {
		if r.proxy == nil {
			continue
		}
		select {
		case <-r.proxy.Failed(): // and so somebody waits for the answer
		case <-late:
			t.Fatalf("%s is not asked any more", name)
		}
		at[name] = p.count(p.looks, name)
	}
	// What stands beside them takes several turns before any of them has moved.
	for n := 1; n <= 3; n++ {
		line := fmt.Sprint(n)
		p.write(line)
		p.until("beside", "read", func(r connect.Result) bool { return slices.Equal(rowsOf(r), []string{line}) })
	}
	for name := range at {
		// One look may have had all that it needed.
		if r, _ := p.Result(name); p.count(p.looks, name) > at[name]+1 || r.Stale {
			t.Errorf("%s was to wait for its server: it has been looked at %d times more, and says %s", name, p.count(p.looks, name)-at[name], r.Err)
		}
		all[name].proxy.Fail(connecttest.Cut, 0)
	}
	for name := range all {
		r := p.until(name, "stale", stale)
		if !slices.Equal(rowsOf(r), all[name].want) || !r.FetchedAt.After(first[name].FetchedAt) {
			t.Errorf("%s: without its server it has %d rows of %v", name, len(r.Rows), r.FetchedAt)
		}
		if r.Class != connect.Unreachable || len(strings.Fields(r.Err)) < 4 || strings.Contains(r.Err, canary) {
			t.Errorf("%s: why is %s: %s", name, r.Class, r.Err)
		}
		t.Logf("%s: %s", name, r.Err)
	}
	for name, r := range all {
		if r.proxy != nil {
			r.proxy.Fail(connecttest.Well, 0)
		} else if err := os.Rename(p.file(r)+".away", p.file(r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
