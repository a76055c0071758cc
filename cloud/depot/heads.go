package depot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// maxNamed is how many missing blobs a MissingError names.
const maxNamed = 1000

// any revision of a record: see package shelf.
const anyRevision = ^uint64(0)

// Streams lists streams whose names come after one, at most limit.
func (d *Depot) Streams(after string, limit int) ([]api.Stream, error) {
	return each[api.Stream](d.cfg.Index, "stream/", after, limit)
}

// Channels lists channels whose groups come after one, at most limit.
func (d *Depot) Channels(after string, limit int) ([]api.Channel, error) {
	return each[api.Channel](d.cfg.Index, "channel/", after, limit)
}

// MoveHead makes a manifest a stream's newest. Its signature is good, it is what the head says, its seq is higher than the
// one before, and all its blobs are there; else nothing moves. was is the seq that the head must have now, 0 = any. The same
// head again is no error.
func (d *Depot) MoveHead(stream string, was uint64, h api.Head) (api.Stream, error) {
	if err := d.check(stream, h); err != nil {
		return api.Stream{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	raw, rev, err := d.cfg.Index.Get("stream/" + stream)
	if err != nil {
		return api.Stream{}, err
	}
	var now api.Stream
	if rev > 0 {
		if err := json.Unmarshal(raw, &now); err != nil {
			return api.Stream{}, fmt.Errorf("read stream %s: %w", stream, err)
		}
	}
	switch {
	case rev > 0 && now.Head == h:
		return now, nil
	case was > 0 && now.Head.Seq != was:
		return now, ErrChanged
	case h.Seq <= now.Head.Seq:
		return now, fmt.Errorf("%w: its newest serial is %d, this one is %d: build again from the newest", ErrOlder, now.Head.Seq, h.Seq)
	}
	next := api.Stream{Name: stream, Head: h, At: d.cfg.Now().UTC()}
	if raw, err = json.Marshal(next); err != nil {
		return now, err
	}
	if _, ok, err := d.cfg.Index.Put("stream/"+stream, raw, rev); err != nil || !ok {
		return now, errors.Join(err, orNil(!ok, ErrChanged))
	}
	d.cfg.Log.Info("head moved", "stream", stream, "seq", h.Seq, "manifest", h.Manifest[:12])
	d.cfg.Watcher.Moved(next)
	return next, nil
}

func orNil(yes bool, err error) error {
	if yes {
		return err
	}
	return nil
}

// check verifies all that a head claims.
func (d *Depot) check(stream string, h api.Head) error {
	envelope, err := d.Manifest(h.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: manifest %s is not on the relay: send it first", ErrUnproven, h.Manifest)
	}
	if err != nil {
		return err
	}
	m, err := d.verify(envelope)
	if err != nil {
		return err
	}
	if m.Stream != stream || m.Seq != h.Seq || m.Root != h.Root {
		return fmt.Errorf("%w: the manifest is %s serial %d under root %d, the head says %s serial %d under root %d",
			ErrUnproven, m.Stream, m.Seq, m.Root, stream, h.Seq, h.Root)
	}
	return d.complete(m)
}

// complete says which blobs of a manifest are missing or of another size.
func (d *Depot) complete(m *bundle.Manifest) error {
	var missing []string
	for _, b := range m.Blobs {
		size, err := d.cfg.Blobs.Stat(string(b.Digest))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if missing = append(missing, string(b.Digest)); len(missing) == maxNamed {
				return &MissingError{missing}
			}
		case err != nil:
			return fmt.Errorf("look at blob %s: %w", b.Digest, err)
		case size != b.Size:
			return fmt.Errorf("%w: blob %s has %d bytes, the manifest says %d", ErrUnproven, b.Digest, size, b.Size)
		}
	}
	if len(missing) > 0 {
		return &MissingError{missing}
	}
	return nil
}

// Follow makes a group follow a stream that is there; was is the stream that it must follow now, "" = any.
func (d *Depot) Follow(c api.Channel, was string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, rev, err := d.cfg.Index.Get("stream/" + c.Stream); err != nil || rev == 0 {
		return errors.Join(err, orNil(rev == 0, fmt.Errorf("%w: there is no stream %q: push a bundle of that id first", ErrUnproven, c.Stream)))
	}
	raw, rev, err := d.cfg.Index.Get("channel/" + c.Group)
	if err != nil {
		return err
	}
	var now api.Channel
	if rev > 0 {
		if err := json.Unmarshal(raw, &now); err != nil {
			return fmt.Errorf("read channel %s: %w", c.Group, err)
		}
	}
	if was != "" && now.Stream != was {
		return ErrChanged
	}
	if now == c {
		return nil
	}
	if raw, err = json.Marshal(c); err != nil {
		return err
	}
	if _, ok, err := d.cfg.Index.Put("channel/"+c.Group, raw, rev); err != nil || !ok {
		return errors.Join(err, orNil(!ok, ErrChanged))
	}
	d.cfg.Log.Info("channel followed", "group", c.Group, "stream", c.Stream)
	d.cfg.Watcher.Followed(c)
	return nil
}

// Unfollow takes a group's channel away, or gives fs.ErrNotExist.
func (d *Depot) Unfollow(group string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, rev, err := d.cfg.Index.Get("channel/" + group); err != nil || rev == 0 {
		return errors.Join(err, orNil(rev == 0, fs.ErrNotExist))
	}
	if _, err := d.cfg.Index.Delete("channel/"+group, anyRevision); err != nil {
		return err
	}
	d.cfg.Log.Info("channel taken away", "group", group)
	d.cfg.Watcher.Unfollowed(group)
	return nil
}
