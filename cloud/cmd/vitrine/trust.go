package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// trusted is what a key chain says, for machines.
type trusted struct {
	Customer    string        `json:"customer"`
	Fingerprint bundle.Digest `json:"fingerprint"` // of root 1, which players pin
	Words       []string      `json:"words"`
	Version     int           `json:"version"`
	Issued      time.Time     `json:"issued"`
	Expires     time.Time     `json:"expires,omitzero"`
	Expired     bool          `json:"expired,omitempty"`
	Roles       []trustedRole `json:"roles"`
	Revoked     []revocation  `json:"revoked"`
	History     []bundle.Step `json:"history"`
	Player      *trusting     `json:"player,omitempty"`
}

// trustedRole is who may do one thing.
type trustedRole struct {
	Role      string       `json:"role"`
	Threshold int          `json:"threshold"`
	Keys      []trustedKey `json:"keys"`
}

type trustedKey struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Words []string  `json:"words"`
	Root  int       `json:"root"` // version since which it has the role
	Since time.Time `json:"since"`
}

// revocation is a key that has lost a role.
type revocation struct {
	ID    string         `json:"id"`
	Name  string         `json:"name"`
	Words []string       `json:"words"`
	Role  string         `json:"role"`
	Root  int            `json:"root"` // version that took it away
	At    time.Time      `json:"at"`
	By    []bundle.Named `json:"by"`
	Why   string         `json:"why,omitempty"`
}

// trusting is how far a player follows.
type trusting struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Root   int    `json:"root"`   // newest that it has told of; 0 = it has told nothing
	Newest int    `json:"newest"` // of the relay
}

func runTrust(ctx context.Context, c *call) error {
	fs := c.flags()
	player := fs.String("player", "", "`ID` or name of a player: what it trusts, as far as it has told its relay")
	asJSON := fs.Bool("json", false, "write JSON")
	lang := fs.String("lang", "", "fr or en; that of the system when not given")
	relay := relayFlags(fs)
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	w, err := language(*lang)
	if err != nil {
		return err
	}
	var t *trusted
	switch {
	case *player != "" && len(args) == 0:
		t, err = trustOfPlayer(ctx, c, relay, *player)
	case *player == "" && len(args) <= 1:
		path := keyDir()
		if len(args) == 1 {
			path = args[0]
		}
		t, err = trustOfPath(path)
	default:
		return usage("give one bundle or folder, or --player ID")
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c.stdout, t)
	}
	for _, line := range w.trust(t) {
		fmt.Fprintln(c.stdout, line)
	}
	return nil
}

// trustOfPath reads the chain of a bundle, of a folder of keys, or of a stick.
func trustOfPath(path string) (*trusted, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		for _, dir := range []string{path, filepath.Join(path, "vitrine")} {
			if _, err := os.Stat(filepath.Join(dir, bundle.RootPath(1))); err == nil {
				chain, err := readChain(dir)
				if err != nil {
					return nil, err
				}
				return trustOf(chain), nil
			}
		}
		return nil, fmt.Errorf("%s has no %s: it is no folder of keys, no bundle and no stick", path, bundle.RootPath(1))
	}
	a, err := bundle.Open(path)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	chain, err := bundle.NewTrust(a.Roots())
	if err != nil {
		return nil, err
	}
	return trustOf(chain), nil
}

func trustOfPlayer(ctx context.Context, c *call, access *relayAccess, meant string) (*trusted, error) {
	client, err := access.client(c)
	if err != nil {
		return nil, err
	}
	p, err := findPlayer(ctx, client, meant)
	if err != nil {
		return nil, err
	}
	chain, err := client.Roots(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("ask the relay for its key chain: %w", err)
	}
	if len(chain) == 0 {
		return nil, errors.New("the relay has no root yet, and the player trusts nobody through it: push a bundle first")
	}
	follows := &trusting{ID: p.ID, Name: p.Name, Newest: len(chain)}
	if p.Last != nil {
		follows.Root = p.Last.Root
	}
	if n := follows.Root; n > 0 && n < len(chain) {
		chain = chain[:n]
	}
	trust, err := bundle.NewTrust(chain)
	if err != nil {
		return nil, fmt.Errorf("the relay's key chain: %w", err)
	}
	t := trustOf(trust)
	t.Player = follows
	return t, nil
}

// findPlayer is the player with an id, or the only one with a name.
func findPlayer(ctx context.Context, client *api.Client, meant string) (api.Player, error) {
	var found []api.Player
	for cursor := ""; ; {
		page, err := client.Players(ctx, cursor)
		if err != nil {
			return api.Player{}, fmt.Errorf("ask the relay for its players: %w", err)
		}
		for _, p := range page.Items {
			if p.ID == meant {
				return p, nil
			}
			if p.Name == meant {
				found = append(found, p)
			}
		}
		if page.Next == "" || page.Next == cursor {
			break
		}
		cursor = page.Next
	}
	if len(found) != 1 {
		return api.Player{}, fmt.Errorf("%s called %q: \"vitrine players\" lists them with their ids", count(len(found), "player"), meant)
	}
	return found[0], nil
}

// trustOf gathers what a chain says.
func trustOf(chain *bundle.Trust) *trusted {
	r, first := chain.Root(), chain.Chain()[0]
	t := &trusted{Customer: r.Customer, Fingerprint: chain.Fingerprint(), Words: bundle.Words(first), Version: r.Version, Issued: r.Issued,
		Expires: r.Expires, Expired: !r.Expires.IsZero() && time.Now().After(r.Expires), History: chain.History(), Revoked: []revocation{}}
	type held struct{ role, id string }
	since := map[held]bundle.Step{}
	for _, step := range t.History {
		for _, ch := range step.Changes {
			switch ch.What {
			case bundle.Added:
				since[held{ch.Role, ch.Key.ID}] = step
			case bundle.Removed:
				t.Revoked = append(t.Revoked, revocation{ID: ch.Key.ID, Name: ch.Key.Name, Role: ch.Role, Root: step.Version, At: step.Issued, By: step.Signed, Why: step.Note,
					Words: bundle.Words(chain.RootAt(step.Version - 1).Keys[ch.Key.ID].Public)})
			}
		}
	}
	for _, role := range roleOrder(r) {
		one := trustedRole{Role: role, Threshold: r.Roles[role].Threshold}
		for _, id := range r.Roles[role].Keys {
			from := since[held{role, id}]
			one.Keys = append(one.Keys, trustedKey{ID: id, Name: r.Keys[id].Name, Words: bundle.Words(r.Keys[id].Public), Root: from.Version, Since: from.Issued})
		}
		t.Roles = append(t.Roles, one)
	}
	return t
}

// trust says it in words.
func (w words) trust(t *trusted) []string {
	l := tongue(w.Lang)
	lines := []string{l.say("Screens of %s trust whom its root names. Root 1, which they pin: %s", "Les écrans de %s font confiance à qui sa racine désigne. Racine 1, qu’ils retiennent : %s", t.Customer, fourWords(t.Words))}
	if p := t.Player; p != nil {
		lines = append(lines, w.follows(p))
	}
	lines = append(lines, l.say("Root %d, made on %s; %s.", "Racine %d, établie le %s ; %s.", t.Version, w.instant(t.Issued), l.until(w, t.Expires)))
	if t.Expired {
		lines = append(lines, l.say("THAT TIME IS OVER: its keys go on to count, and players raise an alarm. vitrine key renew gives them another end.",
			"CE DÉLAI EST PASSÉ : ses clés comptent encore et les lecteurs donnent l’alarme. vitrine key renew fixe une autre échéance."))
	}
	named := map[string]bool{}
	for _, role := range t.Roles {
		named[role.Role] = true
		lines = append(lines, l.say("May %s: %d of %d together", "Peuvent %s : %d sur %d ensemble", l.role(role.Role), role.Threshold, len(role.Keys)))
		for _, k := range role.Keys {
			lines = append(lines, l.say("  %s (%s), since root %d of %s", "  %s (%s), depuis la racine %d du %s", label(k.Name, k.ID), fourWords(k.Words), k.Root, w.date(k.Since)))
		}
	}
	if !named[bundle.RoleWarning] {
		lines = append(lines, l.say("May send public warnings: whoever may publish.", "Peuvent envoyer des alertes à la population : ceux qui peuvent publier."))
	}
	if !named[bundle.RoleRelay] {
		lines = append(lines, l.say("May say which bundle is the newest: the relay at which a player was claimed.", "Peut dire quel contenu est le plus récent : le relais auprès duquel un lecteur a été enregistré."))
	}
	if len(t.Revoked) == 0 {
		return append(lines, l.say("No key was ever revoked.", "Aucune clé n’a jamais été révoquée."))
	}
	for _, r := range t.Revoked {
		why := ""
		if r.Why != "" {
			why = l.say(": %s", " : %s", printable(r.Why))
		}
		lines = append(lines, l.say("REVOKED: %s (%s) may no longer %s, since root %d of %s, signed by %s%s", "RÉVOQUÉE : %s (%s) ne peut plus %s, depuis la racine %d du %s, signée par %s%s",
			label(r.Name, r.ID), fourWords(r.Words), l.role(r.Role), r.Root, w.date(r.At), labels(r.By), why))
	}
	return lines
}

// follows says how far a player is.
func (w words) follows(p *trusting) string {
	l, name := tongue(w.Lang), label(p.Name, p.ID)
	switch {
	case p.Root == 0:
		return l.say("Player %s has not told which root it has; below is the relay's newest, %d.", "Le lecteur %s n’a pas dit quelle racine il a ; voici la plus récente du relais, %d.", name, p.Newest)
	case p.Root < p.Newest:
		return l.say("Player %s has root %d; the relay has %d, which the player takes with its next heartbeat.", "Le lecteur %s a la racine %d ; le relais a la %d, que le lecteur prendra à son prochain battement.", name, p.Root, p.Newest)
	case p.Root > p.Newest:
		return l.say("Player %s has root %d, the relay only %d: the relay was restored from a backup, or is not the player's own.", "Le lecteur %s a la racine %d, le relais seulement la %d : le relais a été restauré d’une sauvegarde, ou n’est pas le sien.", name, p.Root, p.Newest)
	}
	return l.say("Player %s has the newest root.", "Le lecteur %s a la racine la plus récente.", name)
}
