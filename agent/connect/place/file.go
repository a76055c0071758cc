package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// file is a file or folder on the player, or on a share that is mounted there.
type file struct {
	path   string
	deny   string
	shared bool // it must be on a share
}

func (l *file) check() error {
	if l.shared {
		if err := shared(l.path); err != nil {
			return err
		}
	}
	if err := Allowed(l.path, l.deny); err != nil {
		return advise(err, l.path)
	}
	return nil
}

func (l *file) fetch(ctx context.Context, limit int64, known mark) ([]byte, mark, error) {
	if err := l.check(); err != nil {
		return nil, mark{}, err
	}
	// A pipe or a device must not hold the player up.
	f, err := os.OpenFile(l.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, mark{}, advise(err, l.path)
	}
	defer f.Close()
	return take(ctx, f, l.path, limit, known)
}

func (l *file) dial(context.Context) (folder, string, error) {
	if err := l.check(); err != nil {
		return nil, "", err
	}
	return local{root: l.path, deny: l.deny}, l.path, nil
}

// local lists folders of the player.
type local struct{ root, deny string }

func (l local) readDir(_ context.Context, name string) ([]os.FileInfo, error) {
	d, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	infos, err := d.Readdir(maxEntries + 1) // not those behind links
	if err != nil && err != io.EOF {
		return nil, err
	}
	kept := infos[:0]
	for _, info := range infos {
		if l.deny == "" || !info.IsDir() || Allowed(filepath.Join(name, info.Name()), l.deny) == nil {
			kept = append(kept, info)
		}
	}
	return kept, nil
}

func (l local) sentence(err error) error { return advise(err, l.root) }

func (local) close() {}

// advise says what to do about a file that cannot be opened.
func advise(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s on the player: put it there, mount the share that holds it, or name another path in the bundle (%w)", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the player may not read %s: let the user that it runs as read the file and its folders (%w)", path, err)
	}
	return err
}

// Allowed keeps sources out of a folder, the player's own, where its keys are. deny may be "".
func Allowed(path, deny string) error {
	if deny == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if deny, err = filepath.EvalSymlinks(deny); err != nil {
		return err
	}
	if rel, err := filepath.Rel(deny, real); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("%s belongs to the player itself; no source may read it", path)
	}
	return nil
}
