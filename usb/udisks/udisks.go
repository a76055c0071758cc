// Package udisks says which USB sticks are plugged in, and mounts them so that nothing on them can act.
//
//	UDisks2 ──signals, list──> Watcher.Run ──Came, Gone──> Events ──> importer
//	   ^                                                                │
//	   └───────── Mount (ro,nosuid,nodev,noexec; checked), Unmount <────┘
//
// Signals only say that something has changed: what there is comes from UDisks2's own list, read again after each of
// them. Doubled, late and partial announcements, all of which happen, cannot mislead it then.
package udisks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of UDisks2's D-Bus interface (UDisks2 reference manual, "D-Bus API").
const (
	busName    = "org.freedesktop.UDisks2"
	managerAt  = dbus.ObjectPath("/org/freedesktop/UDisks2")
	ifManager  = "org.freedesktop.DBus.ObjectManager"
	ifProps    = "org.freedesktop.DBus.Properties"
	ifBus      = "org.freedesktop.DBus"
	ifBlock    = busName + ".Block"
	ifDrive    = busName + ".Drive"
	ifFS       = busName + ".Filesystem"
	callLimit  = 30 * time.Second // of one call
	retryLimit = time.Minute      // between two attempts to reach UDisks2
)

// Config says where UDisks2 is and which sticks count.
type Config struct {
	Address     string        // D-Bus address; "" is the system bus
	Filesystems []string      // kinds that are mounted; none means vfat and exfat
	Retry       time.Duration // first wait after a failure, doubled up to a minute; 0 is one second
	Mountinfo   string        // where the kernel lists mounts; "" is /proc/self/mountinfo
	Log         *slog.Logger  // nil is slog.Default()
}

// Stick is one file system on a removable USB drive.
type Stick struct {
	Path       string // D-Bus object path; used again by the next stick in the same port
	Drive      string // D-Bus object path of the drive
	Detected   uint64 // when the drive appeared, microseconds since 1970; tells two sticks with one Path apart
	Device     string // "/dev/sdb1"
	Filesystem string // "vfat", "exfat", "ext4"
	Label      string
	UUID       string
	Size       uint64 // bytes
}

// Event is a stick that came, or one that is gone.
type Event struct {
	Stick Stick
	Gone  bool
}

// Watcher follows UDisks2. Its zero value is of no use: New makes one.
type Watcher struct {
	cfg    Config
	events chan Event
	known  map[string]Stick // by object path; only Run touches it
	lost   bool             // it has been said that UDisks2 cannot be reached
	calls  chan call
	ended  chan struct{} // closed when Run returns
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Watcher, error) {
	if len(cfg.Filesystems) == 0 {
		cfg.Filesystems = []string{"vfat", "exfat"}
	}
	for _, kind := range cfg.Filesystems {
		if !slices.Contains([]string{"vfat", "exfat", "ext4"}, kind) {
			return nil, fmt.Errorf("sticks with the file system %q are not read: choose among vfat, exfat and ext4", kind)
		}
	}
	if cfg.Retry <= 0 {
		cfg.Retry = time.Second
	}
	if cfg.Mountinfo == "" {
		cfg.Mountinfo = "/proc/self/mountinfo"
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Watcher{cfg: cfg, events: make(chan Event), known: map[string]Stick{}, calls: make(chan call), ended: make(chan struct{})}, nil
}

// Events gives sticks as they come and go, each once. It must be read while Run runs.
func (w *Watcher) Events() <-chan Event { return w.events }

// Run follows UDisks2 until ctx ends, and returns nil then. Without D-Bus or UDisks2 it says so once and goes on trying.
// It runs once.
func (w *Watcher) Run(ctx context.Context) error {
	defer close(w.ended)
	wait := w.cfg.Retry
	for {
		reached, err := w.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if reached {
			wait = w.cfg.Retry
		}
		if !w.lost {
			w.cfg.Log.Warn("sticks cannot be seen: is the package udisks2 installed and D-Bus running?", "error", err)
			w.lost = true
		}
		// Half of the wait is random, so that a thousand players do not retry as one after a power cut.
		pause := wait/2 + rand.N(wait/2+1)
		if !w.idle(ctx, time.After(pause)) {
			return nil
		}
		wait = min(2*wait, retryLimit)
	}
}

// idle answers calls with an error until the alarm; false when ctx has ended.
func (w *Watcher) idle(ctx context.Context, alarm <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-alarm:
			return true
		case c := <-w.calls:
			c.conn <- nil
		}
	}
}

// follow serves one connection to the bus; it reports whether UDisks2 answered, and what ended it.
func (w *Watcher) follow(ctx context.Context) (reached bool, err error) {
	conn, err := w.dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	// Subscribed before the first list: what comes in between is then seen twice, never missed.
	if err := subscribe(ctx, conn); err != nil {
		return false, fmt.Errorf("subscribe to UDisks2: %w", err)
	}
	if err := w.reconcile(ctx, conn); err != nil {
		return false, err
	}
	if w.lost {
		w.cfg.Log.Info("sticks are seen again")
		w.lost = false
	}
	for {
		select {
		case <-ctx.Done():
			return true, nil
		case <-conn.Context().Done():
			return true, errors.New("D-Bus has closed the connection")
		case c := <-w.calls:
			c.conn <- conn
		case s, open := <-signals:
			if !open {
				return true, errors.New("D-Bus has closed the connection")
			}
			if err := w.signal(ctx, conn, s); err != nil {
				return true, err
			}
		}
	}
}

// dial connects to the bus; the sequential handler keeps every signal, in order. A bus that does not answer is given up.
func (w *Watcher) dial(ctx context.Context) (*dbus.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(callLimit, cancel)
	defer late.Stop()
	opts := []dbus.ConnOption{dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler())}
	connect := func() (*dbus.Conn, error) { return dbus.ConnectSystemBus(opts...) }
	if w.cfg.Address != "" {
		connect = func() (*dbus.Conn, error) { return dbus.Connect(w.cfg.Address, opts...) }
	}
	conn, err := connect()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("connect to D-Bus: %w", err)
	}
	return conn, nil
}

// subscribe asks for what UDisks2 announces, and for its coming and going.
func subscribe(ctx context.Context, conn *dbus.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(ifManager)},
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(ifProps), dbus.WithMatchMember("PropertiesChanged")},
		{dbus.WithMatchSender(ifBus), dbus.WithMatchInterface(ifBus), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, busName)},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return err
		}
	}
	return nil
}

// signal acts on one announcement.
func (w *Watcher) signal(ctx context.Context, conn *dbus.Conn, s *dbus.Signal) error {
	switch s.Name {
	case ifManager + ".InterfacesRemoved":
		w.removed(ctx, conn, s.Body)
		return nil
	case ifBus + ".NameOwnerChanged":
		// Sticks stay mounted while UDisks2 is away: nothing is gone until its successor says so.
		if owner, ok := s.Body[len(s.Body)-1].(string); ok && owner == "" {
			w.cfg.Log.Info("UDisks2 left the bus")
			return nil
		}
	}
	return w.reconcile(ctx, conn)
}

// removed forgets a stick at once; waiting for the next list would miss one that is replaced in the same instant.
func (w *Watcher) removed(ctx context.Context, conn *dbus.Conn, body []any) {
	if len(body) != 2 {
		return
	}
	path, _ := body[0].(dbus.ObjectPath)
	interfaces, _ := body[1].([]string)
	if slices.Contains(interfaces, ifBlock) || slices.Contains(interfaces, ifFS) {
		w.forget(ctx, conn, string(path))
	}
}

// forget reports a known stick as gone.
func (w *Watcher) forget(ctx context.Context, conn *dbus.Conn, path string) {
	stick, ok := w.known[path]
	if !ok {
		return
	}
	delete(w.known, path)
	w.cfg.Log.Info("stick gone", "device", stick.Device, "label", stick.Label)
	w.emit(ctx, conn, Event{Stick: stick, Gone: true})
}

// reconcile reads what UDisks2 has and reports the difference to what is known.
func (w *Watcher) reconcile(ctx context.Context, conn *dbus.Conn) error {
	list, err := managed(ctx, conn)
	if err != nil {
		return fmt.Errorf("ask UDisks2 for its drives: %w", err)
	}
	now := sticks(list, w.cfg.Filesystems)
	for path, was := range w.known {
		if now[path] != was {
			w.forget(ctx, conn, path)
		}
	}
	for path, stick := range now {
		if _, known := w.known[path]; known {
			continue
		}
		w.known[path] = stick
		w.cfg.Log.Info("stick came", "device", stick.Device, "label", stick.Label, "filesystem", stick.Filesystem, "bytes", stick.Size)
		w.emit(ctx, conn, Event{Stick: stick})
	}
	return nil
}

// emit hands an event on, and answers calls meanwhile: who should take it may be waiting for a mount.
func (w *Watcher) emit(ctx context.Context, conn *dbus.Conn, e Event) {
	for {
		select {
		case w.events <- e:
			return
		case c := <-w.calls:
			c.conn <- conn
		case <-ctx.Done():
			return
		}
	}
}
