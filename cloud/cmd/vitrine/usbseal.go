package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/usb/importer"
	"vitrine/usb/seal"
	"vitrine/usb/writer"
)

// stickKeyFile is the publisher's own key to the sticks that it encrypts, beside the keys that sign: with it a stick is known
// again and only what has changed is written.
const stickKeyFile = "sticks.age"

// sealFlags say who can read a stick.
type sealFlags struct {
	encrypt        bool
	to             listFlag
	passphraseFile string
}

func (s *sealFlags) add(fs *flag.FlagSet) {
	fs.BoolVar(&s.encrypt, "encrypt", false, "encrypt the stick, for --for, by --stick-passphrase-file, or both")
	fs.Var(&s.to, "for", "with --encrypt: a player's key, age1…, as vitrine-player status shows it; several times, or with commas")
	fs.StringVar(&s.passphraseFile, "stick-passphrase-file", "", "with --encrypt: a file whose first line opens the stick; players have it by --usb-passphrase-file")
}

// passphrase is the first line of the file.
func (s *sealFlags) passphrase() (string, error) {
	if s.passphraseFile == "" {
		return "", nil
	}
	b, err := readBounded(s.passphraseFile, 4<<10)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if first = strings.TrimSuffix(first, "\r"); len(first) < 12 {
		return "", fmt.Errorf("the passphrase in %s has %d characters: whoever finds the stick can try for years, take 12 or more", s.passphraseFile, len(first))
	}
	return first, nil
}

// seal turns a load into one that is encrypted. dir is the stick: one that is for the same players already keeps its key.
func (o *stickFlags) seal(l *load, dir string) error {
	s := o.sealed
	if !s.encrypt {
		if len(s.to) > 0 || s.passphraseFile != "" {
			return usage("--for and --stick-passphrase-file are for a stick with --encrypt")
		}
		return nil
	}
	pass, err := s.passphrase()
	if err != nil {
		return err
	}
	if len(s.to) == 0 && pass == "" {
		return usage("say who can read the stick: --for age1…, --stick-passphrase-file, or both")
	}
	own, err := ownKey(o.keys)
	if err != nil {
		return err
	}
	stick, keys, err := s.known(dir, own, pass)
	if err == nil && stick == nil {
		stick, keys, err = s.made(own, pass)
	}
	if err != nil {
		return err
	}
	return l.seal(stick, keys)
}

// ownKey reads the publisher's key to its sticks, or makes it.
func ownKey(dir string) (string, error) {
	path := filepath.Join(dir, stickKeyFile)
	b, err := readBounded(path, 4<<10)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the key to your sticks: %w", err)
	}
	secret, _, err := seal.NewKey()
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("keep the key to your sticks: %w", err)
	}
	_, err = f.WriteString(secret + "\n")
	return secret, errors.Join(err, f.Sync(), f.Close())
}

// known is the key of a stick that the same people can read already, with its key files; nil = there is none.
func (s *sealFlags) known(dir, own, pass string) (*seal.Seal, [][]byte, error) {
	var mine, theirs seal.Opener
	if err := mine.Own(own); err != nil {
		return nil, nil, fmt.Errorf("the key to your sticks, %s: %w", stickKeyFile, err)
	}
	if pass != "" {
		if err := theirs.Passphrase(pass); err != nil {
			return nil, nil, err
		}
	}
	var i importer.Index
	b, err := readBounded(filepath.Join(dir, "vitrine", "stick.json"), maxStickFile)
	if err != nil || json.Unmarshal(b, &i) != nil || i.Sealed == nil {
		return nil, nil, nil // an empty stick, or an open one: what is wrong with it, the writer says
	}
	var found *seal.Seal
	var keys [][]byte
	opens := false
	for _, k := range i.Sealed.Keys {
		file, err := readBounded(filepath.Join(dir, "vitrine", importer.KeyName(filepath.Base(k))), seal.MaxKey)
		if err != nil {
			return nil, nil, nil
		}
		keys = append(keys, file)
		if one, readers, err := mine.Open(file); err == nil && readers == seal.Readers(s.to, pass != "") {
			found = one
		}
		if pass != "" {
			_, _, err := theirs.Open(file)
			opens = opens || err == nil
		}
	}
	if found == nil || pass != "" && !opens {
		return nil, nil, nil
	}
	return found, keys, nil
}

// made makes a key, and the files that give it to whoever may read the stick.
func (s *sealFlags) made(own, pass string) (*seal.Seal, [][]byte, error) {
	stick, err := seal.New()
	if err != nil {
		return nil, nil, err
	}
	me, err := seal.RecipientOf(own)
	if err != nil {
		return nil, nil, err
	}
	readers := seal.Readers(s.to, pass != "")
	file, err := stick.KeyFor(append([]string{me}, s.to...), readers)
	if err != nil {
		return nil, nil, err
	}
	keys := [][]byte{file}
	if pass != "" {
		if file, err = stick.KeyBy(pass, readers); err != nil {
			return nil, nil, err
		}
		keys = append(keys, file)
	}
	return stick, keys, nil
}

// seal encrypts all that the index leads to, and the index.
func (l *load) seal(s *seal.Seal, keys [][]byte) error {
	inner, err := json.Marshal(importer.Index{Format: importer.Format, Manifest: l.index.Manifest, Roots: l.index.Roots, Ticket: l.index.Ticket})
	if err != nil {
		return err
	}
	digest := string(bundle.DigestOf(inner))
	l.bytes(importer.SealedIndexName(digest), inner)
	for i, f := range l.files {
		l.files[i] = writer.Sealed(f, s)
	}
	out := &importer.Sealed{Index: digest}
	for _, k := range keys {
		d := string(bundle.DigestOf(k))
		out.Keys = append(out.Keys, d)
		l.files = append(l.files, writer.Plain(importer.KeyName(d), int64(len(k)), d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(k)), nil }))
	}
	l.index.Sealed, l.index.Manifest, l.index.Roots, l.index.Ticket = out, "", 0, ""
	l.first = nil // the stick does not say whose it is
	return nil
}
