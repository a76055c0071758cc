package packaging

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/control"
	"vitrine/agent/health"
	"vitrine/cloud/api"
)

// unseen starts a player without a screen; it is claimed once.
func (h *house) unseen(claim bool) (stop func()) {
	h.t.Helper()
	dir := filepath.Join(h.dir, "player")
	a, err := agent.New(agent.Config{Dir: dir, Headless: "320x180", Renderer: filepath.Join(h.bin, "vitrine-render"), Relay: h.admin.Base,
		Trust: api.Trust{Pin: h.relay.Authority().Pin()}, Log: slog.New(slog.NewTextHandler(h.t.Output(), nil))})
	if err != nil {
		h.t.Fatal(err)
	}
	stop = h.run("the player", a.Run)
	h.player = control.Dial(dir)
	if !claim {
		return stop
	}
	code, words := "", ""
	h.until("the player shows a code", func() bool {
		s, err := h.player.Status(h.t.Context())
		if err == nil && s.Claim != nil {
			code, words = s.Claim.Code, strings.Join(s.Claim.Words, " ")
		}
		return code != ""
	})
	h.vitrine("claim", code, "--name", "Hall", "--words", words)
	return stop
}

// plays waits until a version plays that the relay vouches for.
func (h *house) plays(seq uint64, root int) {
	h.t.Helper()
	h.until("the newest version plays, and is known to be the newest", func() bool {
		s, err := h.player.Status(h.t.Context())
		return err == nil && s.Bundle != nil && s.Bundle.Seq == seq && s.Bundle.Root == root && s.Checks["fresh"] == health.OK && s.Checks["keys"] == health.OK
	})
}

func TestAPlayerThatWasOffWhileAllItsKeysWereChangedFollows(t *testing.T) {
	t.Parallel()
	h := lit(t)
	h.publish("")
	old := filepath.Join(h.dir, "old.vitrine")
	h.vitrine("build", filepath.Join(h.dir, "hall"), "-o", old)
	stop := h.unseen(true)
	h.plays(1, 1)
	stop()

	ring := filepath.Join(h.dir, "vitrine", "keys")
	for _, name := range []string{"next", "heir", "guard"} {
		h.vitrine("key", "make", filepath.Join(ring, name), "--no-passphrase")
	}
	h.vitrine("key", "rotate", "publisher", filepath.Join(ring, "next.pub"), "--note", "laptop stolen", "--yes")
	h.vitrine("key", "rotate", "root 1", filepath.Join(ring, "heir.pub"), "--yes")
	h.vitrine("key", "add", "warning", filepath.Join(ring, "guard.pub"), "--yes")
	h.vitrine("key", "renew", "--expires", time.Now().AddDate(2, 0, 0).Format(time.DateOnly), "--yes")
	h.vitrine("key", "add", "relay", "--from-relay", "--yes")
	h.vitrine("key", "push")
	h.publish("")

	h.unseen(false)
	h.plays(3, 6)
	_, err := h.player.Import(t.Context(), old, "", nil)
	if err == nil || !strings.Contains(err.Error(), `has taken that away from the key "publisher"`) {
		t.Errorf("the stick from the drawer: %v", err)
	}
	out := ""
	h.until("the relay has heard which root the player has", func() bool {
		out = h.vitrine("trust", "--player", "Hall")
		return strings.Contains(out, "Player Hall has the newest root")
	})
	for _, says := range []string{"REVOKED: publisher", "laptop stolen", "REVOKED: root 1", "May say which bundle is the newest: 1 of 1"} {
		if !strings.Contains(out, says) {
			t.Errorf("it lacks %q: %s", says, out)
		}
	}
}
