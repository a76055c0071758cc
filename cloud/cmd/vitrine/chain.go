package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// maxFaults bounds what is told of a ledger in which everything is wrong.
const maxFaults = 100

// verdict is what a check of a player's plays has found. What is and what is not protected is said beside api.Gap.
type verdict struct {
	Player  string   `json:"player"`
	Name    string   `json:"name"`
	Words   []string `json:"words"` // of the player's key; its screen has shown the same
	Part    bool     `json:"part,omitempty"`
	Records uint64   `json:"records"`
	Plays   uint64   `json:"plays"`
	Chains  []*chain `json:"chains"`
	Notes   []string `json:"notes"`  // sentences: what one should know
	Faults  []string `json:"faults"` // sentences: what is wrong, and where
	More    int      `json:"more,omitempty"`
	Whole   bool     `json:"whole"` // no faults
}

// span is a run of records, both ends included.
type span struct{ from, to uint64 }

// chain is what is known of one chain while its records pass.
type chain struct {
	ID      string    `json:"chain"`
	First   uint64    `json:"first"`
	Last    uint64    `json:"last"`
	Vouched uint64    `json:"vouched"` // the last record with a good signature
	At      time.Time `json:"at,omitzero"`

	hash    string
	begin   uint64 // of the run without a hole in which Last is
	missing []span
	told    []api.Gap
}

// checker checks records as they pass; it keeps none of them.
type checker struct {
	verdict
	public  ed25519.PublicKey
	witness *api.PlaysHead // from the player's last heartbeat
	cut     *api.PlaysHead // what comes before is elsewhere
	bare    int            // records without a chain
}

func newChecker(l *ledger) *checker {
	c := &checker{public: l.Public, witness: l.Head, cut: l.Cut}
	c.verdict = verdict{Player: l.Player, Name: l.Name, Words: bundle.Words(l.Public), Part: l.Part, Chains: []*chain{}, Notes: []string{}, Faults: []string{}}
	if len(l.Public) != ed25519.PublicKeySize {
		c.fault("The player's public key is not one: no signature can be checked.")
	} else if c.witness != nil && !c.witness.SignedBy(c.public) {
		c.fault("The head in the player's last heartbeat is not signed by its key.")
		c.witness = nil
	}
	if c.cut != nil && !c.cut.SignedBy(c.public) {
		c.fault("Where the relay says that it has put plays away, there is no signature of the player.")
		c.cut = nil
	} else if c.cut != nil {
		c.note("Records up to %d of chain %s are in the files that the relay has put away: verify those too.", c.cut.N, c.cut.Chain)
	}
	return c
}

func (c *checker) fault(format string, args ...any) {
	if len(c.Faults) == maxFaults {
		c.More++
		return
	}
	c.Faults = append(c.Faults, printable(fmt.Sprintf(format, args...)))
}

func (c *checker) note(format string, args ...any) {
	if len(c.Notes) < maxFaults {
		c.Notes = append(c.Notes, printable(fmt.Sprintf(format, args...)))
	}
}

// add checks the next record of the ledger.
func (c *checker) add(play api.Play) {
	c.Records++
	p, err := api.ReadProof(play.Record)
	if err != nil {
		c.fault("The record at place %d cannot be read as a play: %v.", c.Records, err)
	}
	if p.Gap == nil && err == nil {
		c.Plays++
	}
	if p.N == 0 || p.Chain == "" {
		c.bare++
		return
	}
	if listed, err := json.Marshal(play.Proof); err != nil || !bytes.Equal(listed, fields(p)) {
		c.fault("Record %d says something else in its fields than in the bytes that the player has signed.", p.N)
	}
	i := slices.IndexFunc(c.Chains, func(s *chain) bool { return s.ID == p.Chain })
	if i < 0 {
		i = len(c.Chains)
		c.Chains = append(c.Chains, &chain{ID: p.Chain, First: p.N, begin: p.N})
		if c.cut != nil && c.cut.Chain == p.Chain { // the first record must hold the hash of the last that was put away
			c.Chains[i].Last, c.Chains[i].hash, c.Chains[i].Vouched, c.Chains[i].At = c.cut.N, c.cut.Hash, c.cut.N, c.cut.At
		}
	}
	c.link(c.Chains[i], p, api.PlayHash(play.Boot, play.Record), play.Head)
}

// fields is a record's JSON without regard to how it was written.
func fields(p api.Proof) []byte {
	b, err := json.Marshal(p)
	if err != nil {
		return nil
	}
	return b
}

// link checks a record against the one before it, and its signature.
func (c *checker) link(s *chain, p api.Proof, hash string, head *api.PlaysHead) {
	switch {
	case s.Last > 0 && p.N <= s.Last && hash == s.hash:
		c.fault("Record %d is there twice.", p.N)
		return
	case s.Last > 0 && p.N <= s.Last:
		c.fault("Record %d stands after record %d: the order was changed, or it was put in, or the player's key was used twice.", p.N, s.Last)
		return
	case p.N > s.Last+1 && (s.Last > 0 || !c.Part):
		c.unvouched(s)
		s.missing = append(s.missing, span{s.Last + 1, p.N - 1})
		s.begin = p.N
	case p.N == s.Last+1 && p.Prev != s.hash:
		c.fault("Record %d or the one before it was changed: it does not hold the hash of what stands before it.", p.N)
	}
	s.Last, s.hash = p.N, hash
	if p.Gap != nil {
		s.told = append(s.told, *p.Gap)
	}
	if w := c.witness; w != nil && w.Chain == s.ID && w.N == p.N && w.Hash != hash {
		c.fault("Record %d is not the one that the player's last heartbeat has signed: it was changed, or the player's chain went back.", p.N)
	}
	if head == nil {
		return
	}
	switch {
	case !head.SignedBy(c.public):
		c.fault("The signature at record %d is not by the player's key.", p.N)
	case head.Chain != s.ID || head.N != p.N:
		c.fault("The signature at record %d belongs to another record.", p.N)
	case head.Hash != hash:
		c.fault("Record %d is not the one that the player has signed: it was changed.", p.N)
	default:
		s.Vouched, s.At = p.N, head.At
	}
}

// unvouched reports records at the end of a run that no signature covers.
func (c *checker) unvouched(s *chain) {
	if from := max(s.begin, s.Vouched+1); s.Last > 0 && from <= s.Last {
		c.fault("%s of chain %s: no signature of the player covers what stands there, so it may be false.", spanText(span{from, s.Last}), s.ID)
	}
}

// finish says what can be said only at the end.
func (c *checker) finish(words string) *verdict {
	if words != "" && strings.Join(strings.Fields(strings.ToLower(words)), " ") != strings.Join(c.Words, " ") {
		c.fault("The key's words are %q, not %q: this is another player's key, or the relay shows a false one.", strings.Join(c.Words, " "), words)
	}
	if c.bare > 0 {
		c.fault("%s without a place in a chain: nothing vouches for it.", count(c.bare, "record"))
	}
	for i, s := range c.Chains {
		if i > 0 {
			c.note("The player began a new chain, %s: what was lost between the two, nobody can name.", s.ID)
		}
		c.unvouched(s)
		c.holes(s)
	}
	c.tail()
	c.Whole = len(c.Faults) == 0
	return &c.verdict
}

// holes tells the holes of which the player says something from those of which it does not.
func (c *checker) holes(s *chain) {
	for _, g := range s.told {
		switch {
		case g.From > 0:
			c.note("The player says that of %s some were lost: %s.", lower(spanText(span{g.From, g.To})), g.Why)
		case g.Plays > 0:
			c.note("The player says that %s lost: %s.", lost(g.Plays), g.Why)
		default:
			c.note("The player says: %s.", g.Why)
		}
	}
	slices.SortFunc(s.told, func(a, b api.Gap) int { return cmp.Compare(a.From, b.From) })
	for _, m := range s.missing {
		for _, g := range s.told {
			if g.From == 0 || g.To < m.from || g.From > m.to {
				continue
			}
			if g.From > m.from {
				c.gone(s, span{m.from, g.From - 1})
			}
			if g.To >= m.to {
				m.from = 0
				break
			}
			m.from = g.To + 1
		}
		if m.from > 0 {
			c.gone(s, m)
		}
	}
}

func (c *checker) gone(s *chain, m span) {
	where := "."
	if c.Part {
		where = ", at least within this part."
	}
	c.fault("%s of chain %s %s missing, and the player does not say that it lost them: they were taken out%s", spanText(m), s.ID, are(m), where)
}

// tail compares the end with what the player had at its last heartbeat.
func (c *checker) tail() {
	w := c.witness
	if w == nil || c.Part {
		return
	}
	last := uint64(0)
	for _, s := range c.Chains {
		if s.ID == w.Chain {
			last = s.Last
		}
	}
	if w.N > last {
		c.note("%s of chain %s, which the player had at %s, %s not here: on the way, or held back. Check again when the player is online.",
			spanText(span{last + 1, w.N}), w.Chain, w.At.UTC().Format(time.RFC3339), are(span{last + 1, w.N}))
	}
}

func spanText(s span) string {
	if s.from == s.to {
		return fmt.Sprintf("Record %d", s.from)
	}
	return fmt.Sprintf("Records %d to %d", s.from, s.to)
}

func are(s span) string {
	if s.from == s.to {
		return "is"
	}
	return "are"
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func lost(n uint64) string {
	if n == 1 {
		return "1 play was"
	}
	return fmt.Sprintf("%d plays were", n)
}
