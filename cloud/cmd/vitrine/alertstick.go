package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vitrine/agent/bundle"
	"vitrine/usb/importer"
	"vitrine/usb/writer"
)

// stickIndex is vitrine/stick.json.
type stickIndex = importer.Index

const (
	stickFormat  = importer.Format
	maxOnStick   = 64
	maxStickFile = 64 << 10
)

// writeStick adds a signed warning to a stick, beside the bundle that may be on it. Pulled out at any instant, the stick is as
// it was or complete.
func writeStick(ctx context.Context, mount string, trust *bundle.Trust, envelope []byte) error {
	if st, err := os.Stat(mount); err != nil || !st.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is not the folder of a mounted stick", mount))
	}
	dir := filepath.Join(mount, "vitrine")
	index, err := readStick(dir)
	if err != nil {
		return err
	}
	l := &load{first: trust.Chain()[0], index: index}
	for i, root := range trust.Chain() {
		l.bytes(bundle.RootPath(i+1), root)
	}
	digest := string(bundle.DigestOf(envelope))
	l.bytes("w/"+digest+".json", envelope)
	l.index.Roots = len(trust.Chain())
	l.index.Warnings = append(inTime(dir, trust, index.Warnings, digest), digest)
	if n := len(l.index.Warnings); n > maxOnStick {
		return fmt.Errorf("the stick carries %d warnings that are still in time already: use another one", n-1)
	}
	_, err = writer.Write(ctx, writer.Config{Dir: mount, Files: l.files, Index: l.index, First: l.first})
	return err
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
