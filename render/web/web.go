// Package web answers: what does this page of HTML look like now?
//
//	item ──> Page ──> tab ──commands──> ┌──────────┐ ──request──> files of the page's folder
//	                   ^                │ Chromium │
//	          pictures └── wire (pipes) └──────────┘ ──gate──> the page's hosts, and nothing else
//
// Debian's headless Chromium draws: a page from the bundle (Item.Files are the files of its folder) or one by https. One
// browser serves all pages; it is started when the first one comes, again when it dies, and anew when it has grown, and it
// ends with this process. A page is shown once its fonts and pictures are there and then stands still until Play. Opaque
// pages come as JPEG while they move and as they are when they rest; what does not change costs nothing. Nothing but the
// page's own document is ever seen: no error of a server, a network, a certificate or a script, no dialog, popup, download
// or permission; a document that is none leaves the last good one where it is.
//
// # What a page finds
//
// A CSS pixel is a pixel of the canvas. What the page does not paint lets the zones below shine through, where it is one
// of the bundle; elsewhere the ground is white. Pages have no sound.
//
//	window.vitrine         {rows, locale, zone, now()}: rows are those of the item's source, each a column's name -> text
//	event vitrine:rows     on the document: the rows have changed (vitrine.rows are the new ones)
//	event vitrine:play     on the document: the page comes onto the screen
//
// Pages without scripts name columns in their HTML; what a row holds is only ever text there, never HTML or a script:
//
//	<li data-vitrine-each="8"><b>{{title}}</b> {{price}}</li>     once for each row, for the first 8; without a number, for all
//	<h1 data-vitrine-first>{{day}}</h1>                           once, from the first row
//	<img data-vitrine-if="picture" src="dishes/{{picture}}">      left out, within one of these, where the column is empty
//	<p data-vitrine-empty>Nothing today</p>                       there while there are no rows
//
// testdata/menu is an example. A page of the bundle runs the scripts of its files and those in its HTML as it was signed,
// and no others (package policy); it sees its folder, and of the network what Item.Hosts names.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"vitrine/render/scene"
)

// Config is what a Browser needs. All of it may be left out.
type Config struct {
	Program string // the browser's; "" = chromium-headless-shell, else chromium, from the PATH
	Memory  int64  // bytes that the browser may have with all its pages; 0 = 1 GiB, a third of a smaller machine's
	Log     *slog.Logger

	flags   []string      // more of the browser's
	own     bool          // pages may be on this machine, by http too: for tests
	endless time.Duration // a script that takes as long has no end; 0 = 10 s
	renew   time.Duration // a page that has been on for as long moves to another browser when its own is at its end; 0 = 10 min
}

// Place is what a page needs to know to write times and numbers. The zero value is that of the machine.
type Place struct {
	Zone   string // IANA
	Locale string // "fr"
}

// ErrMissing says that no browser is installed.
var ErrMissing = errors.New("web pages cannot be shown: chromium is not installed; apt install chromium-headless-shell (or chromium)")

// Browser opens pages. Its methods may be called from any goroutine.
type Browser struct {
	cfg    Config
	launch launch
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc

	starting sync.Mutex // held while a browser starts

	mu       sync.Mutex
	place    Place
	now      *engine // for the next page
	all      map[*engine]bool
	failures int // starts and short lives in a row
	retry    time.Time
}

const (
	restTime = 2 * time.Minute // a browser without a page is kept for as long
	longLife = time.Minute     // one that lived for as long was well
	maxPause = 30 * time.Second
	maxAge   = 24 * time.Hour // of a browser: then no page comes to it any more
)

// New finds the browser and starts nothing. The error is ErrMissing where there is none.
func New(cfg Config) (*Browser, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	program, err := find(cfg.Program)
	if err != nil {
		return nil, err
	}
	user, err := lesser()
	if err != nil {
		return nil, err
	}
	if cfg.Memory == 0 {
		cfg.Memory = ceiling
		if m := total() / 3; m > 0 {
			cfg.Memory = min(cfg.Memory, m)
		}
	}
	if cfg.endless == 0 {
		cfg.endless = endless
	}
	if cfg.renew == 0 {
		cfg.renew = renewAfter
	}
	home := ram(user)
	sweep(home)
	ctx, cancel := context.WithCancel(context.Background())
	return &Browser{
		cfg: cfg, log: cfg.Log, ctx: ctx, cancel: cancel, all: map[*engine]bool{},
		launch: launch{program: program, flags: cfg.flags, memory: home, user: user},
	}, nil
}

// find is the path of the browser's own program: Debian's chromium is a script that would add options.
func find(named string) (string, error) {
	names := []string{"chromium-headless-shell", "/usr/lib/chromium/chromium", "chromium"}
	if named != "" {
		names = []string{named}
	}
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p, nil
		}
	}
	return "", ErrMissing
}

// Settle says where the screen is: for documents that are loaded from now on.
func (b *Browser) Settle(p Place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = p
}

// Open makes a page that has nothing loaded. wake is called when there is something new to ask it.
func (b *Browser) Open(wake func()) *Page {
	return &Page{b: b, wake: wake, scale: 1, plays: make(chan struct{}), rows: make(chan struct{}, 1), taps: make(chan [2]float64, 16)}
}

// Close ends all browsers; pages that are still open show their last picture.
func (b *Browser) Close() {
	b.cancel()
	b.starting.Lock() // none is on its way any more
	defer b.starting.Unlock()
	b.mu.Lock()
	all := make([]*engine, 0, len(b.all))
	for e := range b.all {
		all = append(all, e)
	}
	b.mu.Unlock()
	for _, e := range all {
		e.kill()
		<-e.ended
	}
}

// acquire is a browser that a page may use until its release.
func (b *Browser) acquire(ctx context.Context) (*engine, error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	if err := errors.Join(ctx.Err(), b.ctx.Err()); err != nil {
		return nil, err
	}
	b.mu.Lock()
	e, wait := b.now, time.Until(b.retry)
	b.mu.Unlock()
	if e != nil && e.take() {
		return e, nil
	}
	if wait > 0 {
		return nil, fmt.Errorf("the browser keeps ending; it is started again in %s", wait.Round(time.Second))
	}
	e, err := b.start(ctx)
	if err != nil {
		b.failed()
		return nil, err
	}
	e.take()
	b.mu.Lock()
	b.now, b.all[e] = e, true
	b.mu.Unlock()
	go b.watch(e)
	return e, nil
}

// start starts a browser: in its own sandbox, or as nobody where root has none to give.
func (b *Browser) start(ctx context.Context) (*engine, error) {
	began := time.Now()
	e, err := b.launch.start(ctx)
	var down *startError
	if errors.As(err, &down) && down.caged() && !b.launch.free {
		if b.launch.user == nil {
			return nil, fmt.Errorf("web pages cannot be shown: the browser has no sandbox here, and no page is shown without; "+
				"apt install chromium-sandbox, or allow user namespaces (RestrictNamespaces= of the player's unit). %w", err)
		}
		b.log.Warn("browser has no sandbox here", "instead", "it runs as nobody", "said", down.said)
		b.launch.free = true
		e, err = b.launch.start(ctx)
	}
	if err == nil {
		b.log.Info("browser started", "program", b.launch.program, "pid", e.pid, "took", time.Since(began).Round(time.Millisecond))
	}
	return e, err
}

// failed makes the pause before the next start longer.
func (b *Browser) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures++; b.failures > 3 { // a browser that somebody killed comes back at once
		b.retry = time.Now().Add(min(maxPause, time.Second<<min(b.failures-4, 5)))
	}
}

// filesOf are the files of a page from the bundle, and the name of its document among them.
func filesOf(item scene.Item) (map[string]string, string, error) {
	if _, ok := item.Files[item.Src]; ok {
		return item.Files, item.Src, nil
	}
	name := lastOf(item.Src)
	if _, ok := item.Files[name]; ok {
		return item.Files, name, nil
	}
	if len(item.Files) == 0 && item.Src != "" {
		return map[string]string{name: item.Src}, name, nil
	}
	return nil, "", fmt.Errorf("the page %s is not among the files of its folder", item.Src)
}
