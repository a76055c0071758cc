package web

import (
	"bytes"
	"context"
	"time"

	"github.com/chromedp/cdproto/page"
)

// screening is what has to be known from one picture of a page to the next.
type screening struct {
	p *Page
	t *tab

	last  []byte      // the latest picture as it came
	doc   int         // the document that is shown …
	late  *time.Timer // … and how long another is waited for
	rest  *time.Timer // until the page stands still
	gone  miss
	again *time.Timer // until a document that could not be had is asked for again
	pause time.Duration
}

func newScreening(p *Page, t *tab) *screening {
	s := &screening{p: p, t: t, doc: t.document(), pause: firstPause, late: time.NewTimer(time.Hour), rest: time.NewTimer(time.Hour), again: time.NewTimer(time.Hour)}
	s.late.Stop()
	s.rest.Stop()
	s.again.Stop()
	return s
}

func (s *screening) stop() {
	s.late.Stop()
	s.rest.Stop()
	s.again.Stop()
}

// frame shows a picture that the page has changed to. A document that is still loading is not shown, nor is what has not
// changed: the browser sends that too. The browser sends the next when it has its answer.
func (s *screening) frame(ctx context.Context, f frame) error {
	began := time.Now()
	defer func() {
		time.AfterFunc(s.t.pace()-time.Since(began), func() {
			tell(s.t.sess, page.ScreencastFrameAck, page.ScreencastFrameAckParams{SessionID: f.SessionID})
		})
	}()
	if f.doc > s.doc {
		s.late.Reset(loadTime)
		return nil
	}
	if bytes.Equal(f.Data, s.last) {
		return nil
	}
	s.last = f.Data
	s.rest.Reset(restAfter)
	return s.p.show(ctx, s.t, f.Data)
}

// arrive shows a document that has come in the place of another, with its fonts and pictures.
func (s *screening) arrive(ctx context.Context, doc int) error {
	if doc <= s.doc {
		return nil
	}
	s.late.Stop()
	if err := s.t.settle(ctx); err != nil {
		return err
	}
	if doc == s.t.document() {
		s.doc, s.last = doc, nil
		return s.p.still(ctx, s.t)
	}
	return nil
}

// miss has a document that could not be had asked for again, later each time.
func (s *screening) miss() {
	s.again.Stop()
	if s.gone.err == nil {
		s.pause = firstPause
		return
	}
	s.p.b.log.Warn("page keeps its last document", "src", s.p.item.Src, "error", s.gone.err, "again", s.pause)
	s.again.Reset(s.pause)
	s.pause = min(2*s.pause, lastPause)
}
