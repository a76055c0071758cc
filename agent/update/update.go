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
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

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

// Blobs gives a program's bytes by their SHA-256.
type Blobs interface {
	Blob(ctx context.Context, d bundle.Digest, from int64) (io.ReadCloser, error)
}

// Install brings a version to the disk and makes it the active one, on trial. fresh is false when it runs already. Nothing that
// runs is touched; what was copied before a cut is not copied again.
func (p *Programs) Install(ctx context.Context, u parcel.Update, from Blobs) (fresh bool, err error) {
	s := p.State()
	if err := p.wanted(u, s); err != nil {
		return false, err
	}
	if u.Version == p.version || u.Version == s.Active {
		return false, nil
	}
	part, dir := filepath.Join(p.dir, u.Version+".part"), filepath.Join(p.dir, u.Version)
	if err := os.MkdirAll(part, 0o700); err != nil {
		return false, fmt.Errorf("make room for the update: %w", err)
	}
	if err := p.room(part, u); err != nil {
		return false, err
	}
	for _, one := range u.Programs {
		if err := p.copy(ctx, filepath.Join(part, one.Name), one, from); err != nil {
			return false, fmt.Errorf("copy %s: %w", one.Name, err)
		}
	}
	if err := p.ask(ctx, filepath.Join(part, player), u.Version); err != nil {
		return false, errors.Join(err, os.RemoveAll(part))
	}
	if err := p.place(part, dir); err != nil {
		return false, fmt.Errorf("put the update into its place: %w", err)
	}
	next := State{Active: u.Version, Before: p.proven(s), Trial: true, Digests: map[string]string{}, Highest: higher(s.Highest, p.version, u.Version),
		Factory: s.Factory, Failed: s.Failed}
	if next.Factory == "" || !p.within() {
		next.Factory = p.version
	}
	for v, d := range s.Digests {
		if v == next.Before {
			next.Digests[v] = d
		}
	}
	for _, one := range u.Programs {
		if one.Name == player {
			next.Digests[u.Version] = string(one.SHA256)
		}
	}
	return true, p.write(next)
}

// proven is the version that is gone back to when the next one fails: this program's, unless it is on trial itself.
func (p *Programs) proven(s State) string {
	switch {
	case !p.within():
		return ""
	case s.Trial && s.Active == p.version:
		return s.Before
	}
	return p.version
}

// wanted says why an update is not taken.
func (p *Programs) wanted(u parcel.Update, s State) error {
	if u.OS != runtime.GOOS || u.Arch != runtime.GOARCH {
		return fmt.Errorf("the update is for %s on %s, and this player runs %s on %s: send it the one for its machine", u.OS, u.Arch, runtime.GOOS, runtime.GOARCH)
	}
	if !versioned.MatchString(u.Version) {
		return fmt.Errorf("the version %.40q is not like 1.2.3", u.Version)
	}
	if top := higher(s.Highest, p.version); parcel.Compare(u.Version, top) < 0 && !u.Downgrade {
		return fmt.Errorf("version %s was here and the update brings %s: %w", top, u.Version, ErrOlder)
	}
	return nil
}

func higher(versions ...string) (top string) {
	for _, v := range versions {
		if top == "" || parcel.Compare(v, top) > 0 {
			top = v
		}
	}
	return top
}

func (p *Programs) room(dir string, u parcel.Update) error {
	need := int64(spare)
	for _, one := range u.Programs {
		need += one.Size
		if st, err := os.Stat(filepath.Join(dir, one.Name)); err == nil {
			need -= st.Size()
		}
	}
	var fsys unix.Statfs_t
	if err := unix.Statfs(dir, &fsys); err != nil {
		return fmt.Errorf("ask how much is free: %w", err)
	}
	if free := int64(fsys.Bavail) * fsys.Bsize; free < need {
		return fmt.Errorf("%w: it needs %d MiB, %d are free", ErrSpace, need>>20, free>>20)
	}
	return nil
}

// copy brings one program to the disk. A file that is whole stays; another is begun anew.
func (p *Programs) copy(ctx context.Context, path string, one parcel.Program, from Blobs) error {
	if got, err := sum(path); err == nil && got == string(one.SHA256) {
		return nil
	}
	if err := p.fault("copy " + one.Name); err != nil {
		return err
	}
	r, err := from.Blob(ctx, one.SHA256, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, one.Size+1))
	if err == nil {
		err = p.fault("sync " + one.Name)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if n != one.Size || hex.EncodeToString(h.Sum(nil)) != string(one.SHA256) {
		return errors.Join(errors.New("its bytes are not those that were signed: write the stick again, or send the update again"), os.Remove(path))
	}
	return nil
}

// ask starts the new program once, to hear its version: one that is for another machine or lacks a library is told from one
// that runs.
func (p *Programs) ask(ctx context.Context, path, version string) error {
	if err := p.fault("ask"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	var out bytes.Buffer
	cmd.Stdout, cmd.WaitDelay = &limited{to: &out, left: 4 << 10}, time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the new version does not run on this machine (%w); the one before stays", err)
	}
	if got := strings.TrimSpace(out.String()); got != version {
		return fmt.Errorf("the new program says that it is version %.40q, the update says %s; the one before stays", got, version)
	}
	return nil
}

// place makes the version's folder last: all files are synced before.
func (p *Programs) place(part, dir string) error {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"sync folder", func() error { return syncDir(part) }},
		{"clear", func() error { return os.RemoveAll(dir) }}, // what a version that was left had here
		{"rename", func() error { return os.Rename(part, dir) }},
		{"sync programs", func() error { return syncDir(p.dir) }},
	} {
		if err := p.fault(step.name); err != nil {
			return err
		}
		if err := step.do(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	if _, err := l.to.Write(b[:n]); err != nil {
		return 0, err
	}
	return len(b), nil
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
