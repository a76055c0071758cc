package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// list is a flag that may be given several times, or once with commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

func runClaim(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	var groups, tags list
	name := fs.String("name", "", "name of the player, for people")
	fs.Var(&groups, "group", "group of the player, best first; may be given several times")
	fs.Var(&tags, "tag", "tag of the player; may be given several times")
	zone := fs.String("zone", "", "time zone of the place, such as Europe/Paris")
	words := fs.String("words", "", "the four words on the player's screen, instead of being asked")
	yes := fs.Bool("yes", false, "do not compare the words: whoever is on the way could take the player's place")
	keys := fs.String("keys", keyDir(), "folder with the key chain of the publisher that the player is to trust")
	asJSON := fs.Bool("json", false, "write the player as JSON")
	code, err := c.one(fs, "code, as the player's screen shows it")
	if err != nil {
		return err
	}
	if *name == "" {
		return usage("give the player a --name")
	}
	client, err := relay.client(c)
	if err != nil {
		return err
	}
	code = strings.ToUpper(strings.TrimSpace(code))
	waiting, err := client.Waiting(ctx, code)
	if err != nil {
		return fmt.Errorf("look for the waiting player: %w", err)
	}
	// The words are computed here from the key that the claim is about; what the relay says they are does not count.
	right := bundle.Words(waiting.Public)
	if err := c.compare(waiting, right, *words, *yes); err != nil {
		return err
	}
	claim := api.Claim{Name: *name, Groups: groups, Tags: tags, Zone: *zone}
	if trust, err := readChain(*keys); err == nil {
		claim.Root = string(trust.Fingerprint())
		fmt.Fprintf(c.stderr, "publisher: %s (the player will trust no other; vitrine-player status shows the same words)\n", strings.Join(bundle.Words(trust.Chain()[0]), " "))
	} else {
		fmt.Fprintf(c.stderr, "note: the player will trust the publisher that the relay names, for %v\n", err)
	}
	player, err := client.Claim(ctx, code, claim)
	if err != nil {
		return fmt.Errorf("claim the player: %w", err)
	}
	if err := meet(*keys, player.ID, waiting.Public); err != nil && claim.Root != "" {
		fmt.Fprintf(c.stderr, "note: the player's key is not remembered for its first secret: %v\n", err)
	}
	if *asJSON {
		return printJSON(c.stdout, player)
	}
	fmt.Fprintf(c.stdout, "claimed: %s is player %s\n", printable(player.Name), printable(player.ID))
	return nil
}

// compare makes sure that the waiting key is that of the screen somebody stands in front of.
func (c *call) compare(w api.Waiting, right []string, given string, yes bool) error {
	if given != "" {
		if !slices.Equal(strings.Fields(strings.ToLower(given)), right) {
			return fmt.Errorf("the waiting player's words are %q, not those of --words: this is another player, or somebody is in between; do not claim it", strings.Join(right, " "))
		}
		return nil
	}
	fmt.Fprintf(c.stderr, "waiting: %s, version %s, from %s\nwords:   %s\n", printable(w.Hostname), printable(w.Version), printable(w.From), strings.Join(right, " "))
	if yes {
		return nil
	}
	fmt.Fprint(c.stderr, "Does the player's screen show the same four words? [y/N] ")
	answer, err := bufio.NewReader(io.LimitReader(c.stdin, 100)).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); !slices.Contains([]string{"y", "yes", "o", "oui"}, answer) {
		return fmt.Errorf("not claimed: the words were not confirmed")
	}
	return nil
}
