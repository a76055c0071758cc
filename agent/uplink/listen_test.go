package uplink_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/cloud/api"
)

// signed is a warning of a publisher's that stands for an hour.
func signed(t *testing.T, pub *bundletest.Publisher, serial uint64) api.SignedWarning {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	cap := fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%d</identifier><sender>acme</sender><sent>%s</sent><status>Actual</status>`+
		`<msgType>Alert</msgType><scope>Public</scope><info><headline>%d</headline></info></alert>`, serial, now.Format("2006-01-02T15:04:05+00:00"), serial)
	w := &bundle.Warning{Format: bundle.FormatWarning, Customer: pub.Customer, Serial: serial, Root: len(pub.Chain), Issued: now, Expires: now.Add(time.Hour), CAP: []byte(cap)}
	b, err := w.Seal(pub.Key)
	if err != nil {
		t.Fatal(err)
	}
	return api.SignedWarning{Serial: serial, Root: len(pub.Chain), Expires: w.Expires, Envelope: b}
}

// hand makes a list the relay's, as one does that looks at what players report.
func (r *relay) hand(state string, items ...api.SignedWarning) {
	r.set(func() {
		r.list = api.Warnings{Page: api.Page[api.SignedWarning]{Items: items}, State: state}
		r.desired = func(h api.Heartbeat) *api.Desired {
			if h.Warnings != nil && h.Warnings.State == state {
				return nil
			}
			return &api.Desired{Warnings: state}
		}
	})
	r.until("the player has the list "+state, func() bool { w := r.last().Warnings; return w != nil && w.State == state })
}

func (p *player) standing() string {
	var ids []string
	for _, a := range p.siren.Active("en", time.Now()) {
		ids = append(ids, a.Message.Identifier)
	}
	return strings.Join(ids, " ")
}

func TestWarningsComeOnceAndOnlyFromThePublisher(t *testing.T) {
	r, pub, thief := newRelay(t), bundletest.New(t), bundletest.New(t)
	p := enrolled(t, r, pub, t.TempDir())
	first := signed(t, pub, 1)
	r.hand("a", first)
	if p.standing() != "1" {
		t.Fatalf("on is %q", p.standing())
	}
	if err := *p.word.Load(); err != nil {
		t.Fatalf("the check says %v", err)
	}
	forged := signed(t, thief, 2)
	r.hand("b", forged, first, first)
	if err := *p.word.Load(); err == nil || !strings.Contains(err.Error(), "0 of the publisher keys") {
		t.Errorf("a forged one: the check says %v", err)
	}
	if p.standing() != "1" {
		t.Errorf("on is %q", p.standing())
	}
	r.hand("c", first, signed(t, pub, 2), signed(t, pub, 4))
	if err := *p.word.Load(); err == nil || !strings.Contains(err.Error(), "serials [3]") {
		t.Errorf("one kept back: the check says %v", err)
	}
	r.hand("d", signed(t, pub, 3))
	if err := *p.word.Load(); err != nil {
		t.Errorf("after it came the check says %v", err)
	}
	if p.standing() == "1" || len(strings.Fields(p.standing())) != 4 {
		t.Errorf("on is %q", p.standing())
	}
}

func TestAWarningUnderANewRootBringsTheRoot(t *testing.T) {
	r, pub := newRelay(t), bundletest.New(t)
	p := enrolled(t, r, pub, t.TempDir())
	r.publish(pub.Content(t, bundle.Manifest{}, files(1)))
	guard, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	pub.NextRoot(t, func(root *bundle.Root) { root.Allow(bundle.RoleWarning, "guard", guard.Public()) })
	content := pub.Content(t, bundle.Manifest{}, files(1))
	r.set(func() { r.content = &content })
	pub.Key = guard
	r.hand("a", signed(t, pub, 1))
	if p.standing() != "1" {
		t.Errorf("on is %q", p.standing())
	}
}

func TestAPlayerTrustsThePublisherThatItWasClaimedFor(t *testing.T) {
	pub, thief := bundletest.New(t), bundletest.New(t)
	for name, c := range map[string]struct {
		pushed *bundletest.Publisher
		taken  bool
	}{"the right one's bundle": {pub, true}, "the bundle of whoever has taken over the relay": {thief, false}} {
		t.Run(name, func(t *testing.T) {
			r := newRelay(t)
			r.set(func() {
				r.claimed = &api.Enrolled{Settings: api.Settings{ID: "p1", Rev: 3, Name: "Hall"}, Root: string(bundle.DigestOf(pub.Chain[0]))}
			})
			p := join(t, r, t.TempDir())
			r.until("the player reports", func() bool { return len(r.beats) > 0 })
			ptr := r.publish(c.pushed.Content(t, bundle.Manifest{}, files(1)))
			if c.taken {
				r.until("it is live", r.live(ptr))
				return
			}
			r.until("the refusal is reported", func() bool {
				h := r.last()
				return h.Refused != nil && strings.Contains(h.Refused.Reason, "another publisher")
			})
			if p.store.Trust() != nil {
				t.Error("the thief is trusted")
			}
		})
	}
}
