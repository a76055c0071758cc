package writer

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxListed bounds how many names of one folder are looked at: more were not written by this program.
const maxListed = 100_000

// wanted are the names that stay.
func (j *job) wanted() map[string]bool {
	keep := map[string]bool{}
	for _, f := range j.cfg.Files {
		for _, p := range j.pieces(f) {
			keep[strings.ToLower(p.name)] = true
		}
	}
	for _, n := range j.cfg.Keep {
		for _, p := range j.pieces(File{Name: n}) {
			keep[strings.ToLower(p.name)] = true
		}
	}
	return keep
}

// removable is how much removing all else would give, bytes.
func (j *job) removable(keep map[string]bool) (sum int64, err error) {
	err = j.others(keep, func(name string, size int64) error {
		sum += j.volume.round(size)
		return nil
	})
	return sum, err
}

// prune removes what no index leads to.
func (j *job) prune(keep map[string]bool) error {
	err := j.others(keep, func(name string, _ int64) error {
		j.report.Removed++
		return j.remove(name)
	})
	return errors.Join(err, j.volume.sync())
}

// others lists the files of the bundle's folders that are not to stay: of m, t and b, whose names this program makes.
func (j *job) others(keep map[string]bool, do func(name string, size int64) error) error {
	for _, dir := range []string{"m", "t", "b", "s", "k"} {
		if err := j.list(dir, keep, do, dir == "b" || dir == "s"); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) list(dir string, keep map[string]bool, do func(string, int64) error, deeper bool) error {
	d, err := j.root.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := d.ReadDir(maxListed)
	if err = errors.Join(ignoreEOF(err), d.Close()); err != nil {
		return err
	}
	for _, e := range entries {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && deeper && len(e.Name()) == 2:
			if err := j.list(name, keep, do, false); err != nil {
				return err
			}
		case e.IsDir() || keep[strings.ToLower(name)]:
		default:
			var size int64
			if st, err := e.Info(); err == nil && st.Mode().IsRegular() {
				size = st.Size()
			} else if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := do(name, size); err != nil {
				return err
			}
		}
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
