package writer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"golang.org/x/sys/unix"

	"vitrine/usb/importer"
)

const (
	indexFile = "stick.json"
	maxSmall  = 64 << 10
)

// readIndex reads what the stick carried before; nil = nothing that can be read.
func (j *job) readIndex() (*importer.Index, error) {
	b, err := j.readSmall(indexFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the stick: %w", err)
	}
	var i importer.Index
	if json.Unmarshal(b, &i) != nil || i.Format != importer.Format {
		return nil, nil // a cut has left it: it is written anew
	}
	return &i, nil
}

func (j *job) readSmall(name string) ([]byte, error) {
	if st, err := j.root.Lstat(name); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s on the stick is no plain file: use an empty stick", name)
	}
	f, err := j.root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSmall))
}

func same(a, b importer.Index) bool { return reflect.DeepEqual(a, b) }

// mark says on the stick that it is being written.
func (j *job) mark() error {
	if _, err := j.root.Lstat(importer.Marker); err == nil {
		return nil
	}
	b, err := json.Marshal(importer.Writing{Format: importer.Format, Manifest: j.cfg.Index.Manifest})
	if err != nil {
		return err
	}
	if err := j.replace(importer.Marker, b); err != nil {
		return fmt.Errorf("write the stick: %w", err)
	}
	return nil
}

// publish replaces the index, which makes all of it the stick's content, and takes the marker away.
func (j *job) publish() error {
	b, err := json.Marshal(j.cfg.Index)
	if err != nil {
		return err
	}
	if old, err := j.readIndex(); err != nil || old == nil || !same(*old, j.cfg.Index) {
		if err := j.replace(indexFile, append(b, '\n')); err != nil {
			return fmt.Errorf("write the stick's index: %w", err)
		}
	}
	if err := j.remove(importer.Marker); err != nil {
		return fmt.Errorf("write the stick's index: %w", err)
	}
	return j.volume.sync()
}

// replace writes a small file beside the old one and renames it. The whole file system is synced before and after: on FAT
// fsync alone leaves an empty file.
func (j *job) replace(name string, content []byte) error {
	part := name + ".part"
	if err := j.remove(part); err != nil {
		return err
	}
	f, err := j.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := j.volume.sync(); err != nil {
		return err
	}
	j.cfg.step()
	if err := j.root.Rename(part, name); err != nil {
		return err
	}
	j.cfg.step()
	err = j.volume.sync()
	j.cfg.step()
	return err
}

// remove removes a file that may not be there.
func (j *job) remove(name string) error {
	if err := j.root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	j.cfg.step()
	return nil
}
