package uplink_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/cloud/api"
)

// vouching is a relay that signs what is the newest, with its own key.
type vouching struct {
	*relay
	key  bundle.PrivateKey
	pub  *bundletest.Publisher
	word *bundle.Fresh // what it says; nil = it knows nothing of freshness
}

// vouches makes a relay with a player that plays version 7 of its bundle, and the words that the player's check then said.
func vouches(t *testing.T, word func(*bundle.Fresh)) (v *vouching, p *player, dir string) {
	t.Helper()
	key, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, dir = &vouching{relay: newRelay(t), key: key, pub: bundletest.New(t)}, t.TempDir()
	content := v.pub.Content(t, bundle.Manifest{Seq: 7}, files(1))
	live := api.Pointer{Stream: "lobby", Seq: 7, Manifest: string(bundle.DigestOf(content.Envelope)), Root: 1}
	if word != nil {
		v.says(live, word)
	}
	v.set(func() {
		v.claimed = &api.Enrolled{Settings: api.Settings{ID: "p1", Rev: 3, Name: "Hall"}, Roots: v.pub.Chain, Time: key.Public()}
		v.content, v.lie = &content, v.answer
		v.desired = func(h api.Heartbeat) *api.Desired {
			if h.Active != nil && *h.Active == live {
				return nil
			}
			return &api.Desired{Bundle: &live}
		}
	})
	p = join(t, v.relay, dir)
	v.until("the bundle plays", v.live(live))
	return v, p, dir
}

// says sets what the relay says from now on.
func (v *vouching) says(live api.Pointer, change func(*bundle.Fresh)) {
	now := time.Now().UTC().Truncate(time.Second)
	f := &bundle.Fresh{Format: bundle.FormatFresh, Customer: "acme", Stream: live.Stream, Seq: live.Seq, Root: live.Root,
		Manifest: bundle.Digest(live.Manifest), Issued: now, Expires: now.Add(24 * time.Hour)}
	change(f)
	v.set(func() { v.word = f })
}

// answer answers the question for freshness; mu is not held.
func (v *vouching) answer(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/v1/fresh/") {
		return false
	}
	v.mu.Lock()
	word := v.word
	v.mu.Unlock()
	if word == nil {
		send(w, 404, api.Problem{Title: "there is nothing here", Status: 404})
		return true
	}
	b, err := word.Seal(v.key)
	if err != nil {
		v.t.Error(err)
	}
	w.Write(b)
	return true
}

// hears waits for a word of the check: "" = it is right.
func (p *player) hears(t *testing.T, says string) {
	t.Helper()
	late := time.After(30 * time.Second)
	last := "nothing"
	for {
		select {
		case err := <-p.fresh:
			if last = "right"; err != nil {
				last = err.Error()
			}
			if says == "" && err == nil || says != "" && err != nil && strings.Contains(err.Error(), says) {
				return
			}
		case <-late:
			t.Fatalf("the check never said %q; last it said %q", says, last)
		}
	}
}

func TestAPlayerWhoseRelayVouchesForItsBundleIsRight(t *testing.T) {
	v, p, _ := vouches(t, func(*bundle.Fresh) {})
	p.hears(t, "")
	if live, _ := p.store.Live(); live.Manifest.Seq != 7 {
		t.Errorf("it plays %d", live.Manifest.Seq)
	}
	v.until("it reports", func() bool { return len(v.beats) > 0 })
}

func TestAFreezeIsNoticedAndTheBundlePlaysOn(t *testing.T) {
	_, p, _ := vouches(t, func(f *bundle.Fresh) { f.Issued, f.Expires = f.Issued.Add(-48*time.Hour), f.Issued.Add(-24*time.Hour) })
	p.hears(t, `nobody has confirmed that version 7 of "lobby" is the newest`)
	if live, _ := p.store.Live(); live.Manifest == nil || live.Manifest.Seq != 7 || live.Damaged {
		t.Error("it does not play on")
	}
}

func TestAnOldWordOfTheRelayIsNotTakenAfterARestartEither(t *testing.T) {
	v, p, dir := vouches(t, func(f *bundle.Fresh) { f.Issued, f.Expires = f.Issued.Add(-48*time.Hour), f.Issued.Add(-24*time.Hour) })
	p.hears(t, "nobody has confirmed")
	live, _ := p.store.Live()
	at := *live.Pointer()
	p.stop()
	v.says(at, func(f *bundle.Fresh) { f.Issued, f.Expires = f.Issued.Add(-72*time.Hour), f.Issued.Add(24*time.Hour) }) // older, and would still hold
	p = join(t, v.relay, dir)
	p.hears(t, "older than what the relay has said before")
	p.stop()
	v.says(at, func(*bundle.Fresh) {})
	p = join(t, v.relay, dir)
	p.hears(t, "")
}

func TestFreshnessRaisesTheAlarmWhen(t *testing.T) {
	for name, c := range map[string]struct {
		word func(*bundle.Fresh)
		says string
	}{
		"the relay knows less than the player":      {func(f *bundle.Fresh) { f.Seq = 5 }, "version 5 of \"lobby\" is the newest, and this player has had version 7"},
		"the relay has other contents for a number": {func(f *bundle.Fresh) { f.Manifest = bundle.DigestOf(nil) }, "other contents for version 7"},
	} {
		t.Run(name, func(t *testing.T) {
			_, p, _ := vouches(t, c.word)
			p.hears(t, c.says)
		})
	}
}

func TestARelayThatNeverVouchesIsGivenADay(t *testing.T) {
	v, p, dir := vouches(t, nil)
	p.hears(t, "")
	p.stop()
	b, err := json.Marshal(map[string]any{"since": time.Now().Add(-25 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fresh.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	p = join(t, v.relay, dir)
	p.hears(t, "has never confirmed that version 7")
	p.stop()
	v.set(func() { // nor by an answer without an end
		v.lie = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/v1/fresh/") {
				return false
			}
			for zeros := make([]byte, 64<<10); ; {
				if _, err := w.Write(zeros); err != nil {
					return true
				}
			}
		}
	})
	p = join(t, v.relay, dir)
	p.hears(t, "more than")
	p.stop()
	v.set(func() { v.lie = v.answer })
	if err := os.WriteFile(filepath.Join(dir, "fresh.json"), []byte(`{"since":`), 0o600); err != nil { // damaged: it begins anew
		t.Fatal(err)
	}
	p = join(t, v.relay, dir)
	p.hears(t, "")
}

func TestAWordThatAnotherKeyHasSignedConfirmsNothing(t *testing.T) {
	v, p, dir := vouches(t, func(*bundle.Fresh) {})
	p.hears(t, "")
	p.stop()
	// The one who took the relay's address over has another key, and the player's last good word is over.
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.key, err = bundle.Elsewhere(other); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(map[string]any{"since": time.Now().Add(-25 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fresh.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	p = join(t, v.relay, dir)
	p.hears(t, "has not signed it")
}

func TestAWordOfTheFutureIsNotTaken(t *testing.T) {
	v, p, dir := vouches(t, func(f *bundle.Fresh) { f.Issued, f.Expires = f.Issued.AddDate(70, 0, 0), f.Expires.AddDate(70, 0, 0) })
	p.hears(t, "")
	live, _ := p.store.Live()
	p.stop()
	v.says(*live.Pointer(), func(f *bundle.Fresh) { f.Seq = 3 }) // had it been taken, this would be older, and right
	p = join(t, v.relay, dir)
	p.hears(t, "version 3")
}
