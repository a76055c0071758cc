package agent

import (
	"errors"
	"strings"
	"testing"

	"vitrine/agent/bundle"
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
