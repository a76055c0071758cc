// Package cloud wires the relay.
//
//	shelf ──> depot ──moves──> fleet
//	            └──────┬─────────┘
//	account ──> gate (API) + web (pages) ──> TLS listener ──> players, people
package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/cloud/account"
	"vitrine/cloud/ca"
	"vitrine/cloud/depot"
	"vitrine/cloud/fleet"
	"vitrine/cloud/gate"
	"vitrine/cloud/shelf"
	"vitrine/cloud/web"
)

// Config is what an operator of a relay decides. Only Data is needed.
type Config struct {
	Data      string         // folder; made with mode 0700
	Listen    string         // "" = ":8443"
	Names     []string       // that the relay answers to, besides this machine's own
	Cert, Key string         // PEM files; "" = the relay's own authority
	Ops       string         // address of /livez, /readyz, /metrics; "" = none
	Redirect  string         // address that sends http:// to https://; "" = none
	Reserve   int64          // bytes of the disk that stay free; 0 = 1 GiB
	Session   time.Duration  // life of players' sessions, 15 to 60 minutes; 0 = 30 minutes
	Proxies   []netip.Prefix // in front of the relay, whose X-Forwarded-For is believed; nil = none
	Plays     time.Duration  // that plays stay before they are put away into files; 0 = 400 days, negative = for ever
	Grace     time.Duration  // that blobs and manifests stay which nothing names any more; 0 = a week, at least an hour
	Log       *slog.Logger   // nil = slog.Default()
	Now       func() time.Time
}

// Relay is the relay.
type Relay struct {
	cfg   Config
	shelf *shelf.Shelf
	admin *account.Administrator
	files *depot.Files
	fleet *fleet.Fleet
	gate  *gate.Gate
	goods *depot.Depot
	own   *ca.Authority // nil with Cert

	tls       *tls.Config
	listener  *gate.Listener
	ops, port net.Listener
}

// New opens a relay's folder and its listeners, and starts nothing.
func New(cfg Config) (*Relay, error) {
	cfg = cfg.defaults()
	if cfg.Session < 15*time.Minute || cfg.Session > time.Hour {
		return nil, fmt.Errorf("sessions of %s are not within 15m to 1h", cfg.Session)
	}
	if cfg.Grace < time.Hour {
		return nil, fmt.Errorf("a grace of %s is shorter than an hour, and a push may take that long", cfg.Grace)
	}
	if err := ownFolder(cfg); err != nil {
		return nil, err
	}
	r := &Relay{cfg: cfg}
	if err := errors.Join(os.MkdirAll(cfg.Data, 0o700), os.Chmod(cfg.Data, 0o700)); err != nil {
		return nil, fmt.Errorf("open relay: %w", err)
	}
	if err := r.openStores(); err != nil {
		return nil, errors.Join(fmt.Errorf("open relay: %w", err), r.Close())
	}
	if err := r.openDoor(); err != nil {
		return nil, errors.Join(fmt.Errorf("open relay: %w", err), r.Close())
	}
	return r, nil
}

func (c Config) defaults() Config {
	if c.Listen == "" {
		c.Listen = ":8443"
	}
	if c.Reserve == 0 {
		c.Reserve = 1 << 30
	}
	if c.Plays == 0 {
		c.Plays = 400 * 24 * time.Hour
	}
	if c.Grace == 0 {
		c.Grace = 7 * 24 * time.Hour
	}
	if c.Session == 0 {
		c.Session = 30 * time.Minute
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// ownFolder refuses a folder that is a player's: both would write there, and each would clear away what it does not know.
func ownFolder(c Config) error {
	if _, err := os.Stat(c.path("relay.db")); err == nil {
		return nil // a relay was at home here before
	}
	for _, theirs := range []string{"index.db", "diary.db"} {
		if _, err := os.Stat(c.path(theirs)); err == nil {
			return fmt.Errorf("%s is a player's folder, and a relay needs one of its own: choose another with --data", c.Data)
		}
	}
	return nil
}

func (c Config) path(name string) string { return filepath.Join(c.Data, name) }

// AdminPath is the file of the administrator's token in a relay's folder.
func AdminPath(data string) string { return Config{Data: data}.path("admin.json") }

// CAPath is the folder of the relay's own authority in a relay's folder.
func CAPath(data string) string { return Config{Data: data}.path("tls") }

func (r *Relay) openStores() (err error) {
	if r.shelf, err = shelf.Open(r.cfg.path("relay.db")); err != nil {
		return err
	}
	if r.admin, err = account.OpenAdministrator(AdminPath(r.cfg.Data)); err != nil {
		return err
	}
	if r.files, err = depot.OpenFiles(r.cfg.path("blobs"), r.cfg.Reserve); err != nil {
		return err
	}
	cases := map[string]*shelf.Case{}
	for _, name := range []string{"players", "reports", "proofs"} {
		if cases[name], err = r.shelf.Case(name); err != nil {
			return err
		}
	}
	r.fleet, err = fleet.New(fleet.Config{Players: cases["players"], Reports: cases["reports"], Proofs: cases["proofs"],
		Pictures: r.cfg.path("pictures"), Free: r.files.Free, Reserve: r.cfg.Reserve, Log: r.cfg.Log, Now: r.cfg.Now})
	return err
}

func (r *Relay) openDoor() error {
	manifests, err := depot.OpenFiles(r.cfg.path("manifests"), r.cfg.Reserve)
	if err != nil {
		return err
	}
	index, err := r.shelf.Case("depot")
	if err != nil {
		return err
	}
	goods, err := depot.New(depot.Config{Blobs: r.files, Manifests: manifests, Index: index, Watcher: r.fleet, Log: r.cfg.Log, Now: r.cfg.Now})
	if err != nil {
		return err
	}
	r.goods = goods
	if err := r.certificate(); err != nil {
		return err
	}
	timeKey, err := ca.TimeKey(r.cfg.path("time.key"))
	if err != nil {
		return err
	}
	pin := ""
	if r.own != nil {
		pin = r.own.Pin()
	}
	pages, err := web.New(web.Config{People: r.admin, Sessions: account.NewSessions(12*time.Hour, 50, r.cfg.Now), Fleet: r.fleet,
		Streams: goods.Streams, Channels: goods.Channels, Pin: pin, Now: r.cfg.Now})
	if err != nil {
		return err
	}
	r.gate = gate.New(gate.Config{Depot: goods, Fleet: r.fleet, People: r.admin, Devices: account.NewSessions(r.cfg.Session, 4, r.cfg.Now),
		Browsers: pages, Pages: pages.Routes, Proxies: r.cfg.Proxies, TimeKey: timeKey, Log: r.cfg.Log, Now: r.cfg.Now, Started: r.cfg.Now()})
	return r.listen()
}

// Token makes the administrator's token if there is none yet; "" = there is one, and nobody can show it again.
func (r *Relay) Token() (string, error) {
	if r.admin.Exists() {
		return "", nil
	}
	return r.admin.Replace(r.cfg.Now())
}

// Authority is the relay's own certificate authority, or nil when it was given a certificate.
func (r *Relay) Authority() *ca.Authority { return r.own }

// Addr is where the relay listens.
func (r *Relay) Addr() net.Addr { return r.listener.Addr() }

// OpsAddr is where the relay's metrics are, or nil.
func (r *Relay) OpsAddr() net.Addr {
	if r.ops == nil {
		return nil
	}
	return r.ops.Addr()
}

// RedirectAddr is where http:// is sent on from, or nil.
func (r *Relay) RedirectAddr() net.Addr {
	if r.port == nil {
		return nil
	}
	return r.port.Addr()
}

// Routes is the table of all routes.
func (r *Relay) Routes() []gate.Route { return r.gate.Routes() }

// Run serves until ctx ends, then answers who waits and writes what was only in memory.
func (r *Relay) Run(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.fleet.Run(ctx) })
	all.Go(func() error { return r.tidy(ctx) })
	all.Go(func() error { return r.listener.Run(ctx) })
	all.Go(func() error { return r.serve(ctx, r.listener, r.gate.Handler()) })
	if r.ops != nil {
		all.Go(func() error { return r.serve(ctx, r.ops, r.opsHandler()) })
	}
	if r.port != nil {
		all.Go(func() error { return r.serve(ctx, r.port, http.HandlerFunc(r.redirect)) })
	}
	r.cfg.Log.Info("relay started", "address", r.Addr().String(), "data", r.cfg.Data)
	err := all.Wait()
	r.cfg.Log.Info("relay stopped")
	return errors.Join(err, r.Close())
}

// Close closes what New opened; after Run it has nothing left to do.
func (r *Relay) Close() (err error) {
	for _, l := range []net.Listener{r.ops, r.port} {
		if l != nil {
			l.Close() // closed already by its server, mostly
		}
	}
	if r.listener != nil {
		r.listener.Close()
	}
	if r.shelf != nil {
		err = r.shelf.Close()
	}
	return err
}
