package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"vitrine/agent/bundle"
	"vitrine/agent/clock"
	"vitrine/agent/schedule"
)

const (
	// smallBundle is what is never held back, bytes: a changed price is not worth a wait.
	smallBundle = 8 << 20
	// atOnce is how many blobs are asked for at once: what is small waits for round trips, not for the line.
	atOnce = 4
	// gulp is the most that passes at once under a limit of the rate, bytes.
	gulp = 32 << 10
	// emergency is the kind of event whose bundle never waits.
	emergency = "emergency"
)

// Limits is how much of the line bundles may take, and when. The zero value: all of it, at any time. What is small, what
// brings an emergency, and the first bundle of a player that has nothing to show are held back by none of it.
type Limits struct {
	Windows []Window // times of day; none = all day
	Rate    int64    // bytes/s; 0 = as fast as it goes
	Idle    bool     // take only what nobody else wants of the line
}

// Window is a time of day from From up to To, in minutes since midnight. One whose end is not after its begin goes on over
// midnight.
type Window struct{ From, To int }

// AddWindows takes times like "22:00-05:00" or "22:00-24:00,00:00-05:00", local time.
func (l *Limits) AddWindows(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(strings.TrimSpace(part), "-")
		w := Window{}
		var err, err2 error
		w.From, err = minutes(from)
		w.To, err2 = minutes(to)
		if !ok || err != nil || err2 != nil || w.From == w.To || w.From == 24*60 {
			return fmt.Errorf("%q is not a time of day like 22:00-05:00", part)
		}
		l.Windows = append(l.Windows, w)
	}
	return nil
}

func minutes(text string) (int, error) {
	h, m, ok := strings.Cut(strings.TrimSpace(text), ":")
	hour, err := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err != nil || err2 != nil || len(m) != 2 || minute > 59 || hour*60+minute > 24*60 {
		return 0, errors.New("not a time of day")
	}
	return int(hour*60 + minute), nil
}

// SetRate takes a rate like "500k" or "2M", bytes a second, or "8Mbit", bits a second.
func (l *Limits) SetRate(text string) error {
	number, unit := strings.TrimSpace(text), 1.0
	if bits, ok := strings.CutSuffix(number, "bit"); ok {
		number, unit = bits, 1.0/8
	}
	for suffix, by := range map[string]float64{"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = n, unit*by
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || v < 0 || v*unit > 1e12 || v > 0 && v*unit < 2048 {
		return fmt.Errorf("%q is not a rate like 500k or 2M (bytes a second) or 8Mbit; 2k is the least, 0 is no limit", text)
	}
	l.Rate = int64(v * unit)
	return nil
}

// open says whether bundles may be fetched at a local time, and when that changes next.
func (l Limits) open(now time.Time) (open bool, next time.Time) {
	if len(l.Windows) == 0 {
		return true, time.Time{}
	}
	at := now.Hour()*60 + now.Minute()
	for _, w := range l.Windows {
		open = open || (w.From < w.To && w.From <= at && at < w.To) || (w.From > w.To && (at >= w.From || at < w.To))
	}
	for _, w := range l.Windows {
		edge := w.From
		if open {
			edge = w.To
		}
		for day := range 2 {
			t := time.Date(now.Year(), now.Month(), now.Day()+day, 0, edge, 0, 0, now.Location())
			if t.After(now) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return open, next
}

// errShut ends a download because its time of day is over.
var errShut = errors.New("the time of day for downloads is over")

// pace holds one bundle's blobs to the player's limits.
type pace struct {
	Limits
	clock timekeeper
	zone  *time.Location
	bytes *rate.Limiter
	held  func(until time.Time) // hears that it waits; zero = no longer
}

// newPace judges a bundle whose missing blobs have so many bytes.
func (u *Uplink) newPace(m *bundle.Manifest, missing int64) *pace {
	p := &pace{Limits: u.cfg.Limits, clock: u.cfg.Clock, held: u.setHeld, bytes: u.bytes}
	live, _ := u.cfg.Store.Live()
	if missing <= smallBundle || live.Manifest == nil || live.Digest == "" || live.Damaged ||
		!reflect.DeepEqual(emergencies(m), emergencies(live.Manifest)) && len(emergencies(m)) > 0 {
		p.Limits = Limits{}
	}
	p.zone = time.Local
	for _, name := range []string{m.Zone, live.Settings.Zone} {
		if z, err := time.LoadLocation(name); err == nil && name != "" {
			p.zone = z
		}
	}
	return p
}

func emergencies(m *bundle.Manifest) (out []schedule.Event) {
	for _, e := range m.Schedule.Events {
		if e.Kind == emergency {
			out = append(out, e)
		}
	}
	return out
}

// state says whether bundles may be fetched now; a player that does not know the time does not wait for one.
func (p *pace) state() (open bool, next time.Time) {
	if st, _ := p.clock.State(); st.Trust != clock.Trusted && st.Trust != clock.Held {
		return true, time.Time{}
	}
	return p.open(p.clock.Now().In(p.zone))
}

// wait waits for a time of day at which bundles may be fetched. The clock may be set meanwhile.
func (p *pace) wait(ctx context.Context) error {
	defer p.held(time.Time{})
	for {
		open, next := p.state()
		if open {
			return nil
		}
		p.held(next)
		if !pause(ctx, min(max(next.Sub(p.clock.Now()), time.Second), time.Minute)) {
			return ctx.Err()
		}
	}
}

// paced is a blob that comes no faster than it may, and ends with its time of day.
type paced struct {
	io.ReadCloser
	ctx context.Context
	*pace
	looked time.Time
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	if len(p.Windows) > 0 && time.Since(p.looked) > time.Second {
		if open, _ := p.state(); !open {
			return 0, errShut
		}
		p.looked = time.Now()
	}
	if p.Rate <= 0 {
		return p.ReadCloser.Read(b)
	}
	n, err := p.ReadCloser.Read(b[:min(len(b), gulp)])
	if werr := p.bytes.WaitN(p.ctx, n); err == nil {
		err = werr
	}
	return n, err
}
