package agent

import (
	"strings"
	"time"

	"vitrine/agent/control"
	"vitrine/agent/health"
	"vitrine/cloud/api"
)

// Feeds implements the control socket's player: how the sources are, with at most n rows of each.
func (a *Agent) Feeds(n int) []control.Feed {
	feeds := []control.Feed{}
	for _, t := range a.sources.Tell() {
		f := control.Feed{Name: t.Name, Type: t.Type, Where: t.Where, Secret: t.Secret, Count: t.Rows, Read: t.Read, Columns: t.Columns, Fetched: t.Fetched, Changed: t.Changed,
			Next: t.Next, Stale: t.Stale, Expired: t.Expired, Truncated: t.Truncated, Class: string(t.Class), Error: t.Error}
		for _, d := range t.Dropped {
			f.Dropped = append(f.Dropped, control.Dropped{Place: d.Place, Why: d.Why})
		}
		for _, s := range t.Steps {
			f.Steps = append(f.Steps, control.FeedStep{Step: s.Name, Took: float64(s.Took.Round(10*time.Microsecond)) / 1e6, Bytes: s.Bytes, Rows: s.Rows})
		}
		if r, ok := a.sources.Result(t.Name); ok && n > 0 {
			for i := range r.Rows[:min(n, len(r.Rows))] {
				row := make([]string, len(r.Columns))
				for k, c := range r.Columns {
					row[k] = r.Cell(i, c)
				}
				f.Rows = append(f.Rows, row)
			}
		}
		feeds = append(feeds, f)
	}
	return feeds
}

// tellSources puts into a heartbeat how fresh the sources are, and no more: what is wrong with one is a word there, since a
// sentence may hold a cell, a name or a path of the customer's.
func (a *Agent) tellSources(h *api.Heartbeat) {
	for name, word := range h.Checks {
		if strings.HasPrefix(name, checkSource) && word != health.OK {
			h.Checks[name] = "its rows cannot be renewed: vitrine-player sources says why"
		}
	}
	for _, t := range a.sources.Tell() {
		h.Sources = append(h.Sources, api.Source{Name: t.Name, Count: t.Rows, Fetched: t.Fetched, Stale: t.Stale, Fault: string(t.Class)})
		if name := checkSource + t.Name; t.Class != "" && h.Checks[name] != "" && h.Checks[name] != health.OK {
			h.Checks[name] = string(t.Class) + ": vitrine-player sources says more"
		}
	}
	h.Sources = h.Sources[:min(len(h.Sources), api.MaxSources)]
}

// checkSource stands before a source's name on the board.
const checkSource = "source:"

// secretsRenewed is closed when a secret has come or gone; nil = none ever does.
func (a *Agent) secretsRenewed() <-chan struct{} {
	if a.vault == nil {
		return nil
	}
	return a.vault.Changed()
}
