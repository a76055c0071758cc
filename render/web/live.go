package web

import (
	"context"
	"errors"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"vitrine/render/scene"
)

const (
	restAfter  = 500 * time.Millisecond // without a frame the page stands still, and is drawn as it is
	endless    = 10 * time.Second       // a script that takes as long does not come to an end
	maxTries   = 3                      // of a page that had to be killed
	firstPause = 500 * time.Millisecond // before the next attempt; doubled up to a minute
	lastPause  = time.Minute
	renewAfter = 10 * time.Minute
)

// live shows the page until it is stopped: again and again when it or its browser dies, behind its last picture.
func (p *Page) live(ctx context.Context) {
	defer close(p.done)
	pause, kills, said := firstPause, 0, ""
	for try := 0; ; try++ {
		began := time.Now()
		err := p.perform(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errRenew) {
			continue
		}
		if !errors.Is(err, errGone) {
			kills++
		}
		if time.Since(began) > longLife {
			pause, kills = firstPause, 1
		}
		if p.hopeless(err, try, kills) {
			return
		}
		if err.Error() != said {
			said = err.Error()
			p.b.log.Warn("page is not shown as it should be", "src", p.item.Src, "error", said, "again", "soon")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if pause = min(2*pause, lastPause); try == 0 && errors.Is(err, errGone) {
			pause = firstPause
		}
	}
}

// errRenew says that the page moves to another browser, behind its last picture: one that is never replaced by another
// item would keep a browser that has grown for ever.
var errRenew = errors.New("the browser is at its end")

// hopeless takes note of the end of an attempt. It says whether there is to be no other: then the item has failed.
func (p *Page) hopeless(err error, try, kills int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.wake()
	var refused errRefused
	shown := p.front != nil
	switch {
	case errors.As(err, &refused):
		p.err = err
	case !shown && p.item.StandIn == "" && !(errors.Is(err, errGone) && try < 2):
		p.err = err
	case shown && p.item.StandIn == "" && kills >= maxTries:
		p.err = err
	}
	p.stalled = true
	return p.err != nil
}

// perform is one life of the page, from the browser to its death.
func (p *Page) perform(ctx context.Context) error {
	e, err := p.b.acquire(ctx)
	if err != nil {
		return err
	}
	defer e.release()
	p.mu.Lock()
	item, size, scale := p.item, p.size, p.scale
	p.mu.Unlock()
	p.b.mu.Lock()
	place := p.b.place
	p.b.mu.Unlock()
	opening, cancel := context.WithTimeout(ctx, patience)
	t, err := newTab(opening, e, item, p.b.cfg.own, place, size, scale)
	cancel()
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			e.kill() // it does not even open an empty page
			return errGone
		}
		return err
	}
	defer t.close()
	if err := t.open(ctx, item.Src); err != nil {
		return e.charges(err)
	}
	if err := p.show(ctx, t, nil); err != nil {
		return e.charges(err)
	}
	p.b.complain(t, item)
	if err = p.stage(ctx, t); errors.Is(err, errRenew) {
		return err
	}
	return e.charges(err)
}

// complain logs what went wrong within the page: it is never on the screen.
func (b *Browser) complain(t *tab, item scene.Item) {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	if said, err := t.eval(ctx, "window."+t.given.Key+" ? "+t.given.Key+".faults() : ''"); err == nil && len(said) > 2 {
		b.log.Warn("script of a page failed", "src", item.Src, "error", said[:min(len(said), 500)])
	}
}

// stage is the page's time after its first picture.
func (p *Page) stage(ctx context.Context, t *tab) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go t.guard(ctx, p.b.cfg.endless)
	plays := p.plays
	select {
	case <-plays:
	default:
		t.freeze()
	}
	s := newScreening(p, t)
	defer s.stop()
	renew := time.NewTicker(p.b.cfg.renew)
	defer renew.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.lost:
			return t.reason()
		case <-plays:
			plays = nil
			err = t.begin(ctx, p.clear())
		case f := <-t.frames:
			err = s.frame(ctx, f)
		case doc := <-t.loaded:
			err = s.arrive(ctx, doc)
		case <-s.late.C:
			err = s.arrive(ctx, t.document())
		case <-s.rest.C:
			err = p.still(ctx, t)
		case s.gone = <-t.missed:
			s.miss()
		case <-s.again.C:
			tell(t.sess, page.Navigate, page.NavigateParams{URL: s.gone.address})
		case <-p.rows:
			p.fill(t)
			if plays != nil {
				s.rest.Reset(restAfter)
			}
		case <-renew.C:
			if t.eng.isTired() {
				return errRenew
			}
		case at := <-p.taps:
			t.touch(at[0], at[1])
		}
		if err != nil {
			return err
		}
	}
}

// begin lets the page move and its pictures come.
func (t *tab) begin(ctx context.Context, alpha bool) error {
	if err := t.release(ctx); err != nil {
		return err
	}
	return t.cast(ctx, alpha)
}

// fill gives the page its new rows, now and when it is loaded again.
func (p *Page) fill(t *tab) {
	p.mu.Lock()
	t.given.Rows = rowsOf(p.item)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.b.ctx, patience)
	defer cancel()
	_ = t.install(ctx) // a page that cannot take it is about to be found dead
	t.own("rows(" + literal(t.given.Rows) + ")")
}

// still draws a page that has come to rest as it is. One that has become translucent, or opaque, comes otherwise then.
func (p *Page) still(ctx context.Context, t *tab) error {
	was := p.clear()
	if err := p.show(ctx, t, nil); err != nil || was == p.clear() {
		return err
	}
	select {
	case <-p.plays:
		tell(t.sess, page.StopScreencast, cdp.Empty{})
		return t.cast(ctx, p.clear())
	default:
		return nil
	}
}

// clear says that the present picture is not opaque.
func (p *Page) clear() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.front != nil && p.front.clear
}

// show makes a picture the present one: the one given, or one that is taken now.
func (p *Page) show(ctx context.Context, t *tab, b []byte) (err error) {
	if b == nil {
		if b, err = t.still(ctx); err != nil {
			return err
		}
	}
	p.mu.Lock()
	back := p.back
	p.back = nil
	p.mu.Unlock()
	pic, err := decode(b, t.size, back)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.front, p.back = pic, p.front
	p.fresh, p.stalled = true, false
	p.mu.Unlock()
	p.wake()
	return nil
}

// guard finds out when a script of the page does not come to an end.
func (t *tab) guard(ctx context.Context, endless time.Duration) {
	tick := time.NewTicker(endless / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.lost:
			return
		case <-tick.C:
		}
		if err := t.ping(ctx, endless); err != nil && ctx.Err() == nil {
			t.lose(err)
			return
		}
	}
}
