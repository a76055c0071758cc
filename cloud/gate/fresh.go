package gate

import (
	"net/http"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// freshLife is how long the relay's word on what is the newest holds: a player that hears no new one for so long raises an
// alarm, and goes on playing.
const freshLife = 24 * time.Hour

func (g *Gate) fresh(w http.ResponseWriter, r *http.Request) error {
	if g.cfg.TimeKey == nil {
		return &api.Problem{Title: "this relay has no key of its own", Status: http.StatusNotFound, Detail: "its word on what is the newest would prove nothing"}
	}
	key, err := bundle.Elsewhere(g.cfg.TimeKey)
	if err != nil {
		return err
	}
	b, err := g.cfg.Depot.Fresh(r.PathValue("stream"), key, freshLife)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(b)
	return err
}
