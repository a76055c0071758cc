package gate

import (
	"net/http"
	"slices"

	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
)

// parcels lists a device's own, by every name that a parcel may mean it by; a person sees all.
func (g *Gate) parcels(w http.ResponseWriter, r *http.Request) error {
	from := r.URL.Query().Get("from")
	if len(from) > 64 {
		return malformed("from is the digest of a parcel")
	}
	id := callerOf(r).device
	asked, state := func(api.SignedParcel) bool { return true }, func(s string) string { return s }
	if id != "" {
		m, ok := g.cfg.Fleet.Member(id)
		if !ok {
			return fleet.ErrUnknown
		}
		names := slices.DeleteFunc([]string{m.ID, m.KeyID, m.Seal}, func(n string) bool { return n == "" })
		asked = func(p api.SignedParcel) bool {
			return len(p.Players)+len(p.Groups) == 0 || slices.ContainsFunc(p.Players, func(n string) bool { return slices.Contains(names, n) }) ||
				slices.ContainsFunc(p.Groups, func(n string) bool { return slices.Contains(m.Groups, n) })
		}
		state = m.Post
	}
	page, err := g.cfg.Depot.Parcels(from, asked)
	if err != nil {
		return err
	}
	page.State = state(page.State)
	return Send(w, http.StatusOK, page)
}

func (g *Gate) putParcel(w http.ResponseWriter, r *http.Request) error {
	b, err := body(w, r, api.MaxParcel)
	if err != nil {
		return err
	}
	taken, err := g.cfg.Depot.PutParcel(r.PathValue("digest"), b, PersonOf(r).Name)
	if err != nil {
		return err
	}
	taken.Envelope = nil
	return Send(w, http.StatusCreated, taken)
}

func (g *Gate) importPlays(w http.ResponseWriter, r *http.Request) error {
	var p api.Proofs
	if _, err := decode(w, r, api.MaxJSON, &p); err != nil {
		return err
	}
	done, err := g.cfg.Fleet.Import(r.PathValue("id"), p)
	if err != nil {
		return err
	}
	return Send(w, http.StatusOK, done)
}

// adopt takes in a player that never calls, by the word of its key.
func (g *Gate) adopt(w http.ResponseWriter, r *http.Request) error {
	var in api.Adoption
	if _, err := decode(w, r, 16<<10, &in); err != nil {
		return err
	}
	if !in.Seal.SignedBy(in.Public) || len(in.Version) > 64 || len(in.Seal.Recipient) > 128 {
		return &api.Problem{Title: "the adoption is not the word of the player's key", Status: http.StatusUnprocessableEntity, Detail: "it comes out of an export that the player has signed"}
	}
	if err := checkClaim(in.Claim); err != nil {
		return err
	}
	keyID := api.DeviceKeyID(in.Public)
	if m, known := g.cfg.Fleet.ByKey(keyID); known {
		p, err := g.cfg.Fleet.Player(m.ID)
		if err != nil {
			return err
		}
		return Send(w, http.StatusOK, p)
	}
	m, err := g.cfg.Fleet.Admit(api.EnrolRequest{Public: in.Public, Seal: in.Seal.Recipient, Version: in.Version}, keyID, in.Claim)
	if err != nil {
		return err
	}
	p, err := g.cfg.Fleet.Player(m.ID)
	if err != nil {
		return err
	}
	return Send(w, http.StatusCreated, p)
}
