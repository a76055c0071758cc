// Package export is what a player hands over by hand: plays, its log, a picture; for one that never sees a network.
//
//	player ── header, plays, log, picture, end (signed by the player's key) ──age──> owner's key alone ── Read ──> files, relay
//
// Inside the encryption an export is lines of JSON: a header, then items, and at the end the player's signature over all that
// came before. An export without its end is not one: a stick was pulled out. Plays carry signatures of their own as well (see
// api.PlaysHead), so that a relay that imports them need not believe whoever brings them.
package export

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"filippo.io/age"

	"vitrine/cloud/api"
)

const (
	// Format is the first word of an export.
	Format = "vitrine-export/1"
	// Ending is that of an export's file.
	Ending = ".vitrine-export"

	maxLine  = 16 << 20 // bytes: a picture in base64
	maxLines = 10_000_000
)

// Header says whose export it is; it is believed once Read has found the signature at the end to be by Public.
type Header struct {
	Format  string    `json:"format"`
	Player  string    `json:"player,omitempty"` // its id at its relay; "" = it never saw one
	Name    string    `json:"name,omitempty"`
	Public  []byte    `json:"public"` // Ed25519
	Seal    *api.Seal `json:"seal,omitempty"`
	Version string    `json:"version"`
	Made    time.Time `json:"made"`
	Clock   string    `json:"clock"` // how far that instant is to be believed
}

// Item is one thing of an export; exactly one of its fields is there.
type Item struct {
	Plays   *api.Proofs     `json:"plays,omitempty"`
	Log     json.RawMessage `json:"log,omitempty"`
	Picture *Picture        `json:"picture,omitempty"`
	End     *End            `json:"end,omitempty"`
}

// Picture is what was on the screen.
type Picture struct {
	At   time.Time `json:"at"`
	JPEG []byte    `json:"jpeg"`
}

// End is the last line.
type End struct {
	Items     int    `json:"items"`
	Signature []byte `json:"signature"` // Ed25519, over the hash of all lines before
}

// The refusals of a file.
var (
	ErrOthers = errors.New("this export is encrypted for somebody else's key: give the file with the key of one that the player was told to encrypt to, with --identity")
	ErrHalf   = errors.New("the export ends too early: the stick was pulled out while the player wrote it, or it is damaged; let the player write it again")
	ErrForged = errors.New("the export is not signed by the player that it names: it was changed, or made by somebody else")
)

func message(sum []byte, items int) []byte {
	return fmt.Appendf(nil, "%s\n%d\n%x\n", Format, items, sum)
}

// Writer writes an export.
type Writer struct {
	key   ed25519.PrivateKey
	out   io.WriteCloser
	sum   hash.Hash
	items int
}

// NewWriter begins an export that is signed with the player's key and that only these age recipients (X25519) can read.
func NewWriter(w io.Writer, to []string, h Header, key ed25519.PrivateKey) (*Writer, error) {
	var recipients []age.Recipient
	for _, t := range to {
		r, err := age.ParseX25519Recipient(t)
		if err != nil {
			return nil, fmt.Errorf("%.80q is not an age recipient, age1…: vitrine export key makes one", t)
		}
		recipients = append(recipients, r)
	}
	if len(recipients) == 0 {
		return nil, errors.New("an export needs somebody who may read it: the publisher's settings name nobody; give --to age1…")
	}
	out, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("begin the export: %w", err)
	}
	x := &Writer{key: key, out: out, sum: sha256.New()}
	h.Format, h.Public = Format, key.Public().(ed25519.PublicKey)
	return x, x.line(h)
}

func (x *Writer) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	if len(b) >= maxLine {
		return fmt.Errorf("write the export: a line of %d bytes is too long", len(b))
	}
	b = append(b, '\n')
	x.sum.Write(b)
	_, err = x.out.Write(b)
	return err
}

// Add writes one item.
func (x *Writer) Add(i Item) error {
	x.items++
	return x.line(i)
}

// Close signs the export and ends it.
func (x *Writer) Close() error {
	end := End{Items: x.items, Signature: ed25519.Sign(x.key, message(x.sum.Sum(nil), x.items))}
	if err := x.line(Item{End: &end}); err != nil {
		return err
	}
	return x.out.Close()
}

// Read decrypts an export, gives its items to each, and says whose it is. The signature is known only at its end: until Read
// has returned without an error nothing of what each was given is to be believed. each may be nil.
func Read(r io.Reader, keys []age.Identity, each func(Header, Item) error) (Header, error) {
	plain, err := age.Decrypt(r, keys...)
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong):
		return Header{}, ErrOthers
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Header{}, ErrHalf
	case err != nil:
		return Header{}, fmt.Errorf("this is not an export of a player, or it is damaged: %w", err)
	}
	in := &reader{lines: bufio.NewReaderSize(plain, 64<<10), sum: sha256.New()}
	var h Header
	first, err := in.next()
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(first, &h); err != nil || h.Format != Format || len(h.Public) != ed25519.PublicKeySize {
		return h, fmt.Errorf("what is in it is not an export that this program knows: update vitrine (%.40q)", h.Format)
	}
	return h, in.items(h, each)
}

// reader reads lines and hashes them as it goes.
type reader struct {
	lines *bufio.Reader
	sum   hash.Hash
	n     int
}

// next is the next line, without what ends it.
func (r *reader) next() ([]byte, error) {
	if r.n++; r.n > maxLines {
		return nil, fmt.Errorf("the export has more than %d lines", maxLines)
	}
	var whole []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		if whole = append(whole, part...); len(whole) > maxLine {
			return nil, fmt.Errorf("line %d of the export is longer than %d MiB", r.n, maxLine>>20)
		}
		switch {
		case err == nil:
			r.sum.Write(whole)
			return whole, nil
		case errors.Is(err, bufio.ErrBufferFull):
		default: // age says when a byte was changed or is missing
			return nil, fmt.Errorf("%w (line %d: %w)", ErrHalf, r.n, err)
		}
	}
}

// items gives every item, and looks at the signature at the end.
func (r *reader) items(h Header, each func(Header, Item) error) error {
	for n := 0; ; n++ {
		sum := r.sum.Sum(nil)
		b, err := r.next()
		if err != nil {
			return err
		}
		var i Item
		if err := json.Unmarshal(b, &i); err != nil {
			return fmt.Errorf("line %d of the export is not an item: %w", r.n, err)
		}
		if i.End != nil {
			if i.End.Items != n || !ed25519.Verify(h.Public, message(sum, n), i.End.Signature) {
				return ErrForged
			}
			if rest, err := r.lines.Peek(1); len(rest) > 0 || !errors.Is(err, io.EOF) {
				return ErrForged
			}
			return nil
		}
		if each != nil {
			if err := each(h, i); err != nil {
				return err
			}
		}
	}
}

// Key makes an age identity for whoever is to read exports; its recipient is what players encrypt to.
func Key() (identity, recipient string, err error) {
	k, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("make a key for exports: %w", err)
	}
	return k.String(), k.Recipient().String(), nil
}

// Keys reads age identities from a file: lines that begin with "#" are comments.
func Keys(file []byte) ([]age.Identity, error) {
	keys, err := age.ParseIdentities(bytes.NewReader(file))
	if err != nil {
		return nil, errors.New("this is not a file of age identities, AGE-SECRET-KEY-1…: vitrine export key makes one")
	}
	return slices.Clip(keys), nil
}
