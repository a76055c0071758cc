package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/health"
	"vitrine/cloud/api"
)

func TestAHeartbeatThatArrivesDoesNotSayThatTheRelayIsAway(t *testing.T) {
	a, err := New(Config{Dir: t.TempDir(), Headless: "320x180", Relay: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.store.Close()
	a.reached(errors.New("connection refused"))
	var h api.Heartbeat
	a.describe(&h)
	if h.Checks["relay"] != health.OK {
		t.Errorf("the heartbeat says of the relay: %s", h.Checks["relay"])
	}
	if s := a.Status(); s.Checks["relay"] != "connection refused" {
		t.Errorf("the player itself says of the relay: %s", s.Checks["relay"])
	}
	if st, _ := a.clock.State(); st.Floor.Before(bundle.AgentDate()) {
		t.Errorf("the time's floor is %v, before the release", st.Floor)
	}
	for name, word := range h.Checks {
		if strings.HasSuffix(word, ": ") {
			t.Errorf("the check %s says %q without a reason", name, word)
		}
	}
}

func TestWhatWasToBeRenewedPlaysOnAndRaisesAnAlarm(t *testing.T) {
	a, err := New(Config{Dir: t.TempDir(), Headless: "320x180"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.store.Close()
	pub := bundletest.New(t)
	end := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	pub.NextRoot(t, func(r *bundle.Root) { r.Expires = end })
	file := pub.File(t, bundle.Manifest{Expires: end}, map[string][]byte{"media/a.png": []byte("a picture")})
	if _, _, err := a.Import(t.Context(), file, strings.Join(bundle.Words(pub.Chain[0]), " "), func(int64, int64) {}); err != nil {
		t.Fatalf("a bundle whose end is past is not taken: %v", err)
	}
	if s := a.Status(); s.Bundle == nil || !strings.Contains(s.Checks["keys"], "root 2 were to be renewed by 2026-02-01; they go on to count") ||
		!strings.Contains(s.Checks["bundle"], "it plays on") {
		t.Errorf("%+v, %q", s.Bundle, s.Checks)
	}
	pub.NextRoot(t, func(r *bundle.Root) { r.Expires = end.AddDate(1000, 0, 0) })
	file = pub.File(t, bundle.Manifest{Seq: 2}, map[string][]byte{"media/a.png": []byte("another picture")})
	if _, _, err := a.Import(t.Context(), file, "", func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	if s := a.Status(); s.Checks["keys"] != health.OK || s.Checks["bundle"] != health.OK {
		t.Errorf("%q", s.Checks)
	}
}
