package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vitrine/cloud/api"
)

// maxSide is the longest side of a picture, pixels.
const maxSide = 16384

func (f *Fleet) makePictures() error { return os.MkdirAll(f.cfg.Pictures, 0o700) }

func (f *Fleet) picture(id string) string { return filepath.Join(f.cfg.Pictures, id+".jpg") }

// SetPicture keeps a player's last picture, a JPEG. taken is the player's clock; an instant from the future counts as now.
func (f *Fleet) SetPicture(id string, picture []byte, taken time.Time) error {
	if _, ok := f.Member(id); !ok {
		return ErrUnknown
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil || c.Width > maxSide || c.Height > maxSide {
		return fmt.Errorf("%w: the picture is not a JPEG of at most %d pixels a side", ErrMalformed, maxSide)
	}
	if free, err := f.cfg.Free(); err != nil || free < f.cfg.Reserve {
		return errors.Join(ErrFull, err)
	}
	if err := replace(f.picture(id), picture); err != nil {
		return fmt.Errorf("keep picture: %w", err)
	}
	tx := f.db.Txn(true)
	defer tx.Abort()
	next := report{ID: id}
	if r, err := first[report](tx, "report", id); err != nil {
		return err
	} else if r != nil {
		next = *r
	}
	now := f.cfg.Now().UTC()
	if next.Picture = taken.UTC(); taken.After(now) || taken.IsZero() {
		next.Picture = now
	}
	if err := tx.Insert("report", &next); err != nil {
		return err
	}
	if m, err := first[Member](tx, "player", id); err == nil && m != nil && !m.asked.IsZero() {
		done := *m
		done.asked = time.Time{} // a player whose clock is behind has answered too
		if err := tx.Insert("player", &done); err != nil {
			return err
		}
	}
	tx.Commit()
	f.mu.Lock()
	f.dirty[id] = true
	f.mu.Unlock()
	return nil
}

// Picture gives a player's last picture and when it was taken, or fs.ErrNotExist.
func (f *Fleet) Picture(id string) ([]byte, time.Time, error) {
	if _, ok := f.Member(id); !ok {
		return nil, time.Time{}, ErrUnknown
	}
	file, err := os.Open(f.picture(id))
	if err != nil {
		return nil, time.Time{}, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, api.MaxScreenshot))
	if err != nil {
		return nil, time.Time{}, err
	}
	r, err := first[report](f.db.Txn(false), "report", id)
	if err != nil || r == nil {
		return b, time.Time{}, err
	}
	return b, r.Picture, nil
}

func (f *Fleet) removePicture(id string) error {
	if err := os.Remove(f.picture(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove picture: %w", err)
	}
	return nil
}

// replace writes a file so that after a power cut it is the old one or the new one.
func replace(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
