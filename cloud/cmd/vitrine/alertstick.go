package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vitrine/agent/bundle"
	"vitrine/usb/importer"
)

// stickIndex is vitrine/stick.json.
type stickIndex = importer.Index

const (
	stickFormat  = importer.Format
	maxOnStick   = 64
	maxStickFile = 64 << 10
)

// writeStick adds a signed warning to a stick, beside the bundle that may be on it. The index is written last: pulled out at any
// instant, the stick is as it was or complete.
func writeStick(mount string, trust *bundle.Trust, envelope []byte) error {
	if st, err := os.Stat(mount); err != nil || !st.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is not the folder of a mounted stick", mount))
	}
	dir := filepath.Join(mount, "vitrine")
	for _, sub := range []string{"root", "w"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("write the stick: %w", err)
		}
	}
	index, err := readStick(dir)
	if err != nil {
		return err
	}
	if err := stickRoots(dir, trust); err != nil {
		return err
	}
	digest := string(bundle.DigestOf(envelope))
	if err := bundle.WriteAtomically(filepath.Join(dir, "w", digest+".json"), envelope); err != nil {
		return err
	}
	index.Roots = len(trust.Chain())
	index.Warnings = append(inTime(dir, trust, index.Warnings, digest), digest)
	if n := len(index.Warnings); n > maxOnStick {
		return fmt.Errorf("the stick carries %d warnings that are still in time already: use another one", n-1)
	}
	b, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return bundle.WriteAtomically(filepath.Join(dir, "stick.json"), append(b, '\n'))
}

func readStick(dir string) (stickIndex, error) {
	index := stickIndex{Format: stickFormat}
	b, err := readBounded(filepath.Join(dir, "stick.json"), maxStickFile)
	if errors.Is(err, os.ErrNotExist) {
		return index, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &index)
	}
	if err != nil || index.Format != stickFormat {
		return index, errors.Join(err, fmt.Errorf("%s is not a stick's index that this program knows: use an empty stick", filepath.Join(dir, "stick.json")))
	}
	return index, nil
}

// stickRoots writes the key chain. A stick of another publisher's is left as it is.
func stickRoots(dir string, trust *bundle.Trust) error {
	for i, root := range trust.Chain() {
		path := filepath.Join(dir, bundle.RootPath(i+1))
		if was, err := readBounded(path, bundle.MaxRoot); err == nil && bytes.Equal(was, root) {
			continue
		} else if err == nil && i == 0 {
			return fmt.Errorf("%s belongs to another publisher: use an empty stick", dir)
		}
		if err := bundle.WriteAtomically(path, root); err != nil {
			return err
		}
	}
	return nil
}

// inTime drops from a stick what nobody would take any more, and what is written anew.
func inTime(dir string, trust *bundle.Trust, digests []string, fresh string) []string {
	return slices.DeleteFunc(slices.Clone(digests), func(d string) bool {
		b, err := readBounded(filepath.Join(dir, "w", filepath.Base(d)+".json"), bundle.MaxWarning)
		if err != nil {
			return true
		}
		w, err := trust.Warning(b)
		return d == fresh || err != nil || !time.Now().Before(w.Expires)
	})
}
