package depot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

const (
	warningPrefix = "warning/"
	warningRun    = 3 << 20 // bytes of envelopes in one page
	warningLeap   = 1_000   // a serial so far ahead of the newest is a slip, and would use up those between
)

// list is what is known of all public warnings without reading them.
type list struct {
	newest uint64
	state  string // changes with each that comes, never else
}

func warningKey(serial uint64) string { return fmt.Sprintf("%s%020d", warningPrefix, serial) }

// loadWarnings finds the list's end.
func (d *Depot) loadWarnings() error {
	all, err := each[api.SignedWarning](d.cfg.Index, warningPrefix, "", 0)
	if err != nil {
		return err
	}
	for _, w := range all {
		d.list.add(w)
	}
	if len(all) > 0 {
		d.cfg.Watcher.Warned(d.list.newest, d.list.state)
	}
	return nil
}

func (l *list) add(w api.SignedWarning) {
	sum := sha256.Sum256(append([]byte(l.state), w.Envelope...))
	l.newest, l.state = max(l.newest, w.Serial), hex.EncodeToString(sum[:8])
}

// PutWarning keeps a signed public warning and tells the players. It looks at what players look at, so that whoever sends
// it hears of a fault first. The list is the journal too: nothing leaves it.
func (d *Depot) PutWarning(serial uint64, envelope []byte, by string) (api.SignedWarning, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trust == nil {
		return api.SignedWarning{}, ErrNoRoot
	}
	w, err := d.trust.Warning(envelope)
	if err != nil {
		return api.SignedWarning{}, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	now := d.cfg.Now().UTC()
	switch {
	case w.Serial != serial:
		return api.SignedWarning{}, fmt.Errorf("%w: the warning's serial is %d, the address says %d", ErrUnproven, w.Serial, serial)
	case !now.Before(w.Expires):
		return api.SignedWarning{}, fmt.Errorf("%w: the warning's time is over since %s by the relay's clock: send it anew, for longer", ErrUnproven, w.Expires.Format(time.DateTime))
	}
	next := api.SignedWarning{Serial: serial, Root: w.Root, Expires: w.Expires, Taken: now, By: by, Envelope: envelope}
	if raw, rev, err := d.cfg.Index.Get(warningKey(serial)); err != nil {
		return next, err
	} else if rev > 0 {
		var was api.SignedWarning
		if json.Unmarshal(raw, &was) == nil && string(was.Envelope) == string(envelope) {
			return was, nil
		}
	}
	if serial <= d.list.newest || serial > d.list.newest+warningLeap {
		return next, fmt.Errorf("%w: the newest warning is %d, the next one's serial is %d, not %d", ErrOlder, d.list.newest, d.list.newest+1, serial)
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return next, err
	}
	if _, ok, err := d.cfg.Index.Put(warningKey(serial), raw, 0); err != nil || !ok {
		return next, errors.Join(err, orNil(!ok, ErrChanged))
	}
	d.list.add(next)
	d.cfg.Log.Warn("public warning taken", "serial", serial, "by", by, "expires", w.Expires, "bytes", len(w.CAP), "targets", targets(w.Targets))
	d.cfg.Watcher.Warned(d.list.newest, d.list.state)
	return next, nil
}

func targets(t *bundle.Targets) string {
	if t == nil {
		return "everyone"
	}
	return fmt.Sprintf("players %q, groups %q", t.Players, t.Groups)
}

// Warnings lists public warnings from a serial on: those above after, and those still in time.
func (d *Depot) Warnings(after, from uint64) (page api.Warnings, err error) {
	d.mu.Lock()
	page.State, page.Newest = d.list.state, d.list.newest // before the list is read: what comes meanwhile is told again
	d.mu.Unlock()
	page.Items = []api.SignedWarning{}
	now, size := d.cfg.Now(), 0
	var bad error
	err = d.cfg.Index.Each(warningPrefix, warningKey(from), func(key string, v []byte, _ uint64) bool {
		var w api.SignedWarning
		if bad = json.Unmarshal(v, &w); bad != nil {
			bad = fmt.Errorf("record %s: %w", key, bad)
			return false
		}
		if w.Serial <= after && !now.Before(w.Expires) {
			return true
		}
		if size += len(w.Envelope); size > warningRun && len(page.Items) > 0 {
			page.Next = strconv.FormatUint(page.Items[len(page.Items)-1].Serial, 10)
			return false
		}
		page.Items = append(page.Items, w)
		return true
	})
	return page, errors.Join(err, bad)
}
