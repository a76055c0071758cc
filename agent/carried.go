package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/mailroom"
	"vitrine/agent/update"
	"vitrine/usb/importer"
)

// parcelError is about a stick's parcel, not about what else is on it.
type parcelError struct{ error }

func (e *parcelError) Unwrap() error { return e.error }

// parcels takes what a stick carries beside a bundle and warnings. What is refused holds nothing else up.
func (t taker) parcels(ctx context.Context, tree *importer.Tree) error {
	names := tree.Parcels()
	t.exported.Store(nil)
	if len(names) == 0 {
		return nil
	}
	if t.mail == nil {
		return &parcelError{errNoVault}
	}
	others := 0
	var faults []error
	right, older := map[string]bool{}, map[string]error{} // by subject
	for _, name := range names {
		took, fault := t.parcel(ctx, tree, name)
		switch {
		case errors.Is(fault, importer.ErrGone), ctx.Err() != nil:
			return fault
		case errors.Is(fault, bundle.ErrNotForHere):
			others++
		case errors.Is(fault, mailroom.ErrOlder):
			older[took.Subject] = &parcelError{fault}
		case fault != nil:
			faults = append(faults, &parcelError{fault})
		default:
			right[took.Subject] = true
		}
	}
	for subject, fault := range older { // one that another on the same stick has replaced is no fault
		if !right[subject] {
			faults = append(faults, fault)
		}
	}
	if i := tree.Index(); others == len(names) && i.Manifest == "" && len(i.Warnings) == 0 {
		faults = append(faults, &parcelError{bundle.ErrNotForHere})
	}
	if err := t.handOver(ctx, tree); err != nil {
		faults = append(faults, &parcelError{err})
	}
	return errors.Join(faults...)
}

// parcel takes one, with newer roots from the stick if it needs them.
func (t taker) parcel(ctx context.Context, tree *importer.Tree, name string) (took mailroom.Took, err error) {
	b, err := tree.File(ctx, "parcels/"+name, parcel.Max)
	if err != nil {
		return took, fmt.Errorf("read the parcel %s: %w", name, err)
	}
	took, err = t.mail.Take(ctx, b, "stick", beside{tree})
	var newer *bundle.NewRootError
	if errors.As(err, &newer) { // the stick may carry the keys too
		if err := t.roots(ctx, tree); err != nil {
			return took, err
		}
		took, err = t.mail.Take(ctx, b, "stick", beside{tree})
	}
	return took, err
}

// beside is what lies beside parcels on a stick.
type beside struct{ *importer.Tree }

// Blob implements mailroom.Blobs.
func (b beside) Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	return b.Tree.Blob(ctx, string(d), from)
}

// parcelRefusal is why a stick's parcel was refused, for whoever has plugged it in.
func parcelRefusal(err error) words {
	say := func(en, enMore, fr, frMore string) words { return words{[]string{en, enMore}, []string{fr, frMore}} }
	switch {
	case errors.Is(err, mailroom.ErrNobody):
		return say("USB: this player trusts no publisher yet", "Claim it or import a bundle first", "USB : ce lecteur ne connaît encore aucun éditeur", "Enregistrez-le ou importez du contenu d’abord")
	case errors.Is(err, bundle.ErrUnsigned):
		return say("USB: what this stick brings is not signed by who may sign it", "Make it again, with the right keys",
			"USB : ce qu’apporte cette clé n’est pas signé par qui en a le droit", "Refaites-le, avec les bonnes clés de signature")
	case errors.Is(err, mailroom.ErrOlder):
		return say("USB: what this stick brings is older than what is here", "Make it anew", "USB : ce qu’apporte cette clé est plus ancien que ce qui est en place", "Refaites-le")
	case errors.Is(err, bundle.ErrExpired):
		return say("USB: the time of what this stick brings is over", "Make it anew", "USB : la période de ce qu’apporte cette clé est passée", "Refaites-le")
	case errors.Is(err, update.ErrOlder):
		return say("USB: the update is older than the version here", "Going back must be signed as such: vitrine update --downgrade",
			"USB : la mise à jour est plus ancienne que la version en place", "Un retour en arrière se signe : vitrine update --downgrade")
	case errors.Is(err, update.ErrSpace):
		return say("USB: the disk has no room for the update", "Make room on it", "USB : le disque n’a pas la place pour la mise à jour", "Libérez de la place")
	case errors.Is(err, bundle.ErrNotForHere):
		return say("USB: nothing on this stick is for this player", "It is meant for other players or groups", "USB : rien sur cette clé n’est pour ce lecteur", "Elle est destinée à d’autres lecteurs ou groupes")
	}
	return words{[]string{"USB: " + err.Error()}, []string{"USB : " + err.Error()}}
}
