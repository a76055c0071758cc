package media

import (
	"math/rand/v2"
	"time"

	"vitrine/render/scene"
)

const (
	standsStill = 3 * time.Second  // without a new frame
	comesBy     = 15 * time.Second // the first frame of a connection
	firstWait   = time.Second      // before the second try; doubled with each, up to
	longestWait = 30 * time.Second
	steady      = 10 * time.Second // a connection that held this long starts the waits anew
)

// connection is what the watching goroutine knows of one Load.
type connection struct {
	stream *Stream
	item   scene.Item
	tries  *addresses
	began  time.Time // of the present core, or of the one that is to follow it
	failed int       // in a row
	retry  time.Time // not before
	told   bool      // that it stands still
	stop   <-chan struct{}
	gone   chan struct{}
}

// watch looks at the stream when something happens and when something should have.
func (s *Stream) watch(c *connection) {
	defer close(c.gone)
	timer := time.NewTimer(standsStill)
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-s.kick:
		case <-timer.C:
		}
		timer.Reset(max(50*time.Millisecond, c.step(time.Now())))
	}
}

// step does what is due, and says when to look again.
func (c *connection) step(now time.Time) time.Duration {
	s := c.stream
	s.mu.Lock()
	cur, next, last := s.cur, s.next, s.last
	s.mu.Unlock()
	if !c.still(cur, last, now) {
		if next != nil { // it has come back by itself
			c.drop(next)
		}
		if c.told && now.Sub(last) < standsStill {
			c.told = false
			s.cfg.Log.Info("stream back", "src", c.item.Src)
		}
		c.tell(false)
		if c.failed > 0 && cur.Ready() && now.Sub(c.began) > steady {
			c.failed = 0
		}
		return min(standsStill-now.Sub(last), time.Second)
	}
	c.tell(true)
	switch {
	case next != nil:
		c.nurse(next, now)
		return 200 * time.Millisecond
	case now.Before(c.retry):
		return c.retry.Sub(now)
	}
	if !c.told {
		c.told = true
		s.cfg.Log.Warn("stream stands still, connecting again", "src", c.item.Src, "error", cur.Err())
	}
	core, err := s.connect(c.item, c.tries, true)
	c.began = now
	if err != nil {
		c.later(now)
		return c.retry.Sub(now)
	}
	s.mu.Lock()
	s.next = core
	s.mu.Unlock()
	return 200 * time.Millisecond
}

// still says that nothing comes, or ever will.
func (c *connection) still(cur Core, last, now time.Time) bool {
	wait := standsStill
	if !cur.Ready() {
		wait = comesBy
	}
	return cur.Err() != nil || cur.Ended() || now.Sub(last) >= wait
}

// nurse brings a new connection to its first frame, then has it take the place of the old one.
func (c *connection) nurse(next Core, now time.Time) {
	if next.Fresh() {
		drain(next)
	}
	switch {
	case next.Ready():
		c.promote(next, now)
	case next.Err() != nil, next.Ended(), now.Sub(c.began) > comesBy:
		c.drop(next)
		c.later(now)
	}
}

func (c *connection) promote(next Core, now time.Time) {
	s := c.stream
	s.mu.Lock()
	old := s.cur
	s.lost += old.Dropped()
	s.cur, s.next, s.force, s.stalled, s.last = next, nil, true, false, now
	if s.played {
		next.SetVolume(s.volume)
		next.Play()
	}
	s.mu.Unlock()
	c.told, c.began = false, now
	c.tries.arrived()
	s.cfg.Log.Info("stream back", "src", c.item.Src)
	s.cfg.Wake()
	old.Close()
}

// drop gives a new connection up.
func (c *connection) drop(next Core) {
	c.stream.mu.Lock()
	c.stream.next = nil
	c.stream.mu.Unlock()
	next.Close()
}

// later sets the time of the next try: waits double, and no two players wait alike.
func (c *connection) later(now time.Time) {
	wait := min(firstWait<<min(c.failed, 10), longestWait)
	c.failed++
	c.retry = now.Add(wait/2 + rand.N(wait))
}

// tell has the compositor know whether there is a present picture.
func (c *connection) tell(stalled bool) {
	s := c.stream
	s.mu.Lock()
	changed := s.stalled != stalled
	s.stalled = stalled
	s.mu.Unlock()
	if changed {
		s.cfg.Wake()
	}
}
