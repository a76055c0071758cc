package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
)

const (
	playersFile  = "players.json" // in the folder of keys: which key each player had when secrets were first sealed for it
	maxSecretIn  = 256 << 10
	maxPlayersIn = 64 << 20
)

func runSecret(ctx context.Context, c *call) error {
	return c.among(ctx, []verb{
		{"send", "NAME --for PLAYER --host HOST", "seal a secret for players and hand it to the relay, which cannot read it, or with --stick to a stick",
			"vitrine secret send smb-canteen --for abcd1234efgh --host files.example.lan --user screen", sendSecret},
		{"seal", "NAME --recipient age1… -o FILE", "seal a secret into a file, without a relay",
			"vitrine secret seal smb-canteen --players players.jsonl --host files.example.lan --user screen -o smb.parcel", sendSecret},
		{"remove", "NAME --for PLAYER", "take a secret away from players", "vitrine secret remove smb-canteen --for abcd1234efgh", sendSecret},
	})
}

// sealing is for whom a secret is sealed, and what it is.
type sealing struct {
	*posting
	meant      list // players, by id or name
	file       string
	recipients list
	as         string
	secret     secret.Secret
}

func sendSecret(ctx context.Context, c *call) error {
	fs := c.flags()
	s := &sealing{posting: c.posting(fs)}
	var hosts list
	fs.Var(&s.meant, "for", "id or name of a player; may be repeated")
	fs.StringVar(&s.file, "players", "", "`FILE` in which to look for the players: what \"vitrine players --json\" or \"vitrine-player status --json\" writes; without it the relay is asked")
	fs.Var(&s.recipients, "recipient", "a player's key for secrets itself, age1…; may be repeated")
	fs.Var(&hosts, "host", "host or host:port that the secret may be sent to, and nowhere else; may be repeated")
	fs.StringVar(&s.secret.User, "user", "", "name to log in with")
	fs.StringVar(&s.secret.Domain, "domain", "", "Windows domain")
	fs.StringVar(&s.secret.Client, "client", "", "OAuth 2 client")
	fs.StringVar(&s.secret.Tenant, "tenant", "", "Microsoft Entra tenant")
	fs.StringVar(&s.as, "as", "password", "what is read from the terminal or standard input: password, token, key or json")
	name, err := c.one(fs, "name of a secret, as bundles name it")
	if err != nil {
		return err
	}
	s.secret.Hosts = hosts
	remove := strings.HasSuffix(c.verb.name, " remove")
	switch {
	case strings.HasSuffix(c.verb.name, " seal") && s.out == "" && s.stick == "":
		return usage("say where to: -o FILE or --stick DIR; \"vitrine secret send\" gives it to the relay")
	case len(s.players)+len(s.groups) > 0:
		return usage("a secret is sealed for each player by itself: name them with --for")
	}
	if err := secret.CheckName(name); err != nil {
		return err
	}
	to, err := s.to(ctx)
	if err != nil {
		return err
	}
	content := &s.secret
	if remove {
		content = nil
	} else if err := c.readSecret(content, s.as, name); err != nil {
		return err
	}
	return s.send(ctx, name, content, to)
}

// send seals for each player alone, signs all of it and hands it over.
func (s *sealing) send(ctx context.Context, name string, content *secret.Secret, to []string) error {
	trust, err := readChain(s.keys)
	if err != nil {
		return err
	}
	one := &parcel.Parcel{Secret: &parcel.Secret{Name: name}}
	if one.Serial, err = s.next(one.Subject(), time.Now()); err != nil {
		return err
	}
	for _, recipient := range to {
		box, err := secret.Seal(recipient, secret.Sealed{Publisher: string(trust.Fingerprint()), Name: name, Serial: one.Serial, Secret: content})
		if err != nil {
			return err
		}
		one.Secret.Boxes = append(one.Secret.Boxes, parcel.Box{To: recipient, Box: box})
	}
	return s.post(ctx, one)
}

// readSecret asks for what is secret: never from the command line, without an echo at a terminal.
func (c *call) readSecret(s *secret.Secret, as, name string) error {
	field := map[string]*string{"password": &s.Password, "token": &s.Token, "key": &s.Key}[as]
	if field == nil && as != "json" {
		return usage("--as %q is not password, token, key or json", as)
	}
	var b []byte
	var err error
	if f, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) && as != "key" && as != "json" {
		fmt.Fprintf(c.stderr, "%s for %s: ", as, name)
		b, err = term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.stderr)
	} else {
		b, err = io.ReadAll(io.LimitReader(c.stdin, maxSecretIn+1))
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the %s: %w", as, err)
	case len(b) > maxSecretIn:
		return fmt.Errorf("the %s is longer than %d KiB", as, maxSecretIn>>10)
	case as == "json":
		if json.Unmarshal(b, s) != nil {
			return errors.New("what was read is not a secret in JSON: {\"user\": …, \"password\": …, \"hosts\": […]}")
		}
		return s.Check()
	}
	if as != "key" {
		b = bytes.TrimRight(b, "\r\n")
	}
	*field = string(b)
	if len(b) == 0 {
		return fmt.Errorf("the %s is empty", as)
	}
	return s.Check()
}

// sealedPlayer is what is known of a player, from the relay, its status or a file of either.
type sealedPlayer struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Public []byte    `json:"public"`
	Seal   *api.Seal `json:"seal"`
	Last   *struct {
		Seal *api.Seal `json:"seal"`
	} `json:"last"`
}

// to is the recipients of the players that are meant. A relay or a file that gives another recipient than the player's own key
// has signed is found out, and so is one that gives another key than when secrets were first sealed for that player.
func (s *sealing) to(ctx context.Context) ([]string, error) {
	out := []string(s.recipients)
	for _, r := range out {
		if err := secret.Recipient(r); err != nil {
			return nil, err
		}
	}
	if len(s.meant) == 0 && s.file == "" {
		if len(out) == 0 {
			return nil, usage("say for which players: --for ID, --players FILE or --recipient age1…")
		}
		return out, nil
	}
	all, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	met, err := readMet(s.keys)
	if err != nil {
		return nil, err
	}
	for _, meant := range s.chosen(all) {
		p, ok := find(all, meant)
		if !ok {
			return nil, fmt.Errorf("no player is called %q: vitrine players lists them", printable(meant))
		}
		r, err := s.recipient(p, met)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, met.write(s.keys)
}

// chosen are the players that are meant; a file without --for means all in it.
func (s *sealing) chosen(all []sealedPlayer) []string {
	if len(s.meant) > 0 {
		return s.meant
	}
	var ids []string
	for _, p := range all {
		ids = append(ids, p.ID)
	}
	return ids
}

func find(all []sealedPlayer, meant string) (sealedPlayer, bool) {
	for _, p := range all {
		if p.ID == meant || p.Name == meant || p.ID == "" && meant == "" {
			return p, true
		}
	}
	return sealedPlayer{}, false
}

func (s *sealing) recipient(p sealedPlayer, met met) (string, error) {
	seal := p.Seal
	if seal == nil && p.Last != nil {
		seal = p.Last.Seal
	}
	who := printable(cmpName(p))
	switch {
	case seal == nil:
		return "", fmt.Errorf("%s has not told a key for secrets yet: it must have reported once, with a version that does; or give --recipient", who)
	case !seal.SignedBy(p.Public):
		return "", fmt.Errorf("the key for secrets of %s is not signed by the player: somebody in between wants to read them; nothing was sealed", who)
	}
	was, had := met[p.ID]
	switch {
	case had && !bytes.Equal(was, p.Public):
		return "", fmt.Errorf("%s has another key than when a secret was first sealed for it, its words are now %q: if it was set up anew compare them with vitrine-player status and take its line out of %s",
			who, strings.Join(bundle.Words(p.Public), " "), filepath.Join(s.keys, playersFile))
	case !had:
		fmt.Fprintf(s.call.stderr, "first secret for %s, whose words are: %s (vitrine-player status shows the same)\n", who, strings.Join(bundle.Words(p.Public), " "))
		if p.ID != "" {
			met[p.ID] = p.Public
		}
	}
	return seal.Recipient, nil
}

func cmpName(p sealedPlayer) string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

// known lists players: those of the file, else the relay's.
func (s *sealing) known(ctx context.Context) (all []sealedPlayer, err error) {
	if s.file != "" {
		b, err := readBounded(s.file, maxPlayersIn)
		if err != nil {
			return nil, fmt.Errorf("read the players: %w", err)
		}
		d := json.NewDecoder(bufio.NewReader(bytes.NewReader(b)))
		for d.More() {
			var p sealedPlayer
			if err := d.Decode(&p); err != nil {
				return nil, fmt.Errorf("%s is not what \"vitrine players --json\" or \"vitrine-player status --json\" writes: %w", s.file, err)
			}
			all = append(all, p)
		}
		return all, nil
	}
	client, err := s.relay.client(s.call)
	if err != nil {
		return nil, err
	}
	for cursor := ""; ; {
		page, err := client.Players(ctx, cursor)
		if err != nil {
			return nil, fmt.Errorf("ask the relay for its players: %w", err)
		}
		for _, p := range page.Items {
			one := sealedPlayer{ID: p.ID, Name: p.Name, Public: p.Public}
			if p.Last != nil {
				one.Seal = p.Last.Seal
			}
			all = append(all, one)
		}
		if page.Next == "" || page.Next == cursor {
			return all, nil
		}
		cursor = page.Next
	}
}

// met is which key each player had when it was first met.
type met map[string][]byte

func readMet(keys string) (met, error) {
	m := met{}
	b, err := readBounded(filepath.Join(keys, playersFile), maxPlayersIn)
	if errors.Is(err, os.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fmt.Errorf("read which players are known: %w", err)
	}
	return m, nil
}

func (m met) write(keys string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return bundle.WriteAtomically(filepath.Join(keys, playersFile), append(b, '\n'))
}

// meet remembers a player whose words a person has just compared.
func meet(keys, id string, public []byte) error {
	m, err := readMet(keys)
	if err != nil {
		return err
	}
	m[id] = public
	return m.write(keys)
}
