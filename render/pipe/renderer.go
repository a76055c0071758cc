package pipe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"vitrine/render/scene"
)

const (
	program    = "vitrine-render"
	silence    = 5 * time.Second
	patience   = 3               // times Silence, until the first report of a new process
	healthy    = 5 * time.Second // a life this long forgives the deaths before it
	quickest   = 25 * time.Millisecond
	slowest    = 10 * time.Second
	afterShown = time.Second // ceiling of the pause when the renderer had content on the screen
)

// Config says which program to run.
type Config struct {
	Program string   // path of vitrine-render; "" = looked for, see Find
	Args    []string // --display :0, --headless 1920x1080 …
	Env     []string // as in os/exec; nil = the player's own
	// Hold leaves the last frame on the screen when Run ends, for a player that will be back at once.
	Hold bool
	// Silence is how long a renderer may go without a pulse before it is taken for stuck and killed; 0 = 5 s.
	Silence time.Duration
	Log     *slog.Logger // nil = slog.Default()
}

// Renderer is the player's end: one renderer process at a time, started again whenever it ends.
type Renderer struct {
	cfg     Config
	reports chan Report

	mu     sync.Mutex
	memory memory
	live   *process // nil between two processes
	args   []string
	hold   bool
	anew   string          // why the living process is to be replaced; "" = it is not
	said   map[string]bool // on stderr, by a process that died before it showed anything; only Run uses it
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Renderer, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Silence <= 0 {
		cfg.Silence = silence
	}
	return &Renderer{cfg: cfg, args: cfg.Args, hold: cfg.Hold, reports: make(chan Report, 256)}, nil
}

// Find returns the path of vitrine-render: beside the running program, else in PATH, else $VITRINE_RENDER.
func Find() (string, error) {
	if own, err := os.Executable(); err == nil {
		p := filepath.Join(filepath.Dir(own), program)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	if p, err := exec.LookPath(program); err == nil {
		return p, nil
	}
	if p := os.Getenv("VITRINE_RENDER"); p != "" {
		return p, nil
	}
	return "", errors.New("vitrine-render is not beside this program, not in PATH, and VITRINE_RENDER is not set; install it or set VITRINE_RENDER to its path")
}

// Reports yields what the renderer says. Pulses are left out when nobody listens; the channel is never closed.
func (r *Renderer) Reports() <-chan Report { return r.reports }

// Send tells the renderer. It never waits: without a living process the command is remembered for the next one,
// but for shots, which are refused then.
func (r *Renderer) Send(c Command) error {
	if err := c.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Op == OpQuit {
		return errors.New("the renderer is quit by ending Run, not by a command: it would only be started again")
	}
	now := r.memory.take(c)
	if r.live == nil {
		if c.Op == OpShot {
			return errors.New("no picture of the screen can be taken: the renderer is not running; try again in some seconds")
		}
		return nil
	}
	if now {
		return r.live.send(c)
	}
	return nil
}

// Restart replaces the living process by a new one: it leaves its last frame on the screen and ends, or is killed when it
// does not, and the next one is told what it showed. That is no failure and is not reported as one. Without a living
// process there is nothing to do.
func (r *Renderer) Restart(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live == nil || r.anew != "" {
		return
	}
	r.anew = why
	r.live.replace()
}

// SetArgs gives the next process other arguments.
func (r *Renderer) SetArgs(args []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.args = args
}

// Hold leaves the last frame on the screen when Run ends, as Config.Hold does.
func (r *Renderer) Hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = true
}

// planned is why the process that has ended was to end; "" = it was not.
func (r *Renderer) planned() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	why := r.anew
	r.anew = ""
	return why
}

// Run keeps a renderer process alive until ctx ends. A process that ends is started again: at once when it had been
// showing something, else after a pause that doubles up to 10 s. It returns nil.
func (r *Renderer) Run(ctx context.Context) error {
	deaths := 0
	var lastErr string
	for ctx.Err() == nil {
		begin := time.Now()
		shown, err := r.live1(ctx)
		if ctx.Err() != nil {
			break
		}
		if why := r.planned(); why != "" && shown {
			r.cfg.Log.Info("renderer replaced", "why", why)
			deaths, lastErr = 0, ""
			continue
		}
		if time.Since(begin) >= healthy {
			deaths = 0
		}
		pause := backoff(deaths, shown || killed(err)) // one that was killed is not to blame
		deaths++
		if err != nil && (err.Error() != lastErr || shown) {
			lastErr = err.Error()
			r.cfg.Log.Error("renderer ended", "error", lastErr, "again_in", pause)
			r.tell(ctx, Report{Ev: EvFailed, At: time.Now(), Reason: ReasonGone, Error: lastErr, Killed: killed(err)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// backoff is the pause before the next start: none after the first death.
func backoff(deaths int, shown bool) time.Duration {
	if deaths == 0 {
		return 0
	}
	ceiling := slowest
	if shown {
		ceiling = afterShown
	}
	d := min(quickest<<min(deaths, 16), ceiling)
	return d/2 + rand.N(d/2+1)
}

// live1 starts one process and follows it to its end. It says whether that process had content on the screen.
func (r *Renderer) live1(ctx context.Context) (shown bool, err error) {
	path := r.cfg.Program
	if path == "" {
		if path, err = Find(); err != nil {
			return false, err
		}
	}
	r.mu.Lock()
	args := r.args
	r.mu.Unlock()
	p, err := start(path, args, r.cfg.Env, r.cfg.Log, r.said)
	if err != nil {
		return false, fmt.Errorf("start %s: %w; check that the file is there and may be run", path, err)
	}
	r.mu.Lock()
	for _, c := range r.memory.replay(time.Now()) {
		_ = p.send(c) // a full queue ends the process, which p.follow reports
	}
	r.live, r.anew = p, ""
	r.mu.Unlock()

	err = p.follow(ctx, r.cfg.Silence, r.held, func(rep Report) {
		shown = shown || rep.Ev == EvStarted
		r.heard(ctx, p, rep)
	})
	r.mu.Lock()
	r.live = nil
	r.mu.Unlock()
	if r.said = p.said; shown {
		r.said = nil
	}
	return shown, err
}

func (r *Renderer) held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hold
}

func (r *Renderer) heard(ctx context.Context, p *process, rep Report) {
	r.mu.Lock()
	if rep.Ev == EvMonitors && rep.Reason == ReasonAnew && r.anew == "" {
		r.anew = "the displays have changed"
	}
	due, tell := r.memory.note(rep, time.Now())
	for _, c := range due {
		_ = p.send(c)
	}
	r.mu.Unlock()
	if tell {
		r.tell(ctx, rep)
	}
}

func (r *Renderer) tell(ctx context.Context, rep Report) {
	if rep.Ev == EvPulse {
		select {
		case r.reports <- rep:
		default: // the next pulse says the same
		}
		return
	}
	select {
	case r.reports <- rep:
	case <-ctx.Done():
	}
}

func durationSince(t, now time.Time) scene.Duration { return scene.Duration(max(0, now.Sub(t))) }
