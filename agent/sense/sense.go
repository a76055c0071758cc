// Package sense answers: what does the machine feel of its surroundings?
//
//	/sys: thermal zones, sensors ──once a minute──┐
//	kernel: links, addresses ──rtnetlink(7)───────┼──> Report: metrics by name, for a schedule's conditions
//	lines of a GPIO chip ──character device───────┴──> Fire: "gpio:door", when a line becomes active
//
// The metrics, none of which is there where the machine does not tell it:
//
//	temperature            the hottest of all, whole degrees Celsius
//	temperature.NAME       of a thermal zone (its type, as x86_pkg_temp) or of a sensor (chip and label, as nvme-composite)
//	network.up             true: an interface that is not loopback has a link and an address
//	network.address        the first address, IPv4 before IPv6
//	network.link.eth0      true: it has a link
//	network.address.eth0   its first address
//	gpio.door              true: the line is active
//
// Networks and lines are told of as they change; only temperatures are looked at again and again, since the kernel does not
// tell of them.
package sense

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

// every is between two looks at temperatures.
const every = time.Minute

// again is between two tries to open a line, or to listen to the kernel.
const again = 30 * time.Second

// Config says who is told what.
type Config struct {
	Report func(metric string, value any) // nil = it is not known any more
	Fire   func(trigger string)           // nil = nobody waits
	Lines  []Line                         // of GPIO chips
	// Check hears whether a line can be watched, by the name of a health check; nil = nobody listens.
	Check func(name string, err error)
	Sys   string // "" = /sys
	Log   *slog.Logger
}

// Senses report what they feel.
type Senses struct {
	cfg  Config
	log  *slog.Logger
	open opener
	told map[string]any // by metric
	mu   sync.Mutex
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Senses, error) {
	if cfg.Report == nil {
		return nil, errors.New("senses: somebody must be told")
	}
	if cfg.Fire == nil {
		cfg.Fire = func(string) {}
	}
	if cfg.Check == nil {
		cfg.Check = func(string, error) {}
	}
	if cfg.Sys == "" {
		cfg.Sys = "/sys"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	names := map[string]bool{}
	for _, l := range cfg.Lines {
		if err := l.check(); err != nil {
			return nil, err
		}
		if names[l.Name] {
			return nil, errors.New("two GPIO lines are called " + l.Name + ": give each a name of its own")
		}
		names[l.Name] = true
	}
	return &Senses{cfg: cfg, log: cfg.Log, open: openLine, told: map[string]any{}}, nil
}

// Run reports until ctx ends.
func (s *Senses) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { s.keep(ctx, "network", s.network) })
	for _, l := range s.cfg.Lines {
		parts.Go(func() { s.keep(ctx, "gpio:"+l.Name, func(ctx context.Context) error { return s.line(ctx, l) }) })
	}
	root, err := os.OpenRoot(s.cfg.Sys)
	if err != nil {
		s.log.Info("no temperatures here", "error", err)
		<-ctx.Done()
		return nil
	}
	defer root.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s.tell("temperature", temperatures(root.FS()))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// keep starts a part again when it fails, and says so.
func (s *Senses) keep(ctx context.Context, name string, part func(context.Context) error) {
	for {
		err := part(ctx)
		if ctx.Err() != nil {
			return
		}
		s.cfg.Check(name, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// tell reports what has changed among the metrics whose names begin with a word; those that are missing are gone.
func (s *Senses) tell(word string, values map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.told {
		if _, there := values[name]; !there && (name == word || len(name) > len(word) && name[:len(word)+1] == word+".") {
			delete(s.told, name)
			s.cfg.Report(name, nil)
		}
	}
	for name, v := range values {
		if old, known := s.told[name]; !known || old != v {
			s.told[name] = v
			s.cfg.Report(name, v)
		}
	}
}
