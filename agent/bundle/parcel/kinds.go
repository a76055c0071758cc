package parcel

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vitrine/agent/bundle"
)

// Bounds of what parcels hold.
const (
	mostBoxes    = 2_000
	mostGroups   = 200
	longestName  = 200 // characters
	mostTo       = 16
	maxProgram   = 512 << 20 // bytes
	maxPrograms  = 5
	shortestTry  = 10 * time.Second
	longestTry   = 24 * time.Hour
	maxBoxBytes  = 512 << 10
	longestField = 2_000 // bytes
)

var (
	nameOf   = regexp.MustCompile(`^[a-z0-9A-Z][a-z0-9A-Z._-]{0,63}$`)
	ageOf    = regexp.MustCompile(`^age1[a-z0-9]{20,200}$`)
	pinOf    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	versions = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)
)

// Programs are those that an update may bring, in order.
func Programs() []string {
	return []string{"vitrine", "vitrine-odbc", "vitrine-player", "vitrine-relay", "vitrine-render"}
}

// Secret is one secret, sealed for each of some players (see package secret).
type Secret struct {
	Name  string `json:"name"`
	Boxes []Box  `json:"boxes"`
}

// Box is a secret that one player alone can open.
type Box struct {
	To  string `json:"to"`  // the player's age recipient
	Box []byte `json:"box"` // base64 in JSON
}

// BoxFor is the box of a player; false = there is none.
func (s *Secret) BoxFor(recipient string) ([]byte, bool) {
	for _, b := range s.Boxes {
		if b.To == recipient {
			return b.Box, true
		}
	}
	return nil, false
}

func (s *Secret) check() error {
	switch {
	case !nameOf.MatchString(s.Name):
		return fmt.Errorf("the secret's name %.80q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", s.Name)
	case len(s.Boxes) < 1 || len(s.Boxes) > mostBoxes:
		return fmt.Errorf("the secret is sealed for %d players; 1 to %d are allowed", len(s.Boxes), mostBoxes)
	}
	for _, b := range s.Boxes {
		if !ageOf.MatchString(b.To) || len(b.Box) == 0 || len(b.Box) > maxBoxBytes {
			return fmt.Errorf("the secret for %.80q is not sealed as it should be", b.To)
		}
	}
	return nil
}

// Settings are what a publisher decides about players; absent = as it is. They stand above what the relay's people say, for as
// long as the newest parcel of settings names them.
type Settings struct {
	Name   *string  `json:"name,omitempty"`
	Groups []string `json:"groups,omitempty"` // best first
	Tags   []string `json:"tags,omitempty"`
	Zone   *string  `json:"zone,omitempty"` // IANA
	Locale *string  `json:"locale,omitempty"`
	Volume *int     `json:"volume,omitempty"` // per cent of what the schedule says; a person may change it later
	Rotate *int     `json:"rotate,omitempty"` // degrees clockwise: 0, 90, 180, 270; a person may change it later
	// Export is to whom exports are encrypted, age recipients, when a person asks for one on the player.
	Export []string `json:"export,omitempty"`
}

func (s *Settings) check() error {
	if len(s.Groups) > mostGroups || len(s.Tags) > mostGroups {
		return fmt.Errorf("they name %d groups and %d tags; %d of each are the most", len(s.Groups), len(s.Tags), mostGroups)
	}
	texts := slices.Concat(s.Groups, s.Tags)
	for _, p := range []*string{s.Name, s.Zone, s.Locale} {
		if p != nil {
			texts = append(texts, *p)
		}
	}
	for _, one := range texts {
		if !utf8.ValidString(one) || utf8.RuneCountInString(one) > longestName || strings.ContainsFunc(one, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			return fmt.Errorf("they name %.80q, which is longer than %d characters or cannot be printed", one, longestName)
		}
	}
	if s.Zone != nil && *s.Zone != "" {
		if _, err := time.LoadLocation(*s.Zone); err != nil {
			return fmt.Errorf("the zone %q is not one like Europe/Paris", *s.Zone)
		}
	}
	switch {
	case s.Volume != nil && (*s.Volume < 0 || *s.Volume > 100):
		return fmt.Errorf("the volume is %d; 0 to 100 per cent are allowed", *s.Volume)
	case s.Rotate != nil && !slices.Contains([]int{0, 90, 180, 270}, *s.Rotate):
		return fmt.Errorf("the screen cannot be turned by %d degrees; 0, 90, 180 and 270 are allowed", *s.Rotate)
	}
	return checkTo(s.Export, 0)
}

// Relay is where a player's relay is from now on. It is tried first: a player that cannot reach it stays where it is.
type Relay struct {
	Address string `json:"address"`          // https://host:port
	Pin     string `json:"pin,omitempty"`    // sha256:… of its authority's key; "" = the system's authorities
	Within  int    `json:"within,omitempty"` // seconds in which it must answer; 0 = ten minutes
}

// Try is how long the new relay is tried for.
func (r *Relay) Try() time.Duration {
	if r.Within == 0 {
		return 10 * time.Minute
	}
	return time.Duration(r.Within) * time.Second
}

func (r *Relay) check() error {
	u, err := url.Parse(r.Address)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(r.Address) > longestField || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("the relay's address %.200q is not like https://relay.example:8443", r.Address)
	case r.Pin != "" && !pinOf.MatchString(r.Pin):
		return fmt.Errorf("the relay's pin %.100q is not like sha256:…, as vitrine-relay ca prints it", r.Pin)
	case r.Try() < shortestTry || r.Try() > longestTry:
		return fmt.Errorf("the relay would be tried for %s; %s to %s are allowed", r.Try(), shortestTry, longestTry)
	}
	return nil
}

// Update is a version of the programs. Their bytes are beside the parcel, by their SHA-256, as a bundle's are.
type Update struct {
	Version   string    `json:"version"` // "1.2.3"
	OS        string    `json:"os"`      // as Go names it: "linux"
	Arch      string    `json:"arch"`    // "amd64", "arm64"
	Programs  []Program `json:"programs"`
	Downgrade bool      `json:"downgrade,omitempty"` // the version may be older than the one that runs
}

// Program is one file of an update.
type Program struct {
	Name   string        `json:"name"` // "vitrine-player"
	SHA256 bundle.Digest `json:"sha256"`
	Size   int64         `json:"size"`
}

func (u *Update) check() error {
	if !versions.MatchString(u.Version) {
		return fmt.Errorf("the version %.40q is not like 1.2.3", u.Version)
	}
	if !nameOf.MatchString(u.OS) || !nameOf.MatchString(u.Arch) {
		return errors.New("it does not say for which system and processor it is")
	}
	if len(u.Programs) < 1 || len(u.Programs) > maxPrograms {
		return fmt.Errorf("it brings %d programs; 1 to %d are allowed", len(u.Programs), maxPrograms)
	}
	seen := map[string]bool{}
	for _, p := range u.Programs {
		if !slices.Contains(Programs(), p.Name) || seen[p.Name] {
			return fmt.Errorf("it brings %.40q, which is not one of %s, or twice", p.Name, strings.Join(Programs(), ", "))
		}
		seen[p.Name] = true
		if _, err := bundle.ParseDigest(string(p.SHA256)); err != nil {
			return fmt.Errorf("the program %s: %w", p.Name, err)
		}
		if p.Size < 1 || p.Size > maxProgram {
			return fmt.Errorf("the program %s has %d bytes; 1 to %d are allowed", p.Name, p.Size, maxProgram)
		}
	}
	if !seen["vitrine-player"] {
		return errors.New("it does not bring vitrine-player")
	}
	return nil
}

// Compare orders versions like 1.2.3: -1, 0 or 1. One that is none is the lowest.
func Compare(a, b string) int {
	x, y := versions.FindStringSubmatch(a), versions.FindStringSubmatch(b)
	if x == nil || y == nil {
		return boolInt(x != nil) - boolInt(y != nil)
	}
	for i := 1; i < len(x); i++ {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM != nil || errN != nil || m == n {
			continue
		}
		if m < n {
			return -1
		}
		return 1
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Export orders a player to write down what it has to tell onto the stick that brought the order.
type Export struct {
	To          []string `json:"to"` // age recipients of whoever may read it
	Plays       bool     `json:"plays,omitempty"`
	Logs        bool     `json:"logs,omitempty"`
	Screenshot  bool     `json:"screenshot,omitempty"`
	FromTheLast bool     `json:"fromTheLast,omitempty"` // only what no export has held yet; else all that is kept
}

func (e *Export) check() error {
	if !e.Plays && !e.Logs && !e.Screenshot {
		return errors.New("it orders an export of nothing: plays, logs or a screenshot")
	}
	return checkTo(e.To, 1)
}

func checkTo(to []string, least int) error {
	if len(to) < least || len(to) > mostTo {
		return fmt.Errorf("exports go to %d recipients; %d to %d are allowed", len(to), least, mostTo)
	}
	for _, r := range to {
		if !ageOf.MatchString(r) {
			return fmt.Errorf("the export's recipient %.80q is not an age recipient, age1…", r)
		}
	}
	return nil
}
