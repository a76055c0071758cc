package uplink_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/siren"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
)

// wall is the machine's clock.
type wall struct{}

func (wall) Now() time.Time     { return time.Now() }
func (wall) TLSTime() time.Time { return time.Now() }
func (wall) State() (clock.State, <-chan struct{}) {
	return clock.State{Trust: clock.Held, Now: time.Now()}, nil
}
func (wall) Relay(time.Time, time.Duration) error { return nil }

// player is a store with an uplink.
type player struct {
	*uplink.Uplink
	store  *store.Store
	claims chan *uplink.Claim
	siren  *siren.Siren
	word   atomic.Pointer[error] // the last of the check of alerts
	fresh  chan error            // words of the check of freshness
	stop   func()
}

func join(t *testing.T, r *relay, dir string) *player { return joinWith(t, r, dir, uplink.Config{}) }

// joinWith is a player with some of its configuration.
func joinWith(t *testing.T, r *relay, dir string, cfg uplink.Config) *player {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := &player{store: s, claims: make(chan *uplink.Claim, 100), fresh: make(chan error, 100)}
	if p.siren, err = siren.New(siren.Config{Keep: s, Trust: s.Trust, Check: func(err error) { p.word.Store(&err) }}); err != nil {
		t.Fatal(err)
	}
	me, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Base, cfg.Trust, cfg.Identity, cfg.Store = r.URL, r.trust(), me, s
	if cfg.Clock == nil {
		cfg.Clock = wall{}
	}
	cfg.Describe = func(h *api.Heartbeat) {
		live, _ := s.Live()
		h.Active, h.Version = live.Pointer(), bundle.AgentVersion
	}
	cfg.Shot = func(_ context.Context, path string, _ int) error { return os.WriteFile(path, []byte("jpeg"), 0o600) }
	cfg.Claim = func(c *uplink.Claim) {
		select {
		case p.claims <- c:
		default:
		}
	}
	cfg.Fresh = func(err error) { p.fresh <- err }
	cfg.Check, cfg.Warnings, cfg.Log = func(error) {}, p.siren, slog.New(slog.DiscardHandler)
	cfg.Fresh = func(err error) {
		select {
		case p.fresh <- err:
		default: // months in a bubble, and nobody reads them
		}
	}
	if r.wire == nil {
		cfg.Plays = 10 * time.Millisecond
	}
	p.Uplink, err = uplink.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		s.Close()
	}
	t.Cleanup(p.stop)
	return p
}

// enrolled is a player that somebody has claimed.
func enrolled(t *testing.T, r *relay, pub *bundletest.Publisher, dir string) *player {
	return enrolledWith(t, r, pub, dir, uplink.Config{})
}

func enrolledWith(t *testing.T, r *relay, pub *bundletest.Publisher, dir string, cfg uplink.Config) *player {
	t.Helper()
	r.set(func() {
		r.claimed = &api.Enrolled{Settings: api.Settings{ID: "p1", Rev: 3, Name: "Hall"}, Roots: pub.Chain}
	})
	p := joinWith(t, r, dir, cfg)
	r.until("the player reports", func() bool { return len(r.beats) > 0 })
	return p
}

func files(b byte) map[string][]byte {
	return map[string][]byte{"media/a.png": slices.Repeat([]byte{b}, 3<<20)}
}

// last is the newest heartbeat; mu is held.
func (r *relay) last() api.Heartbeat {
	if len(r.beats) == 0 {
		return api.Heartbeat{}
	}
	return r.beats[len(r.beats)-1]
}

func (r *relay) live(p api.Pointer) func() bool {
	return func() bool { h := r.last(); return h.Active != nil && *h.Active == p }
}

func TestAPlayerShowsItsCodeUntilItIsClaimed(t *testing.T) {
	r, pub, dir := newRelay(t), bundletest.New(t), t.TempDir()
	p := join(t, r, dir)
	c := <-p.claims
	if c == nil || c.Code != "BCDF-GHJK" || len(c.Words) != 4 {
		t.Fatalf("on the screen is %+v", c)
	}
	r.set(func() {
		r.claimed = &api.Enrolled{Settings: api.Settings{ID: "p1", Rev: 3, Name: "Hall"}, Roots: pub.Chain}
		if want := bundle.Words(r.key); !slices.Equal(c.Words, want) {
			t.Errorf("the screen shows %q, the relay %q", c.Words, want)
		}
	})
	r.until("the player reports", func() bool { return len(r.beats) > 0 && r.last().Rev == 3 && r.last().Root == 1 })
	if c := <-p.claims; c != nil {
		t.Errorf("the code is still on: %+v", c)
	}
	p.stop()
	st, err := os.Stat(filepath.Join(dir, "identity.json"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the identity's mode is %v, %v", st.Mode(), err)
	}
	r.set(func() { r.claimed, r.beats = nil, nil })
	again := join(t, r, dir)
	r.until("the player is known after a restart", func() bool { return len(r.beats) > 0 })
	if again.Claim() != nil {
		t.Error("it asks to be claimed again")
	}
}

func TestAPlayerThatTheRelayForgotAsksToBeClaimedAgain(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	p := enrolled(t, r, pub, t.TempDir())
	for len(p.claims) > 0 {
		<-p.claims
	}
	r.set(func() {
		r.claimed = nil
		r.lie = func(w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, "/heartbeat") {
				return false
			}
			refuse(w, 401, api.ProblemUnknown, "the relay does not know this player's key")
			return true
		}
	})
	if c := <-p.claims; c == nil {
		t.Error("no code is shown")
	}
}

func TestABundleIsTakenAndReported(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	r.until("the first bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{}, files(1)))))
	r.until("the second bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 2}, files(2)))))
}

func TestWhatIsDamagedOfTheBundleBeforeIsFetchedAgain(t *testing.T) {
	r, pub, dir := newRelay(t), bundletest.New(t), t.TempDir()
	p := enrolled(t, r, pub, dir)
	first := pub.Content(t, bundle.Manifest{}, files(1))
	r.until("the first bundle is live", r.live(r.publish(first)))
	r.until("the second bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{Seq: 2}, files(2)))))
	r.set(func() { r.content = &first }) // it has both
	file := filepath.Join(dir, first.Manifest.Files["media/a.png"].BlobPath())
	if err := os.Truncate(file, 1000); err != nil {
		t.Fatal(err)
	}
	if err := p.store.SetSettings(api.Settings{ID: "p1", Name: "Foyer"}); err != nil { // whoever watches looks again
		t.Fatal(err)
	}
	late := time.After(30 * time.Second)
	for {
		live, changed := p.store.Live()
		if st, err := os.Stat(file); err == nil && st.Size() == 3<<20 && !live.NoWayBack {
			break
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal("there is still no way back")
		}
	}
	if err := p.store.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live, _ := p.store.Live(); live.Manifest.Seq != 1 || live.Damaged {
		t.Errorf("version %d is live, damaged: %v", live.Manifest.Seq, live.Damaged)
	}
}

func TestAPlayerWithoutRootsTakesThoseOfItsRelay(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, &bundletest.Publisher{}, t.TempDir())
	r.until("the bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{}, files(1)))))
}

func TestANewRootComesWithTheBundleThatNeedsIt(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	var err error
	if pub.Key, err = bundle.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	pub.NextRoot(t, nil)
	r.until("the bundle is live", r.live(r.publish(pub.Content(t, bundle.Manifest{}, files(1)))))
	r.until("the root is reported", func() bool { return r.last().Root == 2 })
}

func TestAHostileRelayChangesNothing(t *testing.T) {
	pub, thief := bundletest.New(t), bundletest.New(t)
	old := pub.Content(t, bundle.Manifest{Seq: 5}, files(5))
	cases := []struct {
		name    string
		content bundle.Content
		lie     func(w http.ResponseWriter, req *http.Request) bool
		says    string // in the refusal; "" = it goes on trying
	}{
		{"an older bundle", pub.Content(t, bundle.Manifest{Seq: 4}, files(4)), nil, "older than version 5"},
		{"another publisher's bundle", bundle.Content{Roots: pub.Chain, Envelope: thief.Content(t, bundle.Manifest{Seq: 6}, files(6)).Envelope,
			Manifest: thief.Content(t, bundle.Manifest{Seq: 6}, files(6)).Manifest, Open: old.Open}, nil, "manifest"},
		{"a captive portal's page instead of blobs", pub.Content(t, bundle.Manifest{Seq: 6}, files(6)), page("/v1/blobs/"), ""},
		{"another manifest than the one that it names", pub.Content(t, bundle.Manifest{Seq: 6}, files(6)), page("/v1/manifests/"), ""},
		{"an answer without end", pub.Content(t, bundle.Manifest{Seq: 6}, files(6)), endless("/v1/manifests/"), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t)
			p := enrolled(t, r, pub, t.TempDir())
			r.until("the old bundle is live", r.live(r.publish(old)))
			lied := make(chan struct{}, 1000)
			r.set(func() {
				if c.lie != nil {
					r.lie = func(w http.ResponseWriter, req *http.Request) bool {
						ok := c.lie(w, req)
						if ok {
							lied <- struct{}{}
						}
						return ok
					}
				}
			})
			ptr := r.publish(c.content)
			if c.says != "" {
				r.until("the refusal is reported", func() bool {
					h := r.last()
					return h.Refused != nil && h.Refused.Pointer == ptr && strings.Contains(h.Refused.Reason, c.says)
				})
			} else {
				<-lied
				<-lied // it has tried again
			}
			if live, _ := p.store.Live(); live.Manifest.Seq != 5 || len(live.Missing) > 0 {
				t.Errorf("live is version %d, missing %v", live.Manifest.Seq, live.Missing)
			}
			if c.says != "" {
				return
			}
			r.set(func() { r.lie = nil })
			r.until("the bundle is live when the relay is honest again", r.live(ptr))
		})
	}
}

func page(prefix string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, prefix) {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<html>Welcome to the hotel. Please accept our terms.</html>"))
		return true
	}
}

func endless(prefix string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, prefix) {
			return false
		}
		for b := make([]byte, 1<<20); ; {
			if _, err := w.Write(b); err != nil {
				return true
			}
		}
	}
}

func TestPlaysArriveOnceThoughOneIsPoison(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	dir := t.TempDir()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	first := s.Boot()
	for range 1200 {
		s.Record(api.Proof{Scene: "a"})
	}
	s.Close() // and the power goes
	r.set(func() { r.poison = 700 })
	p := enrolled(t, r, pub, dir)
	p.store.Record(api.Proof{Scene: "b"})
	r.until("all plays are there", func() bool { return len(r.proofs[first]) == 1199 && len(r.proofs[p.store.Boot()]) == 2 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if g := r.gaps[0]; len(r.gaps) != 1 || g.From != 700 || g.To != 700 || !strings.Contains(g.Why, "refused") {
		t.Errorf("told as lost are %+v", r.gaps)
	}
	got := r.proofs[first]
	if !slices.IsSorted(got) || slices.Contains(got, 700) || len(slices.Compact(slices.Clone(got))) != 1199 {
		t.Errorf("%d plays came, from %d to %d", len(got), got[0], got[len(got)-1])
	}
}

func TestAPictureIsSentWhenSomebodyLooks(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	r.set(func() {
		r.desired = func(api.Heartbeat) *api.Desired {
			if r.picture != nil {
				return nil
			}
			return &api.Desired{Screenshot: true}
		}
	})
	r.until("the picture is there", func() bool { return string(r.picture) == "jpeg" })
}

func TestSettingsAreTaken(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	r.set(func() {
		r.desired = func(h api.Heartbeat) *api.Desired {
			if h.Rev == 4 {
				return nil
			}
			return &api.Desired{Settings: &api.Settings{ID: "p1", Rev: 4, Name: "Hall", Groups: []string{"lobby"}}}
		}
	})
	r.until("the settings are reported", func() bool { return r.last().Rev == 4 })
}

func TestARelayThatDesiresTheSameForEverIsNotAskedInCircles(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	r.set(func() { r.desired = func(api.Heartbeat) *api.Desired { return &api.Desired{Root: 9} } })
	enrolled(t, r, pub, t.TempDir())
	r.until("it was asked three times", func() bool { return len(r.beats) >= 3 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.beats); n > 10 {
		t.Errorf("%d heartbeats came at once", n)
	}
}

func TestAnAddressThatIsNotSecureIsRefused(t *testing.T) {
	me, err := identity.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"http://relay.example", "relay.example:8443", "https://"} {
		if _, err := uplink.New(uplink.Config{Base: base, Identity: me, Clock: wall{}}); err == nil {
			t.Errorf("%q was taken", base)
		}
	}
}

func TestSettingsThatCannotBeThisPlayersAreRefused(t *testing.T) {
	for name, s := range map[string]api.Settings{
		"another player's id":     {ID: "p2", Name: "Hall"},
		"a name without end":      {ID: "p1", Name: strings.Repeat("é", 201)},
		"a name a terminal obeys": {ID: "p1", Name: "Hall\x1b[2J"},
		"a group without end":     {ID: "p1", Name: "Hall", Groups: []string{strings.Repeat("g", 201)}},
		"groups without end":      {ID: "p1", Name: "Hall", Groups: make([]string, 201)},
	} {
		t.Run(name, func(t *testing.T) {
			r, pub := newRelay(t), bundletest.New(t)
			p := enrolled(t, r, pub, t.TempDir())
			s.Rev = 9
			asked := 0
			r.set(func() {
				r.desired = func(h api.Heartbeat) *api.Desired {
					if asked++; asked > 1 {
						return nil
					}
					return &api.Desired{Settings: &s}
				}
			})
			r.until("the player has reported after them", func() bool { return asked > 1 })
			if live, _ := p.store.Live(); live.Settings.Rev != 3 || live.Settings.Name != "Hall" || live.Settings.ID != "p1" {
				t.Errorf("the settings are %+v", live.Settings)
			}
		})
	}
}

func TestARelayThatIsBackIsKnownAtOnce(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	enrolled(t, r, pub, t.TempDir())
	r.until("it reports", func() bool { return len(r.beats) > 0 })
	cuts := 0
	waits := make(chan string, 64)
	r.set(func() {
		r.lie = func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPost || !strings.HasSuffix(req.URL.Path, "/heartbeat") {
				return false
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if cuts++; cuts == 1 {
				refuse(w, 503, "", "down")
				return true
			}
			waits <- req.Header.Get("Prefer")
			return false
		}
	})
	if wait := <-waits; wait != "" {
		t.Errorf("the first report after a cut asks to %q", wait)
	}
	if wait := <-waits; wait == "" {
		t.Error("the next one does not wait")
	}
}
