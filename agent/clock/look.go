package clock

import "time"

// uptime is the monotonic time since New.
func (c *Clock) uptime() time.Duration { return time.Since(c.begun) }

// read gives the system's clock, and by how much it leads the monotonic one.
func (c *Clock) read() (wall time.Time, lead time.Duration) {
	for range 3 { // a pause between two readings would look like a step
		before := c.uptime()
		wall = c.cfg.System.Wall().Round(0)
		after := c.uptime()
		lead = wall.Sub(c.begun.Round(0).Add(after))
		if after-before < Step/10 {
			break
		}
	}
	return wall, lead
}

// check looks at everything, keeps the time when that is due, and says whether the clock was stepped.
func (c *Clock) check() (stepped bool) {
	c.mu.Lock()
	steps := c.state.Steps
	wall, up := c.look(true), c.uptime()
	stepped = c.state.Steps != steps
	t, ok := keep(c.state.Trust, wall, c.state.Synchronised, c.floor, c.signed, up)
	if !ok || c.cfg.Keep == nil || up < c.due {
		c.mu.Unlock()
		return stepped
	}
	c.due = up + Guard
	c.floor.set(t, up)
	c.mu.Unlock()
	if err := c.cfg.Keep.RaiseTime(t.UTC()); err != nil {
		c.fault("keep", "the time is not kept over a restart: "+err.Error())
	} else {
		c.heal("keep")
	}
	return stepped
}

// look compares the clocks and judges anew; with kernel it also asks whether the clock is synchronised. mu is held.
func (c *Clock) look(kernel bool) (wall time.Time) {
	before := c.state
	wall, lead := c.read()
	if jump := lead - c.lead; jump.Abs() > Step {
		c.state.Steps++
		c.state.LastStep = jump
		c.state.Synchronised, c.state.Agreed = false, false
		c.log.Info("clock stepped", "by", jump, "to", wall.UTC())
	}
	c.lead = lead // a slew is followed, so that it never adds up to a step
	if kernel {
		now, err := c.cfg.System.Synchronised()
		switch {
		case err != nil:
			c.note("kernel", "the system does not tell whether its clock is synchronised; only the relay can confirm it: "+err.Error())
		case now:
			c.state.Synchronised = true
		}
	}
	c.judge(before)
	return wall
}

// judge applies the rule and tells those who wait. mu is held.
func (c *Clock) judge(before State) {
	s, up := &c.state, c.uptime()
	s.Trust, s.Now = judge(c.cfg.System.Wall().Round(0), c.floor, up, s.Synchronised || s.Agreed)
	s.Floor = c.floor.at(up)
	if s.Trust != before.Trust && before.Trust != "" {
		c.log.Info("clock judged", "trust", s.Trust, "was", before.Trust, "now", s.Now, "floor", s.Floor)
	}
	if s.Trust != before.Trust || s.Steps != before.Steps || s.Synchronised != before.Synchronised || s.Agreed != before.Agreed {
		c.tell()
	}
}

// tell wakes those who wait for a change. mu is held.
func (c *Clock) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// note keeps what cannot be told, and logs it once. mu is held.
func (c *Clock) note(what, words string) {
	if _, known := c.faults[what]; !known {
		c.log.Warn("clock not fully known", "what", what, "why", words)
		defer c.tell()
	}
	c.faults[what] = words
}

func (c *Clock) fault(what, words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(what, words)
}

func (c *Clock) heal(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.faults[what]; known {
		delete(c.faults, what)
		c.log.Info("clock known again", "what", what)
		c.tell()
	}
}
