package agent

import (
	"context"
	"errors"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
	"vitrine/usb/importer"
)

// mostMounted is the most that is read of a stick that a person has mounted, bytes.
const mostMounted = 256 << 30

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

// mounted imports from a stick that the player has not mounted itself. The pointer is nil when it carries warnings alone.
func (a *Agent) mounted(ctx context.Context, path, trust string, progress func(have, total int64)) (p *api.Pointer, changed bool, err error) {
	tree, err := importer.Open(path, mostMounted)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	if a.store.Trust() == nil {
		roots, err := tree.Roots(ctx)
		if err == nil {
			err = a.pin(roots, trust)
		}
		if err != nil {
			return nil, false, err
		}
	}
	err = taker{a}.warnings(ctx, tree)
	err = errors.Join(err, taker{a}.parcels(ctx, tree))
	if tree.Index().Manifest != "" {
		var bundled error
		p, changed, bundled = a.mountedBundle(ctx, tree, progress)
		err = errors.Join(err, bundled)
	}
	return p, changed, errors.Join(err, importer.WriteReplies(ctx, path, tree.Replies()))
}

// warnings takes the signed public warnings of a stick, and says what of them is not to be believed.
func (t taker) warnings(ctx context.Context, tree *importer.Tree) error {
	envelopes, faults := tree.Warnings(ctx)
	var newer *bundle.NewRootError
	for _, e := range envelopes {
		_, _, err := t.siren.Post(e, "stick")
		if errors.As(err, &newer) { // the stick may carry the keys too
			if err = t.roots(ctx, tree); err == nil {
				_, _, err = t.siren.Post(e, "stick")
			}
		}
		faults = errors.Join(faults, err)
	}
	return faults
}

// roots takes newer roots from a stick; none is taken by a player that trusts nobody yet.
func (t taker) roots(ctx context.Context, tree *importer.Tree) error {
	chain, err := tree.Roots(ctx)
	if err != nil {
		return err
	}
	return t.store.Pin(chain)
}
