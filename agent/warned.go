package agent

import (
	"context"
	"errors"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/siren"
	"vitrine/cloud/api"
	"vitrine/usb/importer"
	"vitrine/usb/udisks"
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
	_, parcels := taker{a}.parcels(ctx, tree)
	err = errors.Join(err, parcels)
	if tree.Index().Manifest != "" {
		var bundled error
		p, changed, bundled = a.take(ctx, stickOrigin{tree}, "import", progress)
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

// refused says on the screen why nothing is taken from a stick.
func (t taker) refused(_ udisks.Stick, err error) { t.notice(t.refusal(err)) }

// refusal is why a stick, or a warning on it, was refused, for a technician before the screen.
func (a *Agent) refusal(err error) string {
	w := words{[]string{"USB: " + err.Error()}, []string{"USB : " + err.Error()}}
	switch own, is := parcelRefusal(err); {
	case is:
		w = own
	case errors.Is(err, importer.ErrPlain), errors.Is(err, siren.ErrPlain):
		w = words{[]string{"USB: this warning is not signed, so anybody could have written it. Use: vitrine alert send FILE --stick"},
			[]string{"USB : cette alerte n’est pas signée, n’importe qui a pu l’écrire. Utilisez : vitrine alert send FICHIER --stick"}}
	case errors.Is(err, siren.ErrNobody):
		w = words{[]string{"USB: this player trusts no publisher yet; claim it or import a bundle first"},
			[]string{"USB : ce lecteur ne connaît encore aucun éditeur ; enregistrez-le ou importez du contenu d’abord"}}
	case errors.Is(err, bundle.ErrExpired):
		w = words{[]string{"USB: the time of the warning on this stick is over; send it anew"},
			[]string{"USB : l’alerte de cette clé a expiré ; envoyez-la de nouveau"}}
	case errors.Is(err, bundle.ErrUnsigned):
		w = words{[]string{"USB: the warning on this stick is not signed by this player’s publisher"},
			[]string{"USB : l’alerte de cette clé n’est pas signée par l’éditeur de ce lecteur"}}
	}
	live, _ := a.store.Live()
	return w.in(firstOf(live.Settings.Locale, a.cfg.Lang))[0]
}
