package agent

import (
	"time"

	"vitrine/cloud/api"
)

// known is what this player is called, by which a warning may name it.
func (a *Agent) known() (id string, groups []string) {
	live, _ := a.store.Live()
	return live.Settings.ID, live.Settings.Groups
}

// standing tells the relay's people which warnings hold here.
func (a *Agent) standing(now time.Time) (out []api.Standing) {
	all := a.siren.Standing(now)
	for _, s := range all[:min(len(all), api.MaxStanding)] {
		out = append(out, api.Standing{Identifier: s.Message.Identifier, Severity: s.Info.Severity, Source: s.Source, Until: s.Until})
	}
	return out
}
