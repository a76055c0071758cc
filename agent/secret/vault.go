package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
)

const (
	formatVault = "vitrine-vault/1"
	maxVault    = 8 << 20 // bytes
	mostSecrets = 500     // also of those taken away, whose serial is remembered
)

// Refusals on which a caller may act; each comes within a sentence that names the secret.
var (
	ErrNone      = errors.New("this player has no such secret")
	ErrHost      = errors.New("it may not be sent there")
	ErrOlder     = errors.New("this player has had a newer one")
	ErrPublisher = errors.New("it belongs to another publisher")
	ErrDamaged   = errors.New("the vault cannot be read")
)

// Config says where a vault is and what opens it.
type Config struct {
	Path string // its file, made with mode 0600 when the first secret comes; its folder is there
	Key  string // the player's age X25519 identity, which never leaves it
	// Publisher is whom this player believes now: the SHA-256 of the publisher's first root; "" = nobody yet.
	Publisher func() string
	Now       func() time.Time // nil = time.Now
}

// Vault is a player's secrets. Its methods may be called from several goroutines.
type Vault struct {
	cfg   Config
	key   *age.X25519Identity
	fault func(step string) error // tests only: called before each step that a power cut may hit

	mu      sync.Mutex
	kept    map[slot]entry
	broken  error // why the file cannot be read; nil = it can
	changed chan struct{}
}

// slot is whose secret it is, and its name.
type slot struct{ publisher, name string }

type entry struct {
	Publisher string    `json:"publisher"`
	Name      string    `json:"name"`
	Serial    uint64    `json:"serial,omitempty"` // the greatest that came sealed
	Via       string    `json:"via"`              // relay, stick, hand
	At        time.Time `json:"at"`
	Secret    *open     `json:"secret,omitempty"` // nil = taken away
}

// String and its like keep a vault out of logs.
func (*Vault) String() string { return "(vault)" }

// Format keeps a vault out of logs, whatever the verb.
func (*Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(vault)")) }

// Entry is what may be told of a secret.
type Entry struct {
	Name    string    `json:"name"`
	Hosts   []string  `json:"hosts"`
	Fields  []string  `json:"fields"` // what is in it: user, password
	Via     string    `json:"via"`    // relay, stick, hand
	At      time.Time `json:"at"`
	Foreign bool      `json:"foreign,omitempty"` // it came from another publisher than the one this player believes: nobody can use it
}

// New reads a vault. One that cannot be read is left as it is and told by each Open; the first secret that comes sets it aside.
func New(cfg Config) (*Vault, error) {
	key, err := age.ParseX25519Identity(cfg.Key)
	if err != nil {
		return nil, errors.New("open vault: the player's age identity is damaged")
	}
	if cfg.Publisher == nil || cfg.Path == "" {
		return nil, errors.New("open vault: a path is needed, and who the publisher is")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	v := &Vault{cfg: cfg, key: key, kept: map[slot]entry{}, changed: make(chan struct{}), fault: func(string) error { return nil }}
	if err := v.load(); err != nil {
		v.broken = fmt.Errorf("%w: %w; set or send the secrets again", ErrDamaged, err)
	}
	return v, nil
}

// Fault is why the vault cannot be read; nil = it can.
func (v *Vault) Fault() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.broken
}

// Changed is closed when a secret has come or gone; ask for the next one then.
func (v *Vault) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// Open gives a secret that is to be sent to a host, "files.example.lan" or "files.example.lan:445". It refuses every host
// that the secret is not bound to, and a secret that came from another publisher than the one whose bundles this player
// plays.
func (v *Vault) Open(name, host string) (Secret, error) {
	if err := CheckName(name); err != nil {
		return Secret{}, err
	}
	publisher := v.cfg.Publisher()
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.kept[slot{publisher, name}]
	if !ok || e.Secret == nil || publisher == "" {
		return Secret{}, v.missing(name)
	}
	s := Secret(*e.Secret)
	s.Hosts = slices.Clone(s.Hosts)
	if !s.Allows(host) {
		return Secret{}, fmt.Errorf("the secret %q may be sent to %s, not to %.100q: %w; if it should, bind it to that host when it is set or sealed",
			name, strings.Join(s.Hosts, ", "), host, ErrHost)
	}
	return s, nil
}

func (v *Vault) missing(name string) error {
	if v.broken != nil {
		return fmt.Errorf("the secret %q: %w", name, v.broken)
	}
	for s, e := range v.kept {
		if s.name == name && e.Secret != nil {
			return fmt.Errorf("the secret %q came from another publisher than the one of this bundle: %w; set it again, or let this bundle's publisher send it", name, ErrPublisher)
		}
	}
	return fmt.Errorf("the secret %q is not on this player: %w; send it with vitrine secret send, or set it here with vitrine-player secret set %s", name, ErrNone, name)
}

// Set keeps a secret that a person on the machine gave. It belongs to the publisher that the player believes now.
func (v *Vault) Set(name string, s Secret) error {
	if err := errors.Join(CheckName(name), s.Check()); err != nil {
		return err
	}
	publisher := v.cfg.Publisher()
	if publisher == "" {
		return errors.New("this player trusts no publisher yet, so no bundle could use the secret: claim the player or import a bundle first")
	}
	s.Hosts = slices.Clone(s.Hosts)
	return v.change(func(next map[slot]entry) error {
		e := next[slot{publisher, name}]
		next[slot{publisher, name}] = entry{publisher, name, e.Serial, "hand", v.cfg.Now().UTC().Truncate(time.Second), (*open)(&s)}
		return nil
	})
}

// Remove takes a secret away, whoever's it is; what was sealed before cannot bring it back.
func (v *Vault) Remove(name string) error {
	return v.change(func(next map[slot]entry) error {
		found := false
		for s, e := range next {
			if s.name == name && e.Secret != nil {
				e.Secret, e.At, e.Via, found = nil, v.cfg.Now().UTC().Truncate(time.Second), "hand", true
				next[s] = e
			}
		}
		if !found {
			return v.missing(name)
		}
		return nil
	})
}

// Take opens what was sealed for this player and keeps it. publisher, name and serial are what a signature has proven; via is
// how it came, "relay" or "stick". fresh is false when this player has had it already.
func (v *Vault) Take(box []byte, publisher, name string, serial uint64, via string) (fresh bool, err error) {
	in, err := unseal(v.key, box)
	if err != nil {
		return false, err
	}
	if in.Publisher != publisher || in.Name != name || in.Serial != serial {
		return false, errors.New("the sealed secret is not the one that its signature names: somebody has put another's box into an envelope of their own")
	}
	if publisher != v.cfg.Publisher() {
		return false, fmt.Errorf("the secret %q: %w than the one that this player believes", name, ErrPublisher)
	}
	key := slot{publisher, name}
	v.mu.Lock()
	have := v.kept[key].Serial
	v.mu.Unlock()
	switch {
	case serial == have:
		return false, nil
	case serial < have:
		return false, fmt.Errorf("the secret %q has serial %d, and %d was here: %w; seal it again", name, serial, have, ErrOlder)
	}
	return true, v.change(func(next map[slot]entry) error {
		if next[key].Serial >= serial {
			return fmt.Errorf("the secret %q: %w", name, ErrOlder)
		}
		next[key] = entry{publisher, name, serial, via, v.cfg.Now().UTC().Truncate(time.Second), (*open)(in.Secret)}
		return nil
	})
}

// Recount lets a secret's serials begin anew and keeps the secret: the key that had signed them is no longer believed.
func (v *Vault) Recount(publisher, name string) error {
	key := slot{publisher, name}
	v.mu.Lock()
	had := v.kept[key].Serial
	v.mu.Unlock()
	if had == 0 {
		return nil
	}
	return v.change(func(next map[slot]entry) error {
		e := next[key]
		e.Serial = 0
		next[key] = e
		return nil
	})
}

// List tells which secrets there are, sorted; nothing of what is in them.
func (v *Vault) List() []Entry {
	publisher := v.cfg.Publisher()
	v.mu.Lock()
	defer v.mu.Unlock()
	out := []Entry{}
	for s, e := range v.kept {
		if e.Secret != nil {
			out = append(out, Entry{s.name, slices.Clone(e.Secret.Hosts), Secret(*e.Secret).Fields(), e.Via, e.At, s.publisher != publisher})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// change writes a changed copy to the disk and only then goes by it.
func (v *Vault) change(edit func(next map[slot]entry) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := maps.Clone(v.kept)
	if err := edit(next); err != nil {
		return err
	}
	if len(next) > mostSecrets {
		return fmt.Errorf("the player keeps %d secrets at most, those that were taken away counted", mostSecrets)
	}
	if v.broken != nil {
		if err := os.Rename(v.cfg.Path, v.cfg.Path+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the damaged vault aside: %w", err)
		}
	}
	if err := v.write(next); err != nil {
		return fmt.Errorf("keep the secret: %w", err)
	}
	v.kept, v.broken = next, nil
	close(v.changed)
	v.changed = make(chan struct{})
	return nil
}

type file struct {
	Format string  `json:"format"`
	Kept   []entry `json:"kept"`
}

// load reads the file; none is an empty vault.
func (v *Vault) load() error {
	f, err := os.Open(v.cfg.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	box, err := io.ReadAll(io.LimitReader(f, maxVault+1))
	if err != nil {
		return err
	}
	plain, err := decrypt(box, v.key, maxVault)
	if err != nil {
		return fmt.Errorf("%s is damaged, or it was made for another player's key", filepath.Base(v.cfg.Path))
	}
	var in file
	if err := json.Unmarshal(plain, &in); err != nil || in.Format != formatVault {
		return fmt.Errorf("%s was written by a newer player, or is damaged", filepath.Base(v.cfg.Path))
	}
	for _, e := range in.Kept {
		v.kept[slot{e.Publisher, e.Name}] = e
	}
	return nil
}

// write replaces the file: write, fsync, rename, fsync folder. After a power cut it is the old one or the new one.
func (v *Vault) write(kept map[slot]entry) error {
	out := file{Format: formatVault}
	for _, e := range kept {
		out.Kept = append(out.Kept, e)
	}
	slices.SortFunc(out.Kept, func(a, b entry) int { return strings.Compare(a.Publisher+"/"+a.Name, b.Publisher+"/"+b.Name) })
	plain, err := json.Marshal(out)
	if err != nil {
		return err
	}
	box, err := encrypt(plain, v.key.Recipient())
	if err != nil {
		return err
	}
	tmp := v.cfg.Path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"write", func() error { _, err := f.Write(box); return err }},
		{"fsync", f.Sync},
		{"rename", func() error { return os.Rename(tmp, v.cfg.Path) }},
		{"fsync folder", func() error { return syncDir(filepath.Dir(v.cfg.Path)) }},
	}
	for _, s := range steps {
		if err = v.fault(s.name); err == nil {
			err = s.do()
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name, err)
			break
		}
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
