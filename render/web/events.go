package web

import (
	"errors"
	"strings"

	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// frame is a picture of a document.
type frame struct {
	page.EventScreencastFrame
	doc int
}

// miss is a document that could not be had.
type miss struct {
	address string
	err     error // nil: it is there
}

type event struct {
	method string
	params jsonv2.Value
}

// hear takes the page's events off the wire. What waits has a limit: a page can send as much to itself as it likes, and all
// of it comes by here.
func (t *tab) hear(method string, params jsonv2.Value) {
	if method != page.ScreencastFrame.Method && t.waiting.Add(int64(len(params))) > maxWaiting {
		t.lose(errBusy)
		return
	}
	select {
	case t.events <- event{method, params}:
	default:
		t.lose(errBusy)
	}
}

var errBusy = errors.New("the page keeps the browser busier than it can be; are there requests or dialogs without end?")

// obey answers the page's events.
func (t *tab) obey() {
	for {
		select {
		case <-t.lost:
			return
		case <-t.eng.wire.gone:
			t.lose(errGone)
			return
		case ev := <-t.events:
			if ev.method != page.ScreencastFrame.Method {
				t.waiting.Add(-int64(len(ev.params)))
			}
			t.answer(ev)
		}
	}
}

func (t *tab) answer(ev event) {
	switch ev.method {
	case fetch.RequestPaused.Method:
		var e fetch.EventRequestPaused
		if jsonv2.Unmarshal(ev.params, &e) == nil {
			t.paused(e)
		}
	case page.JavascriptDialogOpening.Method: // nobody is there to answer; a page may always be left
		var e page.EventJavascriptDialogOpening
		_ = jsonv2.Unmarshal(ev.params, &e)
		tell(t.sess, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: e.Type == page.DialogTypeBeforeunload})
	case page.FrameNavigated.Method:
		var e page.EventFrameNavigated
		if jsonv2.Unmarshal(ev.params, &e) == nil && e.Frame != nil && e.Frame.ParentID == "" {
			if strings.HasPrefix(e.Frame.URL, "chrome-error:") {
				t.lose(errors.New("the browser had nothing but an error to show"))
			}
			tell(t.sess, runtime.Evaluate, runtime.EvaluateParams{Expression: "0"}) // no script runs in a page without one, unless asked
		}
	case page.LoadEventFired.Method:
		t.isLoaded()
	case page.ScreencastFrame.Method:
		var e page.EventScreencastFrame
		if jsonv2.Unmarshal(ev.params, &e) != nil {
			return
		}
		select {
		case t.frames <- frame{e, t.document()}:
		default: // never: the browser waits for answers
		}
	case inspector.TargetCrashed.Method:
		t.lose(errCrashed)
	case inspector.Detached.Method:
		t.lose(errors.New("the page has closed itself"))
	}
}

var errCrashed = errors.New("the page's process ended: it wanted more memory than a page may have, or the browser has a fault")

// lose says that the page cannot go on.
func (t *tab) lose(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.over, t.why = true, why
		close(t.lost)
	}
}

func (t *tab) reason() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

// judged takes what became of a document of the page itself: nil is that it is there.
func (t *tab) judged(err error) {
	t.mu.Lock()
	switch {
	case err == nil:
		t.doc++ // from now on pictures may be of the next document
		t.fault = nil
	case t.doc == 0: // later ones leave a good document where it is
		t.fault = err
	}
	t.mu.Unlock()
	if err != nil {
		t.isLoaded() // nothing more will come of it
	}
}

// document says which document the page has now.
func (t *tab) document() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doc
}

func (t *tab) isLoaded() {
	select {
	case t.loaded <- t.document():
	default:
	}
}

// later keeps a document for another attempt: a page that loads itself again every minute would not after a failure.
func (t *tab) later(address string, err error) {
	select {
	case t.missed <- miss{address, err}:
	default:
	}
}

// verdictSoFar is what became of the latest document.
func (t *tab) verdictSoFar() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fault
}
