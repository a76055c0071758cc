package clock

import (
	"context"
	"time"
)

// Between two questions to the service, and the longest that one may take.
const (
	consultEvery = 10 * time.Minute
	consultMost  = 10 * time.Second
)

// service knows who keeps the system's time: whether a time service is there, is on, and has synchronised the clock
// (org.freedesktop.timedate1(5)).
type service interface {
	TimeService(ctx context.Context) (there, on, done bool, err error)
}

// consult asks the service, in the background, while the clock is not synchronised: what it adds to the kernel's word is who
// could synchronise it and does not, and the same word where the kernel does not answer. It is asked at the start, after each
// step, and every ten minutes: it is a process that is started for the question.
func (c *Clock) consult(ctx context.Context) {
	c.mu.Lock()
	up := c.uptime()
	due := c.cfg.Service != nil && !c.asking && !c.state.Synchronised && (up >= c.consulted || c.state.Steps != c.consultedAt)
	if due {
		c.asking, c.consulted, c.consultedAt = true, up+consultEvery, c.state.Steps
	}
	c.mu.Unlock()
	if !due {
		return
	}
	c.others.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, consultMost)
		defer cancel()
		there, on, done, err := c.cfg.Service.TimeService(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asking = false
		before := c.state
		switch _, blind := c.faults["kernel"]; {
		case err != nil:
			c.state.Service = ""
			c.log.Debug("time service not asked", "error", err)
		case done:
			c.state.Service = ""
			c.state.Synchronised = c.state.Synchronised || blind && c.state.Steps == c.consultedAt
		case !there:
			c.state.Service = "no time service is installed: install systemd-timesyncd or chrony"
		case !on:
			c.state.Service = "the time service is switched off: timedatectl set-ntp true switches it on"
		default:
			c.state.Service = "the time service has reached no time server yet"
		}
		c.judge(before)
		if c.state.Service != before.Service && c.state.Trust == before.Trust {
			c.tell()
		}
	})
}
