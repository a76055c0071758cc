package fleet

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"vitrine/cloud/api"
)

// Admit makes a claimed device a member; a device that is one already keeps its id and gets the claim's settings.
func (f *Fleet) Admit(r api.EnrolRequest, keyID string, c api.Claim) (Member, error) {
	m := Member{Public: r.Public, KeyID: keyID, Seal: r.Seal, Claimed: f.cfg.Now().UTC()}
	if old, ok := f.ByKey(keyID); ok {
		m = old
	} else {
		m.ID = strings.ToLower(rand.Text()[:12])
	}
	m.Name, m.Groups, m.Tags, m.Zone, m.Root = c.Name, c.Groups, c.Tags, c.Zone, c.Root
	if err := f.write(&m); err != nil {
		return Member{}, err
	}
	f.cfg.Log.Info("player claimed", "player", m.ID, "name", m.Name)
	return m, nil
}

// write keeps a member for good, then shows it. Its revision grows.
func (f *Fleet) write(m *Member) error {
	m.Rev++
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	rev, ok, err := f.cfg.Players.Put(m.ID, raw, m.store)
	if err != nil {
		return fmt.Errorf("write player: %w", err)
	}
	if !ok {
		return ErrChanged
	}
	m.store = rev
	row := *m
	f.insert("player", &row)
	return nil
}

// ByKey finds the member that has a key.
func (f *Fleet) ByKey(keyID string) (Member, bool) {
	row, err := f.db.Txn(false).First("player", "key", keyID)
	if err != nil || row == nil {
		return Member{}, false
	}
	return *row.(*Member), true
}

// Member finds a member by its id.
func (f *Fleet) Member(id string) (Member, bool) {
	m, err := first[Member](f.db.Txn(false), "player", id)
	if err != nil || m == nil {
		return Member{}, false
	}
	return *m, true
}

// Change changes settings; rev is the revision that they must have now, 0 = any.
func (f *Fleet) Change(id string, rev uint64, c api.Changes) (api.Player, error) {
	m, ok := f.Member(id)
	if !ok {
		return api.Player{}, ErrUnknown
	}
	if rev != 0 && rev != m.Rev {
		return api.Player{}, ErrChanged
	}
	set(&m.Name, c.Name)
	set(&m.Groups, c.Groups)
	set(&m.Tags, c.Tags)
	set(&m.Zone, c.Zone)
	set(&m.Locale, c.Locale)
	if err := f.write(&m); err != nil {
		return api.Player{}, err
	}
	f.cfg.Log.Info("player changed", "player", id, "rev", m.Rev)
	return f.Player(id)
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// Remove takes a player's membership, its last report and its picture away; its plays stay.
func (f *Fleet) Remove(id string) error {
	m, ok := f.Member(id)
	if !ok {
		return ErrUnknown
	}
	ok, err := f.cfg.Players.Delete(id, m.store)
	if err != nil {
		return fmt.Errorf("remove player: %w", err)
	}
	if !ok {
		return ErrChanged
	}
	tx := f.db.Txn(true)
	defer tx.Abort()
	for _, table := range []string{"player", "report"} {
		if _, err := tx.DeleteAll(table, "id", id); err != nil {
			return err
		}
	}
	tx.Commit()
	f.mu.Lock()
	delete(f.dirty, id)
	delete(f.told, id)
	delete(f.bad, id)
	f.mu.Unlock()
	f.cfg.Log.Info("player removed", "player", id)
	if _, err := f.cfg.Reports.Delete(id, anyRevision); err != nil {
		return fmt.Errorf("remove report: %w", err)
	}
	return f.removePicture(id)
}

// Ask wishes to see a player's screen; a wish that is not answered within a minute is forgotten.
func (f *Fleet) Ask(id string) error {
	tx := f.db.Txn(true)
	defer tx.Abort()
	m, err := first[Member](tx, "player", id)
	if err != nil || m == nil {
		return orUnknown(err)
	}
	next := *m
	next.asked = f.cfg.Now().UTC()
	if err := tx.Insert("player", &next); err != nil {
		return err
	}
	tx.Commit()
	return nil
}
