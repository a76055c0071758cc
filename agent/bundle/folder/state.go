package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"vitrine/agent/bundle"
)

// Own is the folder below a bundle's folder that holds what the programs keep there: the serial and the schema.
const Own = ".vitrine"

// state is what must outlive a build.
type state struct {
	Seq      uint64        `json:"seq"`      // the last that was used
	Manifest bundle.Digest `json:"manifest"` // of that serial
}

// nextSerial lets step take a serial, and keeps it before anybody sees what was made with it. Builds of the same folder
// wait for each other.
func (f *Folder) nextSerial(step func(*state) error) (err error) {
	own := filepath.Join(f.Dir, Own)
	if err := os.MkdirAll(own, 0o755); err != nil {
		return fmt.Errorf("keep the serial: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(own, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("keep the serial: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("keep the serial: wait for another build: %w", err)
	}
	path := filepath.Join(own, "state.json")
	var s state
	b, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			return fmt.Errorf("%s is damaged: %w; take it away and build with --after and the serial that players have", path, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keep the serial: %w", err)
	}
	if err := step(&s); err != nil {
		return err
	}
	if b, err = json.Marshal(s); err != nil {
		return fmt.Errorf("keep the serial: %w", err)
	}
	if err := bundle.WriteAtomically(path, append(b, '\n')); err != nil {
		return fmt.Errorf("keep the serial: %w", err)
	}
	return nil
}
