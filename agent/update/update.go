// Package update decides which version of the programs runs, and what happens when a new one does not come up.
//
//	parcel ──Install──> programs/<version>/ ──> state.json {active, before, trial}
//	                                                 │
//	start ──Choose── starts counted, bytes verified ─┴─> that version ──first frame──> Bless
//	             └── 3 starts without, or bytes that changed ──> the version before
//
// The programs that the system installed are never touched: they start first, and hand over to the version that is active. What
// is active is one file that is replaced whole, so that power may go at any instant: one version or the other runs.
package update

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
)

const (
	folder    = "programs"
	stateFile = "state.json"
	player    = "vitrine-player"
	mostTries = 3
	maxState  = 64 << 10
	spare     = 64 << 20 // bytes that stay free
)

// ErrSpace means that the programs do not fit now.
var ErrSpace = errors.New("the disk has no room for the update")

// ErrOlder means that the version is older than one that was here, and not signed as a step down.
var ErrOlder = errors.New("versions never go down unless the update is signed as a step down")

// versioned is what a folder of a version may be called: its name goes into a path.
var versioned = regexp.MustCompile(`^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$`)

// State is which version runs.
type State struct {
	Active  string            `json:"active,omitempty"`  // "" = what the system installed
	Before  string            `json:"before,omitempty"`  // what ran before Active; "" = what the system installed
	Trial   bool              `json:"trial,omitempty"`   // Active has not shown anything yet
	Starts  int               `json:"starts,omitempty"`  // of Active while on trial
	Digests map[string]string `json:"digests,omitempty"` // SHA-256 of vitrine-player, by version
	Highest string            `json:"highest,omitempty"` // version that was ever active
	Factory string            `json:"factory,omitempty"` // version that the system had installed when Active came
	Failed  map[string]string `json:"failed,omitempty"`  // why a version was left, by version
}

// Programs is the folder of versions of a player.
type Programs struct {
	dir     string
	version string                  // of this program
	fault   func(step string) error // tests only: called before each step that a power cut may hit
}

// Open says where versions are, below a player's data folder; version is this program's.
func Open(data, version string) *Programs {
	return &Programs{dir: filepath.Join(data, folder), version: version, fault: func(string) error { return nil }}
}

// State reads which version is active. A file that cannot be read stands for what the system installed.
func (p *Programs) State() (s State) {
	f, err := os.Open(filepath.Join(p.dir, stateFile))
	if err != nil {
		return State{}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil || json.Unmarshal(b, &s) != nil || s.Active != "" && !versioned.MatchString(s.Active) || s.Before != "" && !versioned.MatchString(s.Before) {
		return State{}
	}
	return s
}

func (p *Programs) write(s State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := p.fault("switch"); err != nil {
		return err
	}
	return bundle.WriteAtomically(filepath.Join(p.dir, stateFile), b)
}

// Choose says which program is to run instead of this one; "" = this one. It counts the start of a version on trial before it
// hands over, and goes back when that was done often enough, or when the version's bytes are no longer those that came.
func (p *Programs) Choose() (path string, note string, err error) {
	if p.within() {
		return "", "", nil // it was chosen
	}
	for {
		s := p.State()
		switch {
		case s.Active == "":
			return "", note, nil
		case p.version != s.Factory && parcel.Compare(p.version, s.Active) >= 0: // the system has installed a newer one since
			return "", note, p.write(State{Highest: higher(s.Highest, p.version), Failed: s.Failed})
		case s.Trial && s.Starts >= mostTries:
			note = fmt.Sprintf("it was started %d times and showed nothing", s.Starts)
		case p.broken(s):
			note = "its bytes on the disk are not those that came"
		default:
			if s.Trial {
				s.Starts++
				if err := p.write(s); err != nil {
					return "", note, fmt.Errorf("count the start: %w", err) // else a version that fails would start for ever
				}
			}
			return filepath.Join(p.dir, s.Active, player), note, nil
		}
		failed := s.Active
		if err := p.write(s.back(note)); err != nil {
			return "", note, fmt.Errorf("go back from version %s: %w", failed, err)
		}
		note = fmt.Sprintf("version %s is left: %s", failed, note)
	}
}

// within says whether this program is one of a version's.
func (p *Programs) within() bool {
	own, err := os.Executable()
	if err != nil {
		return false
	}
	dir, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		return false
	}
	return strings.HasPrefix(own, dir+string(filepath.Separator))
}

// broken says whether the active version is not whole.
func (p *Programs) broken(s State) bool {
	got, err := sum(filepath.Join(p.dir, s.Active, player))
	return err != nil || got != s.Digests[s.Active]
}

// back is the state in which the version before is active.
func (s State) back(why string) State {
	failed := map[string]string{s.Active: why}
	for v, w := range s.Failed {
		if len(failed) < 10 {
			failed[v] = w
		}
	}
	return State{Active: s.Before, Digests: s.Digests, Highest: s.Highest, Factory: s.Factory, Failed: failed}
}

// Trial says whether this program is a version that has not shown anything yet.
func (p *Programs) Trial() bool {
	s := p.State()
	return s.Trial && s.Active == p.version && p.within()
}

// Bless ends the trial of this program: it has shown something. Versions that are neither active nor before go.
func (p *Programs) Bless() error {
	s := p.State()
	s.Trial, s.Starts = false, 0
	if err := p.write(s); err != nil {
		return err
	}
	return p.tidy(s)
}

// Fail goes back to the version before, from the next start on.
func (p *Programs) Fail(why string) error { return p.write(p.State().back(why)) }

func (p *Programs) tidy(s State) error {
	names, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	var all error
	for _, n := range names {
		if n.IsDir() && n.Name() != s.Active && n.Name() != s.Before {
			all = errors.Join(all, os.RemoveAll(filepath.Join(p.dir, n.Name())))
		}
	}
	return all
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
