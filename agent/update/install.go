package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
)

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

// copy brings one program to the disk. A file that is whole stays; one that was begun goes on, and when it then turns out to be
// wrong, since a cut has left something else than what was written, it is begun anew.
func (p *Programs) copy(ctx context.Context, path string, one parcel.Program, from Blobs) error {
	if got, err := sum(path); err == nil && got == string(one.SHA256) {
		return nil
	}
	if err := p.fault("copy " + one.Name); err != nil {
		return err
	}
	begun, err := p.goOn(ctx, path, one, from)
	if errors.Is(err, errWrong) && begun {
		_, err = p.goOn(ctx, path, one, from)
	}
	return err
}

var errWrong = errors.New("its bytes are not those that were signed: write the stick again, or send the update again")

// goOn fetches what is missing of a program; begun says that some of it was there. What is wrong is removed.
func (p *Programs) goOn(ctx context.Context, path string, one parcel.Program, from Blobs) (begun bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o700)
	if err != nil {
		return false, err
	}
	h := sha256.New()
	have, err := io.Copy(h, io.LimitReader(f, one.Size))
	if err == nil && have < one.Size {
		var r io.ReadCloser
		if r, err = from.Blob(ctx, one.SHA256, have); err == nil {
			var n int64
			n, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(r, one.Size-have+1))
			err = errors.Join(err, r.Close())
			if n != one.Size-have && err == nil {
				err = errWrong
			}
		}
	}
	if err == nil {
		err = p.fault("sync " + one.Name)
	}
	if err == nil && hex.EncodeToString(h.Sum(nil)) != string(one.SHA256) {
		err = errWrong
	}
	if err == nil {
		err = f.Truncate(one.Size)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); errors.Is(err, errWrong) {
		err = errors.Join(err, os.Remove(path))
	}
	return have > 0, err
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
