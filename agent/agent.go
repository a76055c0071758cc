// Package agent puts a player together.
//
//	relay ── uplink ──┐                 ┌── connect <── the customer's own sources
//	stick ── importer ┼──> store ──> playout ──> pipe ──> vitrine-render ──> screen
//	person ─ control ─┘      ▲          ├── siren <── warnings: a folder, a feed
//	                         └── plays ─┴──> health ──> uplink ──> relay
//
// The player plays from its store before it dials anything.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/agent/act"
	"vitrine/agent/alert"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/clock"
	"vitrine/agent/connect"
	"vitrine/agent/control"
	"vitrine/agent/health"
	"vitrine/agent/identity"
	"vitrine/agent/ladder"
	"vitrine/agent/logbook"
	"vitrine/agent/mailroom"
	"vitrine/agent/playout"
	"vitrine/agent/power"
	"vitrine/agent/secret"
	"vitrine/agent/sense"
	"vitrine/agent/siren"
	"vitrine/agent/store"
	"vitrine/agent/trigger"
	"vitrine/agent/update"
	"vitrine/agent/uplink"
	"vitrine/cloud/api"
	"vitrine/render/pipe"
	"vitrine/usb/importer"
	"vitrine/usb/udisks"
)

// Config is how a player is started.
type Config struct {
	Dir      string    // data folder
	Relay    string    // its address, https://…; "" = none: bundles come by stick or import
	Trust    api.Trust // which relay's certificates are believed
	Display  string    // X display; "" = $DISPLAY
	Headless string    // WIDTHxHEIGHT: into memory instead of a screen
	Renderer string    // path of vitrine-render; "" = found beside the player, in PATH, or by $VITRINE_RENDER
	Name     string    // until the relay's people have given one
	Lang     string    // "fr", "en"
	Probe    []string  // see store.Config
	Sticks   bool      // import from USB sticks, over D-Bus
	// StickKinds are the file systems of sticks that are read; none means vfat and exfat.
	StickKinds []string
	// StickReports: how an import went is written onto sticks that ask for it.
	StickReports bool
	// StickPassphrase opens sticks that are encrypted by it; "" = only those for the player's own key.
	StickPassphrase string
	// Port is where sticks are plugged in; nil = UDisks2.
	Port importer.Port
	// Public warnings (CAP): a folder of messages, a feed, and where the screen hangs; "" = none.
	Alerts    string
	AlertFeed string
	Site      alert.Site
	Lines     []sense.Line // of GPIO chips, that events may wait for
	// TriggerListen is a loopback address at which programs of this machine may set off triggers; "" = nowhere.
	TriggerListen string
	// Screen says how the picture comes onto displays: the renderer's flags, see ScreenFlags. What is set later stands instead.
	Screen map[string]string
	// ServiceKeys show the service page; Keys are others that are heard whatever window has the focus.
	ServiceKeys, Keys Keys
	// RendererMemory is the renderer's ceiling, bytes: it is started anew before it; 0 = by the machine's memory.
	RendererMemory int64
	// CEC switches displays on HDMI on and off as the schedule says, where there is an adapter for it.
	CEC bool
	// MayReboot lets the machine be started anew, once a day, when the screen stands still and nothing else has helped.
	MayReboot bool
	// Supervised: somebody starts the player again when it ends with ErrAgain.
	Supervised bool
	// Patience is how long the screen may stand still before something is started anew; 0 = 40 s.
	Patience time.Duration
	// Trial is how long a new bundle has to show something of its own before the one before comes back; 0 = a minute.
	Trial time.Duration
	// Fetch is how much of the line bundles may take, and when.
	Fetch uplink.Limits
	// UpdateTrial is how long a new version of the programs has to show anything before the one before comes back; 0 = 3 min.
	UpdateTrial time.Duration
	// Logbook keeps the player's last events for an export; nil = exports hold none.
	Logbook *logbook.Book
	Log     *slog.Logger
}

// Agent is a player.
type Agent struct {
	cfg      Config
	log      *slog.Logger
	begun    time.Time
	board    *health.Board
	store    *store.Store
	clock    *clock.Clock
	renderer *pipe.Renderer
	sources  *connect.Set
	siren    *siren.Siren
	playout  *playout.Playout
	actor    *act.Actor
	senses   *sense.Senses
	triggers *trigger.Server // nil: nobody listens
	ladder   *ladder.Ladder
	power    *power.Screen  // nil without CEC
	uplink   *uplink.Uplink // nil for a stranger
	me       *identity.Identity
	vault    *secret.Vault
	mail     *mailroom.Mailroom
	stranger bool          // its identity cannot be read or kept: me, vault and mail are nil
	reach    chan struct{} // a parcel names a relay
	programs *update.Programs
	renewed  chan struct{}                  // another version of the programs has come
	ordered  atomic.Pointer[parcel.Export]  // by the stick that is being taken; nil = none
	exported atomic.Pointer[control.Handed] // onto the last stick; nil = nothing
	control  *control.Server
	watcher  *udisks.Watcher    // nil without sticks
	importer *importer.Importer // nil without sticks
	sticks   sticks
	advice   advice
	trial    trial // only watch's goroutine uses it, and failed
	failed   bool  // the disk took nothing when it was last looked at
}

// trial is how a new bundle does.
type trial struct {
	digest bundle.Digest
	begun  time.Time
}

// New opens the store and wires the parts, in the order in which data flows. It starts nothing.
func New(cfg Config) (*Agent, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.RendererMemory <= 0 {
		cfg.RendererMemory = rendererCeiling()
	}
	if cfg.UpdateTrial <= 0 {
		cfg.UpdateTrial = updateTrial
	}
	if cfg.Trial <= 0 {
		cfg.Trial = time.Minute
	}
	a := &Agent{cfg: cfg, log: cfg.Log, begun: time.Now(), board: health.New(cfg.Log), reach: make(chan struct{}, 1),
		programs: update.Open(cfg.Dir, bundle.AgentVersion), renewed: make(chan struct{}, 1)}
	var err error
	believe := func() (time.Time, bool) { return a.clock.Believed() } // nobody asks before there is a clock
	if a.store, err = store.Open(store.Config{Dir: cfg.Dir, Probe: cfg.Probe, Believe: believe, Log: cfg.Log}); err != nil {
		return nil, err
	}
	live, _ := a.store.Live()
	a.advice.digest = live.Digest
	if err := a.wire(); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

func (a *Agent) wire() (err error) {
	cfg := a.cfg
	if a.clock, err = clock.New(clock.Config{Built: bundle.AgentDate(), Persisted: a.store.Floor().Time, Keep: a.store,
		Service: machineTime(), Log: cfg.Log}); err != nil {
		return err
	}
	if err = a.admit(); err != nil {
		return err
	}
	if a.renderer, err = pipe.New(pipe.Config{Program: cfg.Renderer, Args: a.withKeys(a.args(a.arranged())), Log: cfg.Log}); err != nil {
		return err
	}
	if a.sources, err = connect.New(connect.Config{Keep: a.store, Now: a.clock.Now, Deny: cfg.Dir, Pictures: filepath.Join(cfg.Dir, "pictures"), Secret: a.Secret, Renewed: a.secretsRenewed, Log: cfg.Log,
		Check: func(name string, err error) { a.board.Set(checkSource+name, err) }, Gone: func(name string) { a.board.Drop(checkSource + name) }}); err != nil {
		return err
	}
	if a.siren, err = siren.New(siren.Config{Folder: cfg.Alerts, Feed: cfg.AlertFeed, Site: cfg.Site, Keep: a.store,
		Check: func(err error) { a.board.Set("alerts", err) }, Trust: a.store.Trust, Player: a.known, Now: a.clock.Now, Log: cfg.Log}); err != nil {
		return err
	}
	if a.playout, err = playout.New(playout.Config{Store: a.store, Clock: a.clock, Feeds: a.sources, Warnings: a.siren, Screen: a.renderer,
		Changed: a.poke, Ceiling: cfg.RendererMemory, Service: a.service, ServiceKeys: cfg.ServiceKeys, Lang: cfg.Lang, Log: cfg.Log}); err != nil {
		return err
	}
	if a.ladder, err = a.newLadder(); err != nil {
		return err
	}
	if cfg.CEC {
		if a.power, err = power.New(power.Config{Want: a.lit, Check: func(err error) { a.board.Set("display", err) }, Log: cfg.Log}); err != nil {
			return err
		}
	}
	if err = a.wireDeeds(); err != nil {
		return err
	}
	a.showCard(nil)
	if !a.stranger { // else the screen goes on without a relay
		base, trust := a.relayNow()
		if a.uplink, err = uplink.New(uplink.Config{Base: base, Trust: trust, Identity: a.me, Store: a.store, Clock: a.clock, Describe: a.describe,
			Shot: a.playout.Shot, Claim: a.showCard, Check: a.reached, Warnings: a.siren,
			Fresh: func(err error) { a.board.Set("fresh", err) }, Mail: a.mail, Limits: cfg.Fetch, Log: cfg.Log}); err != nil {
			return err
		}
	}
	if err = a.wireSticks(); err != nil {
		return err
	}
	a.control, err = control.New(control.Config{Dir: cfg.Dir, Player: a, Scratch: a.store.Scratch, Log: cfg.Log})
	return err
}

// screen is what the renderer is told at its start.
func (c Config) screen() []string {
	switch {
	case c.Headless != "":
		return []string{"--headless", c.Headless}
	case c.Display != "":
		return []string{"--display", c.Display}
	}
	return nil
}

// Run plays until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	a.log.Info("player started", "version", bundle.AgentVersion, "data", a.cfg.Dir, "boot", a.store.Boot())
	g, ctx := errgroup.WithContext(ctx)
	type part interface{ Run(context.Context) error }
	for name, p := range map[string]part{"renderer": a.renderer, "playout": a.playout, "store": a.store} {
		g.Go(func() error {
			if err := p.Run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s ended: %w", name, err)
			}
			return nil
		})
	}
	others := map[string]part{"clock": a.clock, "sources": a.sources, "control": a.control, "alerts": a.siren, "actions": a.actor, "senses": a.senses}
	if a.cfg.Logbook != nil {
		others["log"] = a.cfg.Logbook
	}
	if a.triggers != nil {
		others["triggers"] = a.triggers
	}
	if a.power != nil {
		others["power"] = a.power
	}
	if a.uplink != nil {
		others["uplink"] = a.uplink
	}
	if a.watcher != nil {
		others["sticks"] = a.watcher
	}
	if a.importer != nil {
		others["importer"] = a.importer
	}
	for name, p := range others { // without them the screen goes on
		g.Go(func() error {
			if err := p.Run(ctx); err != nil && ctx.Err() == nil {
				a.board.Set(name, err)
			}
			return nil
		})
	}
	if a.uplink != nil {
		g.Go(func() error { return a.moving(ctx) })
	}
	g.Go(func() error { return a.renew(ctx) })
	g.Go(func() error { return a.watch(ctx) })
	g.Go(func() error { return a.climb(ctx) })
	err := g.Wait()
	a.log.Info("player stopped")
	return errors.Join(err, a.store.Close())
}

// watch tells the clock of a new bundle, and looks after what nobody else reports.
func (a *Agent) watch(ctx context.Context) error {
	tick := time.NewTicker(min(30*time.Second, a.cfg.Trial))
	defer tick.Stop()
	settled := time.NewTimer(settling + time.Second)
	defer settled.Stop()
	past := a.store.Floor().Time
	for {
		live, changed := a.store.Live()
		past = a.tellClock(past)
		a.checkUp(live)
		if err := a.recovered(); err != nil {
			return err
		}
		a.judge(ctx, live)
		a.showCard(a.claim())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			a.poke()
			settled.Reset(settling + time.Second)
		case <-settled.C: // the card may say now that nothing comes up
		case <-tick.C:
		}
	}
}

// judge goes back to the bundle before when nothing of a new one can be shown though the renderer runs.
func (a *Agent) judge(ctx context.Context, live *store.Live) {
	if live.Digest != a.trial.digest {
		a.trial = trial{digest: live.Digest, begun: time.Now()}
		return
	}
	p := a.playout.Status()
	failed := p.Showing.Scene == playout.CardItem && len(p.Quarantined) > 0 && p.Output != ""
	if live.Manifest == nil || !failed || time.Since(a.trial.begun) < a.cfg.Trial {
		return
	}
	a.log.Error("nothing of the new bundle can be shown; going back to the one before", "stream", live.Manifest.Stream, "seq", live.Manifest.Seq, "items", p.Quarantined)
	if err := a.store.Rollback(ctx); err != nil {
		a.trial.begun = time.Now() // there is none: the card stays, and it is tried again
		a.log.Error("did not go back", "error", err)
	}
}

// poke reports soon, where there is somebody to report to.
func (a *Agent) poke() {
	if a.power != nil {
		a.power.Poke()
	}
	if a.uplink != nil {
		a.uplink.Poke()
	}
}

// reached takes the uplink's word on the relay.
func (a *Agent) reached(err error) {
	a.board.Set("relay", err)
	a.playout.SetMetric("relay.connected", err == nil)
	a.advice.setRelay(err)
	a.showCard(a.claim())
}

// tellClock tells the clock what publishers have signed, and when that is taken back; was is what was past the last time.
func (a *Agent) tellClock(was time.Time) (past time.Time) {
	f := a.store.Floor()
	if f.Time.Before(was) {
		a.clock.Lower(f.Time)
	}
	for _, issued := range f.Issued {
		a.clock.Issued(issued)
	}
	return f.Time
}
