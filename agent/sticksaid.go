package agent

import (
	"errors"
	"fmt"

	"vitrine/agent/bundle"
	"vitrine/agent/siren"
	"vitrine/agent/store"
	"vitrine/usb/importer"
	"vitrine/usb/seal"
	"vitrine/usb/udisks"
)

// outcome is how an import ended, as a state and as a title and a line for whoever has plugged the stick in.
func (a *Agent) outcome(stick udisks.Stick, err error) (state string, w words) {
	a.sticks.mu.Lock()
	taken := a.sticks.taken
	a.sticks.mu.Unlock()
	switch {
	case errors.Is(err, importer.ErrGone):
		return "gone", words{[]string{"USB: the stick was pulled out too early", "Plug it in again: it goes on where it stopped"},
			[]string{"USB : la clé a été retirée trop tôt", "Rebranchez-la : l’import reprend où il s’est arrêté"}}
	case err != nil:
		return "refused", a.stickRefusal(err)
	case taken == nil && a.exported.Load() != nil:
		return "taken", exportDone(*a.exported.Load())
	case taken == nil:
		return "taken", words{[]string{"USB: taken", "The stick can be removed"}, []string{"USB : c’est fait", "Vous pouvez retirer la clé"}}
	case !taken.Changed:
		return "same", words{[]string{"USB: this content is here already", "The stick can be removed"}, []string{"USB : ce contenu est déjà là", "Vous pouvez retirer la clé"}}
	}
	m := taken.Manifest
	return "taken", words{[]string{fmt.Sprintf("USB: %s, version %d, is here", m.Stream, m.Seq), "The stick can be removed"},
		[]string{fmt.Sprintf("USB : %s, version %d, est en place", m.Stream, m.Seq), "Vous pouvez retirer la clé"}}
}

// stickRefusal is why nothing, or not everything, is taken from a stick. What is on the screen stays in every case.
func (a *Agent) stickRefusal(err error) words {
	var older *olderError
	var wrong *bundle.SegmentError
	var space *store.SpaceError
	var content *bundleError
	say := func(en, enMore, fr, frMore string) words { return words{[]string{en, enMore}, []string{fr, frMore}} }
	switch {
	case errors.Is(err, importer.ErrHalf):
		return say("USB: this stick is only half written", "Write it again to its end: vitrine usb write",
			"USB : cette clé n’est écrite qu’à moitié", "Écrivez-la de nouveau jusqu’au bout : vitrine usb write")
	case errors.Is(err, seal.ErrShut):
		return say("USB: this stick is encrypted, and not for this player", "Write it with this player’s key, which vitrine-player status shows",
			"USB : cette clé est chiffrée, et pas pour ce lecteur", "Écrivez-la avec la clé de ce lecteur, que montre vitrine-player status")
	case errors.Is(err, errForeign):
		return say("USB: this stick is for another site", "It comes from a publisher that this player does not know",
			"USB : cette clé est pour un autre site", "Son éditeur n’est pas connu de ce lecteur")
	case errors.As(err, &older):
		return say("USB: this stick is older than what is here", fmt.Sprintf("It has version %d, this player has had version %d", older.seq, older.have),
			"USB : cette clé est plus ancienne que le contenu en place", fmt.Sprintf("Elle porte la version %d, ce lecteur a eu la version %d", older.seq, older.have))
	case errors.Is(err, bundle.ErrNotForHere):
		return say("USB: nothing on this stick is for this player", "It is meant for other players or groups",
			"USB : rien sur cette clé n’est pour ce lecteur", "Elle est destinée à d’autres lecteurs ou groupes")
	case errors.Is(err, bundle.ErrNotYet):
		return say("USB: it is too early for this stick", "Plug it in again when its time has begun",
			"USB : il est trop tôt pour cette clé", "Rebranchez-la quand sa période aura commencé")
	case errors.Is(err, bundle.ErrExpired) && errors.As(err, &content):
		return say("USB: the time of this stick is over", "Ask for a new one", "USB : la période de cette clé est passée", "Demandez-en une nouvelle")
	case errors.As(err, &wrong), errors.Is(err, importer.ErrDamaged):
		return say("USB: a file on this stick is damaged", "Write it again, or use another stick", "USB : un fichier de cette clé est abîmé", "Écrivez-la de nouveau, ou prenez une autre clé")
	case errors.Is(err, importer.ErrMissing):
		return say("USB: a file is missing on this stick", "Write it again to its end", "USB : il manque un fichier sur cette clé", "Écrivez-la de nouveau jusqu’au bout")
	case errors.As(err, &space):
		return say("USB: there is not enough room on this player", fmt.Sprintf("%d MiB are free, %d MiB are needed", space.Free>>20, space.Need>>20),
			"USB : il n’y a pas assez de place sur ce lecteur", fmt.Sprintf("%d Mio sont libres, il en faut %d", space.Free>>20, space.Need>>20))
	case errors.Is(err, store.ErrNotPinned), errors.Is(err, siren.ErrNobody):
		return say("USB: this player trusts no publisher yet", "Claim it, or import a bundle with vitrine-player import --trust",
			"USB : ce lecteur ne connaît encore aucun éditeur", "Enregistrez-le, ou importez avec vitrine-player import --trust")
	case errors.Is(err, errOtherTicket):
		return say("USB: the ticket on this stick is for another bundle", "Write the stick again", "USB : le ticket de cette clé est pour un autre contenu", "Écrivez la clé de nouveau")
	case errors.Is(err, bundle.ErrRevoked) && errors.As(err, &content):
		return say("USB: this stick was signed with a key that has been revoked since", "Build the content again with the new key, and write the stick anew",
			"USB : cette clé USB a été signée avec une clé révoquée depuis", "Construisez de nouveau le contenu avec la nouvelle clé, et réécrivez la clé USB")
	case errors.Is(err, bundle.ErrUnsigned) && errors.As(err, &content):
		return say("USB: the content of this stick is not signed by this player’s publisher", "Write the stick again, with the right keys",
			"USB : le contenu de cette clé n’est pas signé par l’éditeur de ce lecteur", "Écrivez la clé de nouveau, avec les bonnes clés de signature")
	}
	return besideRefusal(err)
}

// besideRefusal is why what lies beside a bundle is not taken.
func besideRefusal(err error) words {
	var p *parcelError
	switch {
	case errors.As(err, &p):
		return parcelRefusal(p)
	case errors.Is(err, importer.ErrPlain), errors.Is(err, siren.ErrPlain):
		return words{[]string{"USB: this warning is not signed, so anybody could have written it", "Use: vitrine alert send FILE --stick"},
			[]string{"USB : cette alerte n’est pas signée, n’importe qui a pu l’écrire", "Utilisez : vitrine alert send FICHIER --stick"}}
	case errors.Is(err, bundle.ErrExpired):
		return words{[]string{"USB: the time of the warning on this stick is over", "Send it anew"}, []string{"USB : l’alerte de cette clé a expiré", "Envoyez-la de nouveau"}}
	case errors.Is(err, bundle.ErrUnsigned):
		return words{[]string{"USB: the warning on this stick is not signed by this player’s publisher"}, []string{"USB : l’alerte de cette clé n’est pas signée par l’éditeur de ce lecteur"}}
	}
	return words{[]string{"USB: " + err.Error()}, []string{"USB : " + err.Error()}}
}
