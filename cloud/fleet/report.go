package fleet

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	memdb "github.com/hashicorp/go-memdb"

	"vitrine/cloud/api"
)

// report keeps a heartbeat in memory, and writes it behind.
func (f *Fleet) report(id, address string, h *api.Heartbeat, wait time.Duration) error {
	tx := f.db.Txn(true)
	defer tx.Abort()
	m, err := first[Member](tx, "player", id)
	if err != nil || m == nil {
		return orUnknown(err)
	}
	now := f.cfg.Now().UTC()
	next := report{ID: id}
	if was, err := first[report](tx, "report", id); err != nil {
		return err
	} else if was != nil {
		next = *was
	}
	next.Last, next.Seen, next.Address, next.Until = h, now, address, now.Add(wait+grace)
	if p := h.Plays; p != nil && p.SignedBy(m.Public) && (next.Plays == nil || next.Plays.Chain != p.Chain || next.Plays.N < p.N) {
		next.Plays = p
	}
	if err := tx.Insert("report", &next); err != nil {
		return err
	}
	tx.Commit()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirty[id] = true
	f.waits++
	f.alarm(id, h, next.Plays)
	return nil
}

// alarm logs what a player witnesses, once for each change.
func (f *Fleet) alarm(id string, h *api.Heartbeat, far *api.PlaysHead) {
	tx := f.db.Txn(false)
	version := 0
	if r, _ := first[root](tx, "root", "root"); r != nil {
		version = r.Version
	}
	var known *api.Stream
	if h.Active != nil {
		known, _ = first[api.Stream](tx, "head", h.Active.Stream)
	}
	warned := siren{}
	if r, _ := first[siren](tx, "siren", "siren"); r != nil {
		warned = *r
	}
	now := strings.Join(append(alarms(h, known, version, warned.Newest), wentBack(h, far)...), " ")
	if was := f.bad[id]; now != was {
		if now == "" {
			delete(f.bad, id)
			f.cfg.Log.Info("relay caught up with a player", "player", id)
		} else {
			f.bad[id] = now
			f.cfg.Log.Warn("player has seen more than the relay", "player", id, "alarm", now)
		}
	}
}

// left notes that a player's wait is over; one that broke off is thought gone soon.
func (f *Fleet) left(ctx context.Context, id string, h *api.Heartbeat) {
	f.mu.Lock()
	f.waits--
	f.mu.Unlock()
	if ctx.Err() == nil {
		return
	}
	tx := f.db.Txn(true)
	defer tx.Abort()
	r, err := first[report](tx, "report", id)
	if err != nil || r == nil || r.Last != h { // a newer heartbeat has come
		return
	}
	next := *r
	next.Until = f.cfg.Now().UTC().Add(grace)
	if tx.Insert("report", &next) == nil {
		tx.Commit()
	}
}

// Waits is how many heartbeats wait now.
func (f *Fleet) Waits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waits
}

// Player gives one player as people see it.
func (f *Fleet) Player(id string) (api.Player, error) {
	v, err := f.look(id, "")
	if err != nil {
		return api.Player{}, err
	}
	return f.player(v.member)
}

func (f *Fleet) player(m *Member) (api.Player, error) {
	tx := f.db.Txn(false)
	p := api.Player{Settings: m.Settings, Public: m.Public, Claimed: m.Claimed}
	r, err := first[report](tx, "report", m.ID)
	if err != nil {
		return p, err
	}
	playing := ""
	if r != nil {
		p.Seen, p.Address, p.Last, p.Screenshot = r.Seen, r.Address, r.Last, r.Picture
		p.Online = f.cfg.Now().Before(r.Until)
		if r.Last != nil && r.Last.Active != nil {
			playing = r.Last.Active.Stream
		}
	}
	v, err := f.look(m.ID, playing)
	if err != nil {
		return p, err
	}
	p.Desired = v.pointer()
	if p.Cut, err = f.Cut(m.ID); err != nil {
		return p, err
	}
	p.Alarms = alarms(p.Last, v.known, v.root, v.siren.Newest)
	if r != nil {
		p.Alarms = append(p.Alarms, wentBack(r.Last, r.Plays)...)
	}
	return p, nil
}

// Players lists players whose ids come after one, at most limit (0 = all).
func (f *Fleet) Players(after string, limit int) ([]api.Player, error) {
	tx := f.db.Txn(false)
	it, err := tx.LowerBound("player", "id", after)
	if err != nil {
		return nil, err
	}
	var out []api.Player
	for row := it.Next(); row != nil && (limit == 0 || len(out) < limit); row = it.Next() {
		m := row.(*Member)
		if m.ID == after {
			continue
		}
		p, err := f.player(m)
		if err == nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// Groups lists the names of groups that players are in, in order.
func (f *Fleet) Groups() []string {
	it, err := f.db.Txn(false).Get("player", "id")
	if err != nil {
		return nil
	}
	var out []string
	for row := it.Next(); row != nil; row = it.Next() {
		out = append(out, row.(*Member).Groups...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Edition names what is known of one player, or of all when id is "", and changes when that does.
func (f *Fleet) Edition(id string) (string, error) {
	edition, _, err := f.edition(id)
	return edition, err
}

func (f *Fleet) edition(id string) (string, memdb.WatchSet, error) {
	tx := f.db.Txn(false)
	ws, h := memdb.NewWatchSet(), fnv.New64a()
	for _, table := range []string{"player", "report"} {
		if id != "" {
			ch, row, err := tx.FirstWatch(table, "id", id)
			if err != nil {
				return "", nil, err
			}
			ws.Add(ch)
			mark(h, row)
			continue
		}
		it, err := tx.Get(table, "id")
		if err != nil {
			return "", nil, err
		}
		ws.Add(it.WatchCh())
		for row := it.Next(); row != nil; row = it.Next() {
			mark(h, row)
		}
	}
	return strconv.FormatUint(h.Sum64(), 36), ws, nil
}

// mark writes what tells a row's states apart.
func mark(w io.Writer, row any) {
	switch r := row.(type) {
	case *Member:
		fmt.Fprint(w, r.ID, r.Rev, ";")
	case *report:
		fmt.Fprint(w, r.ID, r.Seen.UnixNano(), r.Picture.UnixNano(), r.Until.UnixNano(), ";")
	}
}

// Await blocks until the edition is another than the one given, or ctx ends.
func (f *Fleet) Await(ctx context.Context, id, edition string) error {
	for {
		now, ws, err := f.edition(id)
		if err != nil || now != edition {
			return err
		}
		if err := ws.WatchCtx(ctx); err != nil {
			return err
		}
	}
}

// Count is how many players there are, and how many of them are online.
func (f *Fleet) Count() (all, online int) {
	tx := f.db.Txn(false)
	it, err := tx.Get("player", "id")
	if err != nil {
		return 0, 0
	}
	now := f.cfg.Now()
	for row := it.Next(); row != nil; row = it.Next() {
		all++
		if r, err := first[report](tx, "report", row.(*Member).ID); err == nil && r != nil && now.Before(r.Until) {
			online++
		}
	}
	return all, online
}

// Manifests are those that players play or fetch, by their last word: whoever collects garbage spares them.
func (f *Fleet) Manifests() map[string]bool {
	out := map[string]bool{}
	it, err := f.db.Txn(false).Get("report", "id")
	if err != nil {
		return out
	}
	for row := it.Next(); row != nil; row = it.Next() {
		h := row.(*report).Last
		if h == nil {
			continue
		}
		if h.Active != nil {
			out[h.Active.Manifest] = true
		}
		if h.Fetching != nil {
			out[h.Fetching.Manifest] = true
		}
	}
	return out
}
