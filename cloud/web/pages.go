package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"vitrine/cloud/account"
	"vitrine/cloud/api"
)

func (p *Pages) players(w http.ResponseWriter, r *http.Request) error {
	edition, err := p.cfg.Fleet.Edition("") // before what it names is read: rather too old than too new
	if err != nil {
		return err
	}
	players, err := p.cfg.Fleet.Players("", 0)
	if err != nil {
		return err
	}
	slices.SortStableFunc(players, func(a, b api.Player) int {
		return cmp.Or(urgency(a)-urgency(b), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	online, troubled := 0, 0
	for _, pl := range players {
		if pl.Online {
			online++
		}
		if len(faults(text{}, pl)) > 0 {
			troubled++
		}
	}
	streams, err := p.cfg.Streams("", 100)
	if err != nil {
		return err
	}
	channels, err := p.cfg.Channels("", 1000)
	if err != nil {
		return err
	}
	return p.show(w, r, http.StatusOK, "players", map[string]any{"Players": players, "Online": online, "Troubled": troubled,
		"Streams": streamsOf(streams, channels), "Host": r.Host, "Pin": p.cfg.Pin, "Edition": edition})
}

// urgency sorts what needs somebody first.
func urgency(p api.Player) int {
	switch {
	case len(p.Alarms) > 0:
		return 0
	case !p.Online:
		return 1
	case len(faults(text{}, p)) > 0:
		return 2
	}
	return 3
}

// faults are the sentences about a player that somebody should read.
func faults(t text, p api.Player) (out []string) {
	out = append(out, p.Alarms...)
	if p.Last == nil {
		return out
	}
	if f := p.Last.Refused; f != nil && (p.Desired == nil || f.Manifest == p.Desired.Manifest) {
		out = append(out, f.Stream+" "+fmt.Sprint(f.Seq)+": "+f.Reason)
	}
	var checks []string
	for name, said := range p.Last.Checks {
		if said == "ok" {
			continue
		}
		if s := sourceOf(p.Last, name); s != nil && s.Fault != "" {
			checks = append(checks, t.Say("sources")+" · "+s.Name+" · "+t.Say("fault."+s.Fault))
			continue
		}
		checks = append(checks, name+": "+said)
	}
	slices.Sort(checks)
	return append(out, checks...)
}

// stream is a stream with the groups that follow it.
type stream struct {
	api.Stream
	Groups []string
}

func streamsOf(streams []api.Stream, channels []api.Channel) (out []stream) {
	for _, s := range streams {
		row := stream{Stream: s}
		for _, c := range channels {
			if c.Stream == s.Name {
				row.Groups = append(row.Groups, c.Group)
			}
		}
		out = append(out, row)
	}
	return out
}

func (p *Pages) player(w http.ResponseWriter, r *http.Request) error {
	edition, err := p.cfg.Fleet.Edition(r.PathValue("id"))
	if err != nil {
		return err
	}
	pl, err := p.cfg.Fleet.Player(r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.show(w, r, http.StatusOK, "player", map[string]any{"P": pl, "Groups": p.cfg.Fleet.Groups(), "Saved": r.URL.Query().Has("saved"), "Edition": edition})
}

func (p *Pages) picture(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "private, max-age=3600") // the address changes with the picture
	return p.gate.Screenshot(w, r)
}

func (p *Pages) look(w http.ResponseWriter, r *http.Request) error {
	if err := p.cfg.Fleet.Ask(r.PathValue("id")); err != nil {
		return err
	}
	return seeOther(w, "/players/"+r.PathValue("id"))
}

func (p *Pages) settings(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	id := r.PathValue("id")
	var rev uint64
	if _, err := fmt.Sscan(r.PostForm.Get("rev"), &rev); err != nil {
		return &api.Problem{Title: "the form has no revision", Status: http.StatusBadRequest}
	}
	field := func(name string) *string {
		s := strings.TrimSpace(r.PostForm.Get(name))
		return &s
	}
	groups, tags := list(*field("groups")), list(*field("tags"))
	_, err := p.gate.Change(id, rev, api.Changes{Name: field("name"), Groups: &groups, Tags: &tags, Zone: field("zone"), Locale: field("locale")})
	if err != nil {
		return err
	}
	return seeOther(w, "/players/"+id+"?saved")
}

// list splits what a person typed between commas.
func list(s string) []string {
	out := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

func (p *Pages) remove(w http.ResponseWriter, r *http.Request) error {
	if err := p.gate.Remove(r.PathValue("id")); err != nil {
		return err
	}
	return seeOther(w, "/")
}

// claim asks for a code, or shows who waits under it.
func (p *Pages) claim(w http.ResponseWriter, r *http.Request) error {
	code := strings.ToUpper(strings.TrimSpace(r.URL.Query().Get("code")))
	data := map[string]any{"Code": code, "Groups": p.cfg.Fleet.Groups()}
	if code == "" {
		return p.show(w, r, http.StatusOK, "claim", data)
	}
	waiting, err := p.gate.Waiting(r, code)
	return p.showClaim(w, r, data, waiting, err)
}

func (p *Pages) showClaim(w http.ResponseWriter, r *http.Request, data map[string]any, waiting api.Waiting, err error) error {
	var known *api.Problem
	status := http.StatusOK
	switch {
	case err == nil:
		data["Waiting"] = waiting
	case errors.Is(err, account.ErrNoCode), errors.Is(err, account.ErrExpired):
		data["Key"], status = "nocode", http.StatusNotFound
	case errors.As(err, &known):
		data["Wrong"], status = known.Title, known.Status
	default:
		return err
	}
	return p.show(w, r, status, "claim", data)
}

func (p *Pages) claimed(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	code := r.PostForm.Get("code")
	c := api.Claim{Name: strings.TrimSpace(r.PostForm.Get("name")), Groups: list(r.PostForm.Get("groups")), Zone: strings.TrimSpace(r.PostForm.Get("zone"))}
	pl, err := p.gate.Claim(r, code, c)
	if err == nil {
		return seeOther(w, "/players/"+pl.ID)
	}
	data := map[string]any{"Code": code, "Groups": p.cfg.Fleet.Groups(), "Claim": c}
	var known *api.Problem
	if errors.As(err, &known) && known.Status == http.StatusUnprocessableEntity { // the form can be mended
		data["Wrong"] = known.Title
		waiting, err := p.gate.Waiting(r, code)
		return p.showClaim(w, r, data, waiting, err)
	}
	return p.showClaim(w, r, data, api.Waiting{}, err)
}
