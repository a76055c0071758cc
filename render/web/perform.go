package web

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/animation"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

const settled = `(async () => {
	const within = (p, ms) => Promise.race([p, new Promise(r => setTimeout(r, ms))]);
	const seen = [...document.images].filter(i => i.loading !== 'lazy' && i.currentSrc);
	await within(document.fonts.ready, 1200);
	await within(Promise.all(seen.map(i => i.decode().catch(() => {}))), 1200);
	await within(new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))), 300);
	return true;
})()`

var errEndless = errors.New("a script of the page does not come to an end")

// settle waits for fonts and pictures; without them when they take long.
func (t *tab) settle(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if _, err := t.eval(limited, settled); err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return t.ping(ctx, time.Second)
}

// eval runs an expression in the page, for its value as text.
func (t *tab) eval(ctx context.Context, expression string) (string, error) {
	ctx, cancel := t.until(ctx)
	defer cancel()
	yes := true
	r, err := call(ctx, t.sess, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: &yes, ReturnByValue: &yes, Silent: &yes})
	switch {
	case err != nil:
		return "", err
	case r.ExceptionDetails != nil:
		return "", fmt.Errorf("a script in the page failed: %s", r.ExceptionDetails.Text)
	case r.Result == nil:
		return "", nil
	}
	return string(r.Result.Value), nil
}

// until is a context that ends with the page.
func (t *tab) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-t.lost:
			cancel(t.reason())
		case <-stop:
		}
	}()
	return ctx, func() { close(stop); cancel(nil) }
}

// ping says whether the page's scripts come to an end.
func (t *tab) ping(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := t.eval(ctx, "0")
	switch {
	case err == nil:
		return nil
	case t.reason() != nil:
		return t.reason()
	case errors.Is(err, context.DeadlineExceeded):
		return errEndless
	}
	return err
}

// still takes a picture of the page, every pixel as it is.
func (t *tab) still(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, stop := t.until(ctx)
	defer stop()
	yes := true
	r, err := call(ctx, t.sess, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng, OptimizeForSpeed: &yes})
	switch {
	case err == nil:
		return r.Data, nil
	case t.reason() != nil:
		return nil, t.reason()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errEndless
	}
	return nil, err
}

// freeze stops the page: timers, requests and all that moves. It costs nothing until it is released.
func (t *tab) freeze() {
	tell(t.sess, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen})
}

// release lets the page live, its animations from their beginning.
func (t *tab) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t.given.Held = false
	steps := []func() error{
		func() error { // hidden pages draw nothing; one that has the focus is never hidden
			return do(ctx, t.sess, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateActive})
		},
		func() error {
			return do(ctx, t.sess, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		},
		func() error { return t.install(ctx) },
		func() error { // an animation's time jumps unless a frame has been drawn first
			brief, stop := context.WithTimeout(ctx, time.Second)
			defer stop()
			_, _ = t.eval(brief, "new Promise(r => requestAnimationFrame(r))")
			return nil
		},
		func() error {
			return do(ctx, t.sess, animation.SetPlaybackRate, animation.SetPlaybackRateParams{PlaybackRate: 1})
		},
		func() error { return do(ctx, t.sess, animation.Disable, cdp.Empty{}) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	t.own("play()")
	return nil
}

// own calls what the page's script has for this package; a page without it has no use for it.
func (t *tab) own(what string) {
	tell(t.sess, runtime.Evaluate, runtime.EvaluateParams{Expression: "window." + t.given.Key + " && " + t.given.Key + "." + what})
}

// cast starts the stream of pictures: what has no alpha as JPEG, which costs half.
func (t *tab) cast(ctx context.Context, alpha bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	yes, quality := true, int64(92)
	p := page.StartScreencastParams{
		Format: page.StartScreencastFormatJpeg, Quality: &quality, MaxWidth: int64(t.size.X) + 64, MaxHeight: int64(t.size.Y) + 64,
		MaxFramesInFlight: 2, SendLastFrame: &yes, // the last one of a movement is never among those left out
	}
	if alpha {
		p.Format = page.StartScreencastFormatPng
	}
	return do(ctx, t.sess, page.StartScreencast, p)
}

// pace is the least time between two pictures: large zones have 30 in a second, which is what two processors can do.
func (t *tab) pace() time.Duration {
	const smooth = 640 * 480 // pixels
	if t.size.X*t.size.Y <= smooth {
		return time.Second / 60
	}
	return time.Second / 30
}

// touch is a finger's tap, in the page's own pixels.
func (t *tab) touch(x, y float64) {
	tell(t.sess, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: x, Y: y}}})
	tell(t.sess, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}})
}
