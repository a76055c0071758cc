package uplink_test

import (
	"net/http"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/identity"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
)

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
