package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
)

// tongue is a language in which keys are spoken of: "fr", else English.
type tongue string

// say fills in the sentence of the tongue.
func (l tongue) say(en, fr string, args ...any) string {
	if l == "fr" {
		return fmt.Sprintf(fr, args...)
	}
	return fmt.Sprintf(en, args...)
}

func fourWords(s []string) string { return strings.Join(s, " ") }

// enough is how many names a sentence lists.
const enough = 12

// role is what somebody with a role may do.
func (l tongue) role(role string) string {
	switch role {
	case bundle.RoleRoot:
		return l.say("change keys", "changer les clés")
	case bundle.RolePublisher:
		return l.say("publish bundles and sticks", "publier des contenus et des clés USB")
	case bundle.RoleWarning:
		return l.say("send public warnings", "envoyer des alertes à la population")
	case bundle.RoleRelay:
		return l.say("say which bundle is the newest", "dire quel contenu est le plus récent")
	}
	return l.say("do what this program does not know (%q)", "faire ce que ce programme ne connaît pas (%q)", role)
}

// instant is a day and a time of day, UTC.
func (w words) instant(t time.Time) string {
	return w.date(t.UTC()) + ", " + t.UTC().Format("15:04") + " UTC"
}

// roleOrder lists a root's roles, those that matter most first.
func roleOrder(r *bundle.Root) []string {
	order := []string{bundle.RoleRoot, bundle.RolePublisher, bundle.RoleWarning, bundle.RoleRelay}
	roles := slices.Sorted(maps.Keys(r.Roles))
	slices.SortStableFunc(roles, func(a, b string) int { return place(order, a) - place(order, b) })
	return roles
}

func place(order []string, s string) int {
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

func holds(r *bundle.Root, role, id string) bool { return slices.Contains(r.Roles[role].Keys, id) }

func rolesOf(r *bundle.Root, id string) (roles []string) {
	for _, role := range roleOrder(r) {
		if holds(r, role, id) {
			roles = append(roles, role)
		}
	}
	return roles
}

// quorum is "2 of 3: Alice, Bob, Carol".
func (l tongue) quorum(r *bundle.Root, role string) string {
	who := r.Roles[role]
	var names []string
	for _, id := range who.Keys {
		names = append(names, label(r.Keys[id].Name, id))
	}
	return l.say("%d of %d: %s", "%d sur %d : %s", who.Threshold, len(who.Keys), strings.Join(names, ", "))
}

// label is a key's name, or the beginning of its id.
func label(name, id string) string {
	if name == "" {
		return id[:min(12, len(id))]
	}
	return printable(name)
}

func labels(named []bundle.Named) string {
	var out []string
	for _, n := range named {
		out = append(out, label(n.Name, n.ID))
	}
	return strings.Join(out, ", ")
}

// draft says what is to be signed.
func (w words) draft(d *bundle.Draft) []string {
	l := tongue(w.Lang)
	var lines []string
	switch {
	case d.Root != nil:
		lines = w.draftRoot(d)
	case d.Manifest != nil:
		lines = w.draftManifest(d.Manifest)
	default:
		lines = w.draftTicket(d.Ticket)
	}
	if d.Before != nil {
		lines = append(lines, l.say("The chain of keys begins with the root \"%s\".", "La chaîne de clés commence par la racine « %s ».", fourWords(bundle.Words(d.Before.Chain()[0]))))
	}
	return append(lines, l.say("Whoever signs the same sees the same four words: %s", "Qui signe la même chose voit les mêmes quatre mots : %s", fourWords(d.Words())))
}

func (w words) draftRoot(d *bundle.Draft) []string {
	l, r := tongue(w.Lang), d.Root
	before := &bundle.Root{}
	if d.Before != nil {
		before = d.Before.Root()
	}
	lines := []string{l.say("Root %d of %s, made on %s", "Racine %d de %s, établie le %s", r.Version, r.Customer, w.instant(r.Issued))}
	if r.Note != "" {
		lines = append(lines, l.say("  why: %s", "  motif : %s", printable(r.Note)))
	}
	for _, ch := range bundle.Differences(before, r) {
		lines = append(lines, "  "+w.change(before, r, ch))
	}
	if !r.Expires.Equal(before.Expires) {
		lines = append(lines, "  "+l.until(w, r.Expires))
	}
	lines = append(lines, l.say("From then on:", "Dès lors :"))
	for _, role := range roleOrder(r) {
		lines = append(lines, l.say("  may %s: %s", "  peuvent %s : %s", l.role(role), l.quorum(r, role)))
	}
	return lines
}

func (l tongue) until(w words, t time.Time) string {
	if t.IsZero() {
		return l.say("no end is set", "aucune échéance n’est fixée")
	}
	return l.say("to be renewed by %s", "à renouveler avant le %s", w.instant(t))
}

// change says what one difference means.
func (w words) change(before, next *bundle.Root, ch bundle.Change) string {
	l := tongue(w.Lang)
	switch ch.What {
	case bundle.Added:
		return l.say("NEW      %s (%s) may %s", "NOUVEAU  %s (%s) peut %s", label(ch.Key.Name, ch.Key.ID), fourWords(bundle.Words(next.Keys[ch.Key.ID].Public)), l.role(ch.Role))
	case bundle.Removed:
		more := ""
		if ch.Role == bundle.RolePublisher {
			more = l.say("; players refuse what it alone has signed, and count serials anew", " ; les lecteurs refusent ce qu’elle seule a signé et recommencent à compter les numéros")
		}
		return l.say("REVOKED  %s (%s) may no longer %s%s", "RÉVOQUÉ  %s (%s) ne peut plus %s%s",
			label(ch.Key.Name, ch.Key.ID), fourWords(bundle.Words(before.Keys[ch.Key.ID].Public)), l.role(ch.Role), more)
	}
	if ch.From == 0 {
		return l.say("%d must sign together to %s", "%d doivent signer ensemble pour %s", ch.To, l.role(ch.Role))
	}
	return l.say("%d instead of %d must sign together to %s", "%d au lieu de %d doivent signer ensemble pour %s", ch.To, ch.From, l.role(ch.Role))
}

func (w words) draftManifest(m *bundle.Manifest) []string {
	l := tongue(w.Lang)
	lines := []string{
		l.say("Bundle %s of %s, serial %d, under root %d, made on %s", "Contenu %s de %s, numéro %d, sous la racine %d, établi le %s", m.Stream, m.Customer, m.Seq, m.Root, w.instant(m.Issued)),
		l.say("  %d scenes: %s", "  %d scènes : %s", len(m.Scenes), first(slices.Sorted(maps.Keys(m.Scenes)))),
		l.say("  %d files, %s", "  %d fichiers, %s", len(m.Files), bytesText(m.Size())),
		l.say("  %d events", "  %d événements", len(m.Schedule.Events))}
	if m.Targets != nil {
		lines = append(lines, l.say("  for players %s and groups %s", "  pour les lecteurs %s et les groupes %s", first(m.Targets.Players), first(m.Targets.Groups)))
	} else {
		lines = append(lines, l.say("  for every player", "  pour tous les lecteurs"))
	}
	for _, s := range slices.Sorted(maps.Keys(m.Sources)) {
		at := m.Sources[s].Location
		lines = append(lines, l.say("  reads %s: %s%s", "  lit %s : %s%s", printable(s), printable(at.URL), printable(at.Path)))
	}
	return lines
}

func (w words) draftTicket(k *bundle.Ticket) []string {
	l := tongue(w.Lang)
	lines := []string{l.say("Ticket of %s for a stick, made on %s", "Ticket de %s pour une clé USB, établi le %s", k.Customer, w.instant(k.Issued))}
	if len(k.Players)+len(k.Groups) == 0 {
		lines = append(lines, l.say("  for every player", "  pour tous les lecteurs"))
	} else {
		lines = append(lines, l.say("  for players %s and groups %s", "  pour les lecteurs %s et les groupes %s", first(k.Players), first(k.Groups)))
	}
	if !k.NotBefore.IsZero() {
		lines = append(lines, l.say("  not before %s", "  pas avant le %s", w.instant(k.NotBefore)))
	}
	if !k.NotAfter.IsZero() {
		lines = append(lines, l.say("  not after %s", "  pas après le %s", w.instant(k.NotAfter)))
	}
	if k.Manifest != "" {
		lines = append(lines, l.say("  bundle %s", "  contenu %s", k.Manifest.Short()))
	}
	for _, path := range slices.Sorted(maps.Keys(k.Extras)) {
		lines = append(lines, l.say("  with %s", "  avec %s", path))
	}
	if k.Note != "" {
		lines = append(lines, l.say("  note: %s", "  note : %s", printable(k.Note)))
	}
	return lines
}

// first lists some names, and how many more there are.
func first(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	text := printable(strings.Join(names[:min(enough, len(names))], ", "))
	if len(names) > enough {
		text += fmt.Sprintf(" … (+%d)", len(names)-enough)
	}
	return text
}

// lacks says who has signed a draft and who still must.
func (w words) lacks(d *bundle.Draft) []string {
	l := tongue(w.Lang)
	signed := labels(d.Signed())
	if signed == "" {
		signed = l.say("nobody yet", "personne encore")
	}
	lines := []string{l.say("signed by: %s", "signé par : %s", signed)}
	lacks := d.Lacks()
	if len(lacks) == 0 {
		return append(lines, l.say("that is enough", "cela suffit"))
	}
	for _, k := range lacks {
		lines = append(lines, l.say("still needed: %d more of those who may %s by root %d: %s", "il manque : %d de plus parmi ceux qui peuvent %s selon la racine %d : %s",
			k.Need-k.Have, l.role(k.Role), k.Version, labels(k.Could)))
	}
	return lines
}

// ring says which keys are here.
func (w words) ring(s ringState) []string {
	l := tongue(w.Lang)
	lines := []string{l.say("%s, root 1 waits for signatures", "%s, la racine 1 attend des signatures", s.Customer)}
	if s.Version > 0 {
		lines = []string{l.say("%s, root %d; players pin root 1: %s", "%s, racine %d ; les lecteurs retiennent la racine 1 : %s", s.Customer, s.Version, fourWords(s.Words))}
	}
	if len(s.Keys) == 0 {
		lines = append(lines, l.say("  no private key is here", "  aucune clé privée n’est ici"))
	}
	for _, k := range s.Keys {
		var may []string
		for _, role := range k.Roles {
			may = append(may, l.role(role))
		}
		does := strings.Join(may, ", ")
		if does == "" {
			does = l.say("nothing any more, or not yet", "rien, plus ou pas encore")
		}
		lock := ""
		if k.Where != "ssh-agent" && !k.Locked {
			lock = l.say(", without a passphrase", ", sans phrase secrète")
		}
		lines = append(lines, l.say("  %s (%s) may %s; in %s%s", "  %s (%s) peut %s ; dans %s%s", label(k.Name, k.ID), fourWords(k.Words), does, k.Where, lock))
	}
	return lines
}
