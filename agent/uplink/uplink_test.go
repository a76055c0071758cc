package uplink_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
	"vitrine/cloud/api"
)

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
