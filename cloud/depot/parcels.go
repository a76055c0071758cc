package depot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/cloud/api"
)

const (
	parcelPrefix = "parcel/"
	parcelRun    = 3 << 20 // bytes of envelopes in one page
	mostParcels  = 10_000  // in time at once
)

// loadParcels finds the list's state.
func (d *Depot) loadParcels() error {
	all, err := each[api.SignedParcel](d.cfg.Index, parcelPrefix, "", 0)
	if err != nil {
		return err
	}
	d.posted(all)
	return nil
}

// posted tells which list there is now.
func (d *Depot) posted(all []api.SignedParcel) {
	if len(all) == 0 {
		return
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Digest)
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	d.post = hex.EncodeToString(sum[:8])
	d.cfg.Watcher.Posted(d.post)
}

// PutParcel keeps a signed parcel and tells the players. It looks at what players look at, so that whoever sends it hears of a
// fault first; what is in a sealed secret nobody can see here.
func (d *Depot) PutParcel(digest string, envelope []byte, by string) (api.SignedParcel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trust == nil {
		return api.SignedParcel{}, ErrNoRoot
	}
	if string(bundle.DigestOf(envelope)) != digest {
		return api.SignedParcel{}, fmt.Errorf("%w: the parcel is not the one that the address names", ErrDigest)
	}
	p, err := parcel.Open(d.trust, envelope)
	if err != nil {
		return api.SignedParcel{}, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	now := d.cfg.Now().UTC()
	if !now.Before(p.Expires) {
		return api.SignedParcel{}, fmt.Errorf("%w: the parcel's time is over since %s by the relay's clock: make it anew, for longer", ErrUnproven, p.Expires.Format(time.DateTime))
	}
	next := describe(p, envelope)
	next.Digest, next.Taken, next.By = digest, now, by
	if err := d.beside(p); err != nil {
		return next, err
	}
	all, err := d.swept(now)
	if err != nil {
		return next, err
	}
	if i := slices.IndexFunc(all, func(o api.SignedParcel) bool { return o.Digest == digest }); i >= 0 {
		return all[i], nil
	}
	if len(all) >= mostParcels {
		return next, fmt.Errorf("%w: the relay keeps %d parcels that are in time, and takes no more: let some end", ErrBusy, len(all))
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return next, err
	}
	if _, ok, err := d.cfg.Index.Put(parcelPrefix+digest, raw, 0); err != nil || !ok {
		return next, errors.Join(err, orNil(!ok, ErrChanged))
	}
	d.cfg.Log.Info("parcel taken", "kind", next.Kind, "name", next.Name, "serial", next.Serial, "by", by, "expires", next.Expires, "targets", targets(p.Targets))
	d.posted(append(all, next))
	return next, nil
}

// describe is what may be told of a parcel.
func describe(p *parcel.Parcel, envelope []byte) api.SignedParcel {
	out := api.SignedParcel{Kind: string(p.Kind()), Serial: p.Serial, Root: p.Root, Expires: p.Expires, Envelope: envelope}
	if p.Targets != nil {
		out.Players, out.Groups = p.Targets.Players, p.Targets.Groups
	}
	switch {
	case p.Secret != nil:
		out.Name = p.Secret.Name
		if p.Targets == nil { // whom it is sealed for says it all
			for _, b := range p.Secret.Boxes {
				out.Players = append(out.Players, b.To)
			}
		}
	case p.Update != nil:
		for _, one := range p.Update.Programs {
			out.Blobs = append(out.Blobs, string(one.SHA256))
		}
	}
	return out
}

// beside says which blobs of a parcel are not here.
func (d *Depot) beside(p *parcel.Parcel) error {
	if p.Update == nil {
		return nil
	}
	var missing []string
	for _, one := range p.Update.Programs {
		size, err := d.cfg.Blobs.Stat(string(one.SHA256))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, string(one.SHA256))
		case err != nil:
			return fmt.Errorf("look at blob %s: %w", one.SHA256, err)
		case size != one.Size:
			return fmt.Errorf("%w: %s has %d bytes, the update says %d", ErrUnproven, one.Name, size, one.Size)
		}
	}
	if missing != nil {
		return &MissingError{missing}
	}
	return nil
}

// swept lists the parcels that are in time, and removes the others.
func (d *Depot) swept(now time.Time) ([]api.SignedParcel, error) {
	all, err := each[api.SignedParcel](d.cfg.Index, parcelPrefix, "", 0)
	if err != nil {
		return nil, err
	}
	var left []api.SignedParcel
	for _, p := range all {
		if now.Before(p.Expires) {
			left = append(left, p)
		} else if _, err := d.cfg.Index.Delete(parcelPrefix+p.Digest, anyRevision); err != nil {
			return nil, fmt.Errorf("remove a parcel whose time is over: %w", err)
		}
	}
	return left, nil
}

// Parcels lists those in time that are for whom is asked, after a digest, as much as fits into one answer.
func (d *Depot) Parcels(after string, asked func(api.SignedParcel) bool) (page api.Parcels, err error) {
	d.mu.Lock()
	page.State = d.post // before the list is read: what comes meanwhile is told again
	d.mu.Unlock()
	page.Items = []api.SignedParcel{}
	from := ""
	if after != "" {
		from = parcelPrefix + after
	}
	now, size := d.cfg.Now(), 0
	var bad error
	err = d.cfg.Index.Each(parcelPrefix, from, func(key string, v []byte, _ uint64) bool {
		var p api.SignedParcel
		if bad = json.Unmarshal(v, &p); bad != nil {
			bad = fmt.Errorf("record %s: %w", key, bad)
			return false
		}
		if !now.Before(p.Expires) || !asked(p) {
			return true
		}
		if size += len(p.Envelope); size > parcelRun && len(page.Items) > 0 {
			page.Next = page.Items[len(page.Items)-1].Digest
			return false
		}
		page.Items = append(page.Items, p)
		return true
	})
	return page, errors.Join(err, bad)
}
