package web

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/animation"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"

	"vitrine/render/scene"
)

// tab is one page in a running browser, from its opening to its end: with cookies and a storage of its own, which end
// with it.
type tab struct {
	eng    *engine
	sess   session
	home   cdp.BrowserContextID
	target target.ID
	reach  reach
	gate   *gate // nil: the page sees nothing of the network
	files  map[string]string
	entry  string
	given  given
	script page.ScriptIdentifier
	size   image.Point
	scale  float64

	events chan event
	frames chan frame
	loaded chan int  // a document has been loaded with all its parts: which
	missed chan miss // a document that took the page's place nearly, and was none

	waiting atomic.Int64 // bytes of events that nobody has looked at

	mu    sync.Mutex
	doc   int   // counts the documents that the page has had
	fault error // of the latest document
	over  bool
	lost  chan struct{} // closed when the page cannot go on
	why   error
}

const (
	loadTime   = 7 * time.Second // a page that has not all of its parts by then is shown without them
	settleTime = 4 * time.Second // for its fonts and pictures
	maxEvents  = 4096            // that wait: a page which asks for more at once is stopped
	maxWaiting = 32 << 20        // bytes of them
	maxFrames  = 8               // that wait; the browser sends no more than three without an answer
)

// errRefused marks what another attempt would not change.
type errRefused struct{ error }

func (e errRefused) Unwrap() error { return e.error }

// newTab opens an empty page.
func newTab(ctx context.Context, eng *engine, item scene.Item, own bool, place Place, size image.Point, scale float64) (t *tab, err error) {
	t = &tab{
		eng: eng, size: size, scale: scale, events: make(chan event, maxEvents), frames: make(chan frame, maxFrames),
		loaded: make(chan int, 1), missed: make(chan miss, 8), lost: make(chan struct{}),
	}
	host, err := t.aim(item, own)
	if err != nil {
		return nil, errRefused{err}
	}
	t.given = newGiven(item, place, host)
	proxy := nowhere
	if len(t.reach.hosts) > 0 {
		if t.gate, err = newGate(t.reach); err != nil {
			return nil, err
		}
		proxy = t.gate.proxy()
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	yes := true
	home, err := call(ctx, eng.root, target.CreateBrowserContext, target.CreateBrowserContextParams{DisposeOnDetach: &yes, ProxyServer: proxy, ProxyBypassList: nothing})
	if err != nil {
		return t, err
	}
	t.home = home.BrowserContextID
	eng.expect(t.home)
	if _, err = call(ctx, eng.root, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: t.home}); err != nil {
		return t, err
	}
	for _, name := range []string{"geolocation", "camera", "microphone", "notifications", "midi", "clipboard-read", "display-capture", "idle-detection", "local-fonts", "window-management"} {
		tell(eng.root, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingDenied, BrowserContextID: t.home,
		})
	}
	width, height := t.viewport()
	made, err := call(ctx, eng.root, target.CreateTarget, target.CreateTargetParams{
		URL: "about:blank", BrowserContextID: t.home, Width: width, Height: height, NewWindow: eng.windows(),
	})
	if err != nil {
		return t, err
	}
	t.target = made.TargetID
	att, err := call(ctx, eng.root, target.AttachToTarget, target.AttachToTargetParams{TargetID: t.target, Flatten: &yes})
	if err != nil {
		return t, err
	}
	t.sess = session{wire: eng.wire, id: string(att.SessionID)}
	eng.wire.listen(t.sess.id, t.hear)
	go t.obey()
	return t, t.prepare(ctx, item, place)
}

// aim settles what the page may see.
func (t *tab) aim(item scene.Item, own bool) (host string, err error) {
	t.reach = reach{hosts: item.Hosts, own: own}
	if !strings.Contains(item.Src, "://") {
		if t.files, t.entry, err = filesOf(item); err != nil {
			return "", err
		}
		return originHost, nil
	}
	u, err := address(item.Src, own)
	if err != nil {
		return "", err
	}
	t.reach.hosts = append([]string{u.Hostname()}, item.Hosts...)
	return u.Host, nil
}

// viewport is the page's size in its own pixels: large enough for all of the zone's.
func (t *tab) viewport() (width, height int64) {
	side := func(px int) int64 { return max(1, int64(math.Ceil(float64(px)/t.scale-1e-6))) }
	return side(t.size.X), side(t.size.Y)
}

// prepare sets the page up before its first document.
func (t *tab) prepare(ctx context.Context, item scene.Item, place Place) error {
	width, height := t.viewport()
	ground := map[string]any{"color": map[string]any{"r": 0, "g": 0, "b": 0, "a": 0}} // the generated type leaves a zero out
	clear := cdp.Command[map[string]any, cdp.Empty]{Method: emulation.CommandSetDefaultBackgroundColorOverride}
	steps := []func() error{
		func() error { return do(ctx, t.sess, page.Enable, page.EnableParams{}) },
		func() error { return do(ctx, t.sess, inspector.Enable, cdp.Empty{}) },
		func() error { // frames of other hosts too, which have processes of their own
			return do(ctx, t.sess, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{
				{URLPattern: "*", RequestStage: fetch.RequestStageRequest},
				{URLPattern: "*", ResourceType: network.ResourceTypeDocument, RequestStage: fetch.RequestStageResponse},
			}})
		},
		func() error {
			return do(ctx, t.sess, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: t.scale})
		},
		func() error { return do(ctx, t.sess, animation.Enable, cdp.Empty{}) },
		func() error { return do(ctx, t.sess, animation.SetPlaybackRate, animation.SetPlaybackRateParams{}) },
		func() error { return t.install(ctx) },
	}
	if translucent(item) {
		steps = append(steps, func() error { return do(ctx, t.sess, clear, ground) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if place.Zone != "" {
		tell(t.sess, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: place.Zone})
	}
	if place.Locale != "" {
		tell(t.sess, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: place.Locale})
	}
	return nil
}

// install has the page's script run before the page's own, in each document from now on.
func (t *tab) install(ctx context.Context) error {
	if t.script != "" {
		tell(t.sess, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams{Identifier: t.script})
	}
	r, err := call(ctx, t.sess, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: t.given.source()})
	t.script = r.Identifier
	return err
}

// do is a call whose result is empty.
func do[P, R any](ctx context.Context, s session, c cdp.Command[P, R], params P) error {
	_, err := call(ctx, s, c, params)
	return err
}

// close ends the page, also one whose scripts do not end, and all it has stored.
func (t *tab) close() {
	t.lose(errors.New("the page was closed"))
	if t.sess.id != "" {
		t.eng.wire.listen(t.sess.id, nil)
	}
	if t.target != "" {
		tell(t.eng.root, target.CloseTarget, target.CloseTargetParams{TargetID: t.target})
	}
	if t.home != "" {
		t.eng.forget(t.home)
		tell(t.eng.root, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: t.home})
	}
	t.gate.close()
}

// open loads the page; it returns when its fonts and pictures are there and it stands still.
func (t *tab) open(ctx context.Context, src string) error {
	to := src
	if t.files != nil {
		to = origin + t.entry
	}
	limit := time.NewTimer(loadTime)
	defer limit.Stop()
	navigated := make(chan error, 1)
	go func() {
		r, err := call(ctx, t.sess, page.Navigate, page.NavigateParams{URL: to})
		if err == nil && r.ErrorText != "" && t.verdictSoFar() == nil {
			err = fmt.Errorf("the page could not be loaded (%s)", r.ErrorText)
		}
		if err != nil {
			navigated <- err
		}
	}()
	select {
	case <-t.loaded:
	case err := <-navigated:
		if t.verdictSoFar() == nil {
			return err
		}
	case <-limit.C:
		if err := t.ping(ctx, time.Second); err != nil {
			return err
		}
	case <-t.lost:
		return t.reason()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := t.verdictSoFar(); err != nil {
		return err
	}
	return t.settle(ctx)
}
