package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/mailroom"
	"vitrine/agent/update"
	"vitrine/usb/importer"
)

// parcels takes what a stick carries beside a bundle and warnings: said is what there was for this player, in a technician's
// words, "" = nothing. What is refused holds nothing else up.
func (t taker) parcels(ctx context.Context, tree *importer.Tree) (said string, err error) {
	names := tree.Parcels()
	if len(names) == 0 {
		return "", nil
	}
	if t.mail == nil {
		return "", errNoVault
	}
	taken, others := 0, 0
	var faults []error
	for _, name := range names {
		fresh, fault := t.parcel(ctx, tree, name)
		switch {
		case errors.Is(fault, importer.ErrGone), ctx.Err() != nil:
			return "", fault
		case errors.Is(fault, mailroom.ErrNotForHere):
			others++
		case fault != nil:
			faults = append(faults, fault)
		case fresh:
			taken++
		}
	}
	if others == len(names) {
		faults = append(faults, mailroom.ErrNotForHere)
	}
	if err := t.handOver(ctx, tree); err != nil {
		faults = append(faults, err)
	}
	if taken > 0 {
		said = words{[]string{fmt.Sprintf("USB: %d parcels taken", taken)}, []string{fmt.Sprintf("USB : %d envois pris en compte", taken)}}.in(t.langNow())[0]
	}
	return said, errors.Join(faults...)
}

// parcel takes one, with newer roots from the stick if it needs them.
func (t taker) parcel(ctx context.Context, tree *importer.Tree, name string) (fresh bool, err error) {
	b, err := tree.File(ctx, "parcels/"+name, parcel.Max)
	if err != nil {
		return false, fmt.Errorf("read the parcel %s: %w", name, err)
	}
	fresh, err = t.mail.Take(ctx, b, "stick", stickOrigin{tree})
	var newer *bundle.NewRootError
	if errors.As(err, &newer) { // the stick may carry the keys too
		if err := t.roots(ctx, tree); err != nil {
			return false, err
		}
		fresh, err = t.mail.Take(ctx, b, "stick", stickOrigin{tree})
	}
	return fresh, err
}

// parcelRefusal is why a stick's parcel was refused, for a technician before the screen; false = it has no words of its own.
func parcelRefusal(err error) (words, bool) {
	switch {
	case !strings.Contains(err.Error(), "parcel") && !errors.Is(err, mailroom.ErrNotForHere):
		return words{}, false
	case errors.Is(err, mailroom.ErrNobody):
		return words{[]string{"USB: this player trusts no publisher yet; claim it or import a bundle first"},
			[]string{"USB : ce lecteur ne connaît encore aucun éditeur ; enregistrez-le ou importez du contenu d’abord"}}, true
	case errors.Is(err, bundle.ErrUnsigned):
		return words{[]string{"USB: a parcel on this stick is not signed by who may sign it"},
			[]string{"USB : un envoi de cette clé n’est pas signé par qui en a le droit"}}, true
	case errors.Is(err, mailroom.ErrOlder):
		return words{[]string{"USB: this stick is older than what the player has had"}, []string{"USB : cette clé est plus ancienne que ce que le lecteur a déjà reçu"}}, true
	case errors.Is(err, bundle.ErrExpired):
		return words{[]string{"USB: the time of this stick’s parcel is over; make it anew"}, []string{"USB : l’envoi de cette clé a expiré ; refaites-le"}}, true
	case errors.Is(err, update.ErrOlder):
		return words{[]string{"USB: the update is older than what runs here"}, []string{"USB : la mise à jour est plus ancienne que la version en place"}}, true
	case errors.Is(err, update.ErrSpace):
		return words{[]string{"USB: the disk has no room for the update"}, []string{"USB : le disque n’a pas la place pour la mise à jour"}}, true
	case errors.Is(err, mailroom.ErrNotForHere):
		return words{[]string{"USB: this stick is for other players"}, []string{"USB : cette clé est destinée à d’autres lecteurs"}}, true
	}
	return words{[]string{"USB: " + err.Error()}, []string{"USB : " + err.Error()}}, true
}
