// Package playout turns the live bundle and the sources' rows into scenes, and keeps the renderer busy with them.
//
//	store.Live ──> schedule.Plan.At ──> loop ──> scene: files resolved, rows bound ──Queue──> renderer
//	    ▲ watch           ▲ one timer      │                                                    │
//	clock, quarantine ────┘                └────────── next turn <── started, ended, failed ────┘
//	                                                      └──> proof of play ──> store
//
// The screen is never black: the next scene is queued as soon as one has started, what cannot be shown is skipped, and at
// the end of all layers stands the player's own card.
//
// When a new bundle comes, an item that is in it unchanged goes on; any other leaves at its end when that is less than a
// tenth of a second away, and at once otherwise: who publishes sees it as soon as its first frame is ready. A stronger layer and a higher priority
// cut, an equal or lower one waits for the item's end, unless the event's onStart says otherwise: cut, finish (at most
// maxWait), pause. What a stronger event has interrupted comes back as that event's onEnd says: next, resume where the item
// was cut, restart the item; resume after a pause and next otherwise. An event that aligns joins its loop where the time of
// day says, by a trusted clock only, without interrupts, and where each item's length is known from the bundle.
//
// What an event's conditions (when) may ask, for a source called menus:
//
//	menus.count         rows, a number
//	menus.stale         true: they could not be renewed in time
//	menus[0].price      the column price of the first row, menus[9].price of the tenth and last: a number where it is written as
//	                    one, else true, false, a date (2027-01-31) or a text
//	menus.first.price   the same as menus[0].price
//	menus.fetched_at    when they were last renewed, a text (RFC 3339)
//	menus.error         why they cannot be renewed, one of the words of connect.Class; "" = they can
//	relay.connected     true or false; not known on a player without a relay
//	touch.idle          whole seconds since somebody touched the screen or a key, from the player's start on
//	temperature         of the machine's hottest sensor, whole degrees Celsius; temperature.NAME of each, as agent/sense names them
//	network.up          true: some interface but loopback has a link and an address; network.link.eth0 of each
//	network.address     the machine's first address, a text; network.address.eth0 of each interface
//	gpio.door           true: the line that the player was told to call door is active
//
// The schedule is asked again when one of them changes that some event names, and at the very second at which touch.idle
// reaches what some event compares it with; other changes wake nobody.
//
// An event with a trigger is let play when somebody touches the screen or a key, a line becomes active, or a program of the
// machine says so; it leaves the screen at the end of its time, else of its items, and what was on goes on where it was, unless
// its onEnd says otherwise.
//
// What is not known makes a condition false: a source that has given nothing yet, a column that is not there or empty, rows
// too old to be shown.
package playout

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/connect"
	"vitrine/agent/schedule"
	"vitrine/agent/store"
	"vitrine/cloud/api"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

const (
	guard    = 60 * time.Second       // between two decisions at most
	startMax = 15 * time.Second       // for a scene's first frame
	stuckMax = 15 * time.Second       // without a presented frame of a video
	overtime = 10 * time.Second       // beyond a scene's own length
	soon     = 100 * time.Millisecond // an end so near is waited for when a new bundle comes
)

type library interface {
	Live() (*store.Live, <-chan struct{})
	Record(api.Proof)
	KeepMemo(name string, memo []byte) error
	Memo(name string) ([]byte, bool)
	Doubt(scene string)
}

type timekeeper interface {
	Now() time.Time
	State() (clock.State, <-chan struct{})
}

type feeds interface {
	Use(specs map[string]bundle.SourceSpec, home connect.Home, file func(name string) (string, bool))
	Result(source string) (connect.Result, bool)
	Changed() <-chan struct{}
}

type renderer interface {
	Send(pipe.Command) error
	Reports() <-chan pipe.Report
}

// Config is what playout works with.
type Config struct {
	Store  library
	Clock  timekeeper
	Feeds  feeds // nil = no sources
	Screen renderer
	// Warnings take the screen as emergencies, with or without a bundle; nil = none.
	Warnings warnings
	// Changed hears that another programme has begun, or that the renderer is down or up again; it must not block. nil = nobody listens.
	Changed func()
	// Ceiling of the renderer's memory, bytes: it is started anew at a boundary between items before it; 0 = none.
	Ceiling int64
	Lang    string // of what the player says itself, "fr" or "en", when the settings name none
	// Service says what is on the service page, in a language; nil = there is none. ServiceKeys call it and send it away, named
	// as pipe.Input names them.
	Service     func(lang string) scene.Card
	ServiceKeys []string
	Log         *slog.Logger
}

// Status is what playout is doing, for people and the relay.
type Status struct {
	Showing     api.Showing
	Next        time.Time         // when the schedule changes; zero = never
	Quarantined map[string]string // item -> why
	Rejected    []string          // rules of the schedule that were left out, in words
	Output      string            // of the renderer; "" = it is not running
	Fault       string            // why the renderer ended; "" = it runs, or has not been up yet
	Unplugged   bool              // no display is connected
	Size        scene.Size
	Presented   uint64
	Dropped     uint64
	Memory      int64 // of the renderer, bytes
	// Skew is by how many seconds the aligned video that is furthest off is ahead of its time; nil = none is on, or not known yet.
	Skew       *float64
	Hwdec      string
	PID        int  // of the renderer's process
	Renewed    int  // how often the renderer was started anew for its memory
	Overweight bool // what is shown needs more than the renderer's ceiling
}

// Playout drives one screen.
type Playout struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{}

	mu      sync.Mutex
	status  Status
	card    scene.Card
	shots   map[string]chan error // by path
	own     map[string]any        // metrics of the player itself
	fine    time.Time             // when the screen last was as it should be
	turned  time.Time             // when Run last looked
	sound   sound
	service service
	sign    sign

	// Only Run's goroutine uses what follows.
	live     *store.Live
	plan     *schedule.Plan
	all      []schedule.Event // of the bundle and the alerts
	alerts   alerts
	decision schedule.Decision
	loop     []string
	pos      int     // in loop, of what is queued next
	again    *turn   // an interrupted turn that comes before that; nil = none
	back     *place  // where again is from
	joined   uint64  // showing that an aligned loop was joined from
	left     []place // programmes that stronger ones have interrupted, weakest first
	on       *showing
	waiting  *showing
	open     map[uint64]*showing // told to the renderer, not ended
	ids      uint64
	sick     quarantine
	overlays string // as they were last told
	settings pipe.Command
	home     connect.Home // as the sources were told
	cutAt    time.Time    // when what waits must be shown at the latest; zero = at the item's end
	retry    time.Time    // not before: after the card itself has failed
	moved    time.Time    // when a frame was last presented
	up       time.Time    // when the renderer was last ready
	begun    time.Time
	shares   shares
	visitors visitors
	watch    watch
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Playout, error) {
	if cfg.Store == nil || cfg.Clock == nil || cfg.Screen == nil {
		return nil, errors.New("playout: a store, a clock and a screen are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	return &Playout{cfg: cfg, log: cfg.Log, wake: make(chan struct{}, 1), shots: map[string]chan error{}, own: map[string]any{},
		open: map[uint64]*showing{}, sick: quarantine{}, watch: watch{deaths: map[string]int{}}, sound: sound{own: full, most: full, told: -1}}, nil
}

// SetCard says what the player's own page shows.
func (p *Playout) SetCard(c scene.Card) {
	p.mu.Lock()
	same := reflect.DeepEqual(p.card, c)
	p.card = c
	p.mu.Unlock()
	if same {
		return
	}
	p.nudge()
}

// Status says what is on.
func (p *Playout) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Shot writes a picture of what is really shown, .png or .jpg by the path's end, width pixels wide; 0 = as shown.
func (p *Playout) Shot(ctx context.Context, path string, width int) error {
	done := make(chan error, 1)
	p.mu.Lock()
	p.shots[path] = done
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.shots, path)
		p.mu.Unlock()
	}()
	if err := p.cfg.Screen.Send(pipe.Command{Op: pipe.OpShot, Path: path, Width: width}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("the renderer has not taken the picture in time; try again in some seconds")
	}
}

// Run plays until ctx ends. It plays with whatever there is: no bundle, no rows, no clock, no renderer.
func (p *Playout) Run(ctx context.Context) error {
	p.begun = time.Now()
	p.isFine(p.begun)
	p.recall()
	p.recallVolume()
	defer func() { p.remember(0) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var fresh, feeds, stepped, warned <-chan struct{}
	for {
		if p.cfg.Feeds != nil {
			feeds = p.cfg.Feeds.Changed()
		}
		if p.cfg.Warnings != nil {
			warned = p.cfg.Warnings.Changed()
		}
		_, stepped = p.cfg.Clock.State()
		fresh = p.decide()
		p.mu.Lock()
		p.turned = time.Now()
		p.mu.Unlock()
		p.remember(guard)
		timer.Reset(p.pause())
		again := false
		for !again {
			select {
			case <-ctx.Done():
				return nil
			case r := <-p.cfg.Screen.Reports():
				again = p.hear(r)
			case <-fresh:
				again = true
			case <-feeds:
				again = true
			case <-stepped:
				again = true
			case <-warned:
				again = true
			case <-p.wake:
				again = true
			case <-timer.C:
				again = true
			}
		}
	}
}

// pause is how long the present decision stands: until the schedule's next change, the end of a quarantine, or a minute.
func (p *Playout) pause() time.Duration {
	d := guard
	due := func(t, now time.Time) {
		if !t.IsZero() {
			d = min(d, max(t.Sub(now), time.Millisecond))
		}
	}
	due(p.alerts.next, p.cfg.Clock.Now())
	due(p.sound.next, p.cfg.Clock.Now()) // which only this goroutine writes
	if p.decision.Next != nil {
		due(*p.decision.Next, p.cfg.Clock.Now())
	}
	p.mu.Lock()
	page, strip := p.service.due, p.sign.until
	p.mu.Unlock()
	for _, t := range []time.Time{page, strip, p.cutAt, p.retry, p.sick.next(time.Now()), p.shares.due} {
		due(t, time.Now())
	}
	return d
}
