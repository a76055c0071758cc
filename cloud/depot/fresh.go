package depot

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// Fresh signs, with the relay's own key, which manifest of a stream is the newest now; it holds for a while. fs.ErrNotExist
// when there is no such stream.
func (d *Depot) Fresh(stream string, key bundle.PrivateKey, life time.Duration) ([]byte, error) {
	d.mu.Lock()
	trust := d.trust
	d.mu.Unlock()
	if trust == nil {
		return nil, fs.ErrNotExist
	}
	raw, rev, err := d.cfg.Index.Get("stream/" + stream)
	if err != nil {
		return nil, err
	}
	if rev == 0 {
		return nil, fs.ErrNotExist
	}
	var s api.Stream
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	now := d.cfg.Now().UTC().Truncate(time.Second)
	f := &bundle.Fresh{Format: bundle.FormatFresh, Customer: trust.Root().Customer, Stream: s.Name, Seq: s.Head.Seq, Root: s.Head.Root,
		Manifest: bundle.Digest(s.Head.Manifest), Issued: now, Expires: now.Add(life)}
	return f.Seal(key)
}
