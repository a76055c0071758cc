// Package fleet knows the last word of each player, and wakes those who wait for another.
//
//	heartbeat ──> reports (memory, written behind) ──┐
//	people ─────> players (written through) ─────────┼── one live view, whose watches wake
//	depot ──────> heads, channels, root ─────────────┘   the waiting heartbeats and pages
//
// What is desired of a player is a function of that view; a heartbeat is answered at once when it differs from what the
// player reports. Players are witnesses: one that has seen more than the relay knows is believed to have, told nothing
// older, and shown as an alarm.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	memdb "github.com/hashicorp/go-memdb"

	"vitrine/cloud/api"
)

// Errors on which a caller decides.
var (
	ErrUnknown = errors.New("the relay has no such player")
	ErrChanged = errors.New("somebody else has changed the player meanwhile: look at it again, then repeat")
	ErrFull    = errors.New("the relay's disk is full up to its reserve: free some space or give it a larger one")
)

// How long things are believed, and how often reports are written.
const (
	grace     = 20 * time.Second // after a wait ended, or broke off, in which a player is still thought online
	askLife   = time.Minute      // a person's wish to see the screen
	tellAgain = 5 * time.Second  // before the same is told a second time to a player that still does not report it
	writeTime = 5 * time.Second  // between two writes of changed reports
)

// any revision of a record: see package shelf.
const anyRevision = ^uint64(0)

// records keeps values under keys with revisions: see package shelf for what it promises.
type records interface {
	Get(key string) ([]byte, uint64, error)
	Put(key string, value []byte, want uint64) (uint64, bool, error)
	PutAll(map[string][]byte) error
	Delete(key string, want uint64) (bool, error)
	DeleteAll(keys []string) error
	Each(prefix, after string, f func(key string, value []byte, rev uint64) bool) error
}

// Config says where a fleet keeps things.
type Config struct {
	Players  records // settings and keys, written through
	Reports  records // last heartbeats, written behind
	Proofs   records // plays, written before they are acknowledged
	Pictures string  // folder of screenshots
	Free     func() (int64, error)
	Reserve  int64 // bytes of the disk that must stay free
	Log      *slog.Logger
	Now      func() time.Time
}

// Member is a player that somebody has claimed.
type Member struct {
	api.Settings
	Public  []byte    `json:"public"`
	KeyID   string    `json:"key"`
	Seal    string    `json:"seal"`
	Claimed time.Time `json:"claimed"`
	Root    string    `json:"root,omitempty"` // of the publisher, as whoever claimed it says; "" = not said

	asked time.Time // a person wishes to see the screen
	store uint64    // revision of its record
}

// report is the last that a player said.
type report struct {
	ID      string
	Last    *api.Heartbeat
	Seen    time.Time
	Until   time.Time // thought online until
	Address string
	Picture time.Time
	Plays   *api.PlaysHead // the furthest that the player has signed
}

// root is the one row of its table.
type root struct {
	ID      string
	Version int
}

// siren is the one row of its table: how far the list of public warnings is.
type siren struct {
	ID     string
	Newest uint64
	State  string
}

// Fleet is all players.
type Fleet struct {
	cfg Config
	db  *memdb.MemDB

	importing sync.Mutex // plays that a person has carried here

	mu    sync.Mutex
	dirty map[string]bool // reports to write
	told  map[string]told
	waits int
	bad   map[string]string // alarms that were logged
}

// New reads the players and their last reports.
func New(cfg Config) (*Fleet, error) {
	db, err := memdb.NewMemDB(schema())
	if err != nil {
		return nil, fmt.Errorf("open fleet: %w", err)
	}
	f := &Fleet{cfg: cfg, db: db, dirty: map[string]bool{}, told: map[string]told{}, bad: map[string]string{}}
	if err := errors.Join(f.readPlayers(), f.readReports(), f.makePictures()); err != nil {
		return nil, fmt.Errorf("open fleet: %w", err)
	}
	return f, nil
}

func schema() *memdb.DBSchema {
	table := func(name, field string, more ...*memdb.IndexSchema) *memdb.TableSchema {
		t := &memdb.TableSchema{Name: name, Indexes: map[string]*memdb.IndexSchema{
			"id": {Name: "id", Unique: true, Indexer: &memdb.StringFieldIndex{Field: field}},
		}}
		for _, i := range more {
			t.Indexes[i.Name] = i
		}
		return t
	}
	return &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		"player":  table("player", "ID", &memdb.IndexSchema{Name: "key", Unique: true, Indexer: &memdb.StringFieldIndex{Field: "KeyID"}}),
		"report":  table("report", "ID"),
		"head":    table("head", "Name"),
		"channel": table("channel", "Group"),
		"root":    table("root", "ID"),
		"siren":   table("siren", "ID"),
		"post":    table("post", "ID"),
	}}
}

func (f *Fleet) readPlayers() error {
	var bad error
	tx := f.db.Txn(true)
	defer tx.Abort()
	err := f.cfg.Players.Each("", "", func(key string, v []byte, rev uint64) bool {
		m := &Member{store: rev}
		if bad = json.Unmarshal(v, m); bad == nil {
			bad = tx.Insert("player", m)
		}
		return bad == nil
	})
	tx.Commit()
	return errors.Join(err, bad)
}

func (f *Fleet) readReports() error {
	tx := f.db.Txn(true)
	defer tx.Abort()
	err := f.cfg.Reports.Each("", "", func(key string, v []byte, _ uint64) bool {
		r := &report{}
		if json.Unmarshal(v, r) != nil || r.ID != key {
			return true // it comes again with the next heartbeat
		}
		r.Until = time.Time{}
		return tx.Insert("report", r) == nil
	})
	tx.Commit()
	return err
}

// Run writes reports behind until ctx ends, and what is left then.
func (f *Fleet) Run(ctx context.Context) error {
	tick := time.NewTicker(writeTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return f.flush()
		case <-tick.C:
			if err := f.flush(); err != nil {
				f.cfg.Log.Error("reports not written", "err", err)
			}
		}
	}
}

func (f *Fleet) flush() error {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = map[string]bool{}
	f.mu.Unlock()
	if len(dirty) == 0 {
		return nil
	}
	out := make(map[string][]byte, len(dirty))
	tx := f.db.Txn(false)
	for id := range dirty {
		r, err := first[report](tx, "report", id)
		if err != nil || r == nil {
			continue
		}
		if b, err := json.Marshal(r); err == nil {
			out[id] = b
		}
	}
	if err := f.cfg.Reports.PutAll(out); err != nil {
		f.mu.Lock()
		for id := range dirty {
			f.dirty[id] = true
		}
		f.mu.Unlock()
		return fmt.Errorf("write reports: %w", err)
	}
	return nil
}

// first gives one row, or nil.
func first[T any](tx *memdb.Txn, table, id string) (*T, error) {
	row, err := tx.First(table, "id", id)
	if row == nil || err != nil {
		return nil, err
	}
	return row.(*T), nil
}

// insert replaces rows. An error would mean that the schema does not know the row's type.
func (f *Fleet) insert(table string, rows ...any) {
	tx := f.db.Txn(true)
	defer tx.Abort()
	for _, row := range rows {
		if err := tx.Insert(table, row); err != nil {
			f.cfg.Log.Error("row not taken", "table", table, "err", err)
		}
	}
	tx.Commit()
}

// Moved hears that a stream has a new head.
func (f *Fleet) Moved(s api.Stream) { f.insert("head", &s) }

// Followed hears that a group follows a stream.
func (f *Fleet) Followed(c api.Channel) { f.insert("channel", &c) }

// Unfollowed hears that a group follows nothing of its own.
func (f *Fleet) Unfollowed(group string) {
	tx := f.db.Txn(true)
	defer tx.Abort()
	if _, err := tx.DeleteAll("channel", "id", group); err != nil {
		f.cfg.Log.Error("channel not taken away", "group", group, "err", err)
	}
	tx.Commit()
}

// RootGrew hears of a new root version.
func (f *Fleet) RootGrew(version int) { f.insert("root", &root{"root", version}) }

// Warned hears that a public warning has come.
func (f *Fleet) Warned(newest uint64, state string) {
	f.insert("siren", &siren{"siren", newest, state})
}
