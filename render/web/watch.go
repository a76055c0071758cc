package web

import (
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

const (
	ceiling   = 1 << 30                // bytes of memory
	lookEvery = 250 * time.Millisecond // at memory: a page can take a gigabyte in a second
)

// watch looks after a running browser: its memory while it has pages, its end when it has none.
func (b *Browser) watch(e *engine) {
	began := time.Now()
	var processes crew
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.ended:
			b.buried(e, time.Since(began))
			return
		case <-tick.C:
		}
		if time.Since(began) > maxAge {
			e.tire()
		}
		switch users, rested := e.rest(); {
		case e.dead(), users == 0 && rested > restTime, users == 0 && e.isTired():
			e.kill()
		case users > 0 && processes.rough(e.pid) > b.cfg.Memory/2:
			b.weigh(e)
		}
	}
}

// buried takes note of a browser's end.
func (b *Browser) buried(e *engine, lived time.Duration) {
	b.mu.Lock()
	delete(b.all, e)
	if b.now == e {
		b.now = nil
	}
	if lived > longLife {
		b.failures, b.retry = 0, time.Time{}
	}
	b.mu.Unlock()
	if e.ours() || b.ctx.Err() != nil {
		return
	}
	b.log.Error("browser ended", "pid", e.pid, "lived", lived.Round(time.Millisecond), "said", e.said.String())
	if lived < longLife {
		b.failed()
	}
}

// weigh holds the browser to its memory. Above two thirds of the ceiling no new page comes to it, so that it ends with
// those it has: at the boundary of an item. Above the ceiling the page that has most of it is killed, and when that was not
// it, the browser.
func (b *Browser) weigh(e *engine) {
	all := shares(e.pid)
	var sum int64
	for _, s := range all {
		sum += s.memory
	}
	if sum > b.cfg.Memory*2/3 && e.tire() {
		b.log.Info("browser replaced at the next page", "pid", e.pid, "mib", sum>>20)
	}
	if sum <= b.cfg.Memory {
		return
	}
	e.accuse(fmt.Errorf("the page wanted more than the %d MiB of memory that pages may have together; make it lighter, or give it a larger machine", b.cfg.Memory>>20))
	slices.SortFunc(all, func(x, y share) int { return int((y.memory - x.memory) >> 10) })
	for _, s := range all {
		if s.page && s.memory > sum/4 {
			b.log.Warn("page killed for its memory", "pid", s.pid, "mib", s.memory>>20, "all_mib", sum>>20)
			killOne(s.pid)
			return
		}
	}
	b.log.Warn("browser killed for its memory", "pid", e.pid, "mib", sum>>20)
	e.kill()
}

// take lets a page use the browser, unless it is at its end.
func (e *engine) take() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead() || e.tired {
		return false
	}
	e.users++
	return true
}

func (e *engine) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.users--
	e.since = time.Now()
}

// rest says how many pages use the browser, and for how long there has been none.
func (e *engine) rest() (users int, rested time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.users, time.Since(e.since)
}

// tire keeps new pages away; it says whether that is new.
func (e *engine) tire() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.tired
	e.tired = true
	return !was
}

func (e *engine) isTired() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tired
}

// ours says that the browser was ended on purpose.
func (e *engine) ours() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.meant
}

// accuse keeps why pages are about to be killed; charge hands it out for a short while.
func (e *engine) accuse(why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.charge, e.charged = why, time.Now()
}

func (e *engine) charges(otherwise error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.charge != nil && time.Since(e.charged) < 5*time.Second {
		return e.charge
	}
	return otherwise
}

// expect announces the one page that a context is made for; forget ends that.
func (e *engine) expect(home cdp.BrowserContextID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.homes[home] = false
}

func (e *engine) forget(home cdp.BrowserContextID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.homes, home)
}

// intruder says that a target is a window which a page has opened beside itself.
func (e *engine) intruder(info *target.Info) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	has, ours := e.homes[info.BrowserContextID]
	if !ours || info.Type != "page" {
		return info.OpenerID != ""
	}
	e.homes[info.BrowserContextID] = true
	return has
}
