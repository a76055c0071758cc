package cloud_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"vitrine/cloud"
	"vitrine/cloud/api"
)

// poster is a picture that looks a little like something on a screen.
func poster(t *testing.T, hue float64) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for y := range 360 {
		for x := range 640 {
			wave := 0.5 + 0.5*math.Sin(float64(x)/90+float64(y)/130+hue*6)
			r, g, b := math.Sin(hue*6.28)*0.5+0.5, math.Sin(hue*6.28+2.1)*0.5+0.5, math.Sin(hue*6.28+4.2)*0.5+0.5
			c := color.RGBA{uint8(40 + 190*r*wave), uint8(40 + 190*g*wave), uint8(40 + 190*b*wave), 255}
			if y > 316 {
				c = color.RGBA{uint8(30 * r), uint8(30 * g), uint8(60 * b), 255}
			}
			img.Set(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTheWallShowsWhoNeedsALookFirst(t *testing.T) {
	var late atomic.Int64
	g := start(t, t.TempDir(), func(c *cloud.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	})
	to := g.push(t, "lobby", 41, "x")
	menu := g.push(t, "menus", 7, "y")
	for group, stream := range map[string]string{"*": "lobby", "canteen": "menus"} {
		if err := g.admin.SetChannel(t.Context(), api.Channel{Group: group, Stream: stream}); err != nil {
			t.Fatal(err)
		}
	}
	beats := func(d *device, change func(*api.Heartbeat)) {
		h := beat(1, 1, &to)
		if change != nil {
			change(&h)
		}
		if _, err := d.Heartbeat(t.Context(), d.id, h, 0); err != nil {
			t.Fatal(err)
		}
	}
	shot := func(d *device, hue float64) {
		if err := d.SendScreenshot(t.Context(), d.id, poster(t, hue), time.Now().Add(time.Duration(late.Load()))); err != nil {
			t.Fatal(err)
		}
	}
	gone := g.claimed(t, "Warehouse gate", "warehouse")
	beats(gone, nil)
	shot(gone, 0.1)
	late.Store(int64(47 * time.Minute))

	for i, name := range []string{"Canteen, left", "Canteen, right", "Lobby", "Meeting room 1", "Meeting room 2", "Terrace", "Stairs"} {
		d := g.claimed(t, name, "canteen", "ground floor")
		beats(d, func(h *api.Heartbeat) {
			h.Active = &menu
			h.Showing.Scene = []string{"menu of the day", "menu of the day", "welcome", "agenda", "agenda", "weather", "welcome"}[i]
			h.Showing.Events = []string{"noon"}
			h.Showing.Layer = "scheduled"
		})
		shot(d, float64(i)/7)
	}
	off := g.claimed(t, "Shop window")
	beats(off, func(h *api.Heartbeat) { h.Showing.Screen, h.Showing.Layer = "off", "off" })
	fetching := g.claimed(t, "Reception with a rather long name that does not fit on one line")
	beats(fetching, func(h *api.Heartbeat) {
		h.Active = nil
		h.Showing = nil
		h.Fetching = &api.Progress{Pointer: to, Have: 62 << 20, Total: 100 << 20}
	})
	troubled := g.claimed(t, "Atrium")
	beats(troubled, func(h *api.Heartbeat) {
		h.Checks["disk"] = "212 MB left on the disk of the player: free some space, or fetching stops"
		h.Checks["renderer"] = "restarted 3 times in an hour; the last reason was: killed"
	})
	shot(troubled, 0.66)
	witness := g.claimed(t, "Entrance")
	beats(witness, func(h *api.Heartbeat) {
		newer := to
		newer.Seq, newer.Manifest = 44, strings.Repeat("c", 64)
		h.Active = &newer
	})
	shot(witness, 0.33)

	ctx := browser(t, "en")
	run(t, ctx, chromedp.Navigate(g.base), typed("#token", g.token+"\r"), seen(".wall"))
	names, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".wall h2")].map(e => e.textContent).slice(0, 4)`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Entrance", "Warehouse gate", "Atrium", "Canteen, left"}; !reflect.DeepEqual(names, want) {
		t.Errorf("the first are %q, want %q", names, want)
	}
	for _, want := range []string{"12 screens", "+1 disk", "11 online", "1 offline", "2 need a look", "47 min ago", "Screen off", "restored from an old backup", "Fetching lobby"} {
		if body := read(t, ctx, "main"); !strings.Contains(body, want) {
			t.Errorf("%q is not on the page:\n%s", want, body)
		}
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	if err != nil || wide > 0 {
		t.Errorf("the page is %d pixels wider than the window: %v", wide, err)
	}
	broken, err := chromedp.Run(ctx, chromedp.Evaluate[int](`Promise.all([...document.images].map(i => { i.loading = "eager"; return i.decode().then(() => 0, () => 1); })).then(a => a.reduce((x, y) => x + y, 0))`, chromedp.EvalAwaitPromise))
	if err != nil || broken > 0 {
		t.Errorf("%d pictures are broken: %v", broken, err)
	}
	keep(t, ctx, "wall")
	for name, d := range map[string]*device{"player": troubled, "gone": gone, "fetching": fetching} {
		run(t, ctx, chromedp.Navigate(fmt.Sprintf("%s/players/%s", g.base, d.id)), seen("#player"))
		keep(t, ctx, name)
	}
}

func TestNothingThatAPlayerSaysIsWiderThanAPhone(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	long := strings.Repeat("W", 300)
	d := g.claimed(t, strings.Repeat("N", 100), strings.Repeat("G", 64))
	h := beat(1, 1, nil)
	h.Active = &api.Pointer{Stream: long, Seq: 1<<63 - 1, Manifest: long}
	h.Refused = &api.Refusal{Pointer: *h.Active, Reason: long}
	h.Showing = &api.Showing{Scene: long, Layer: long, Events: []string{long, long}}
	h.Version, h.Clock, h.Uptime = long, long, 1<<62
	h.Checks = map[string]string{long: long, "relay": long, "store": "ok"}
	h.Metrics = map[string]any{long: long, "nested": map[string]any{"x": []string{long}}, "memory": -1e300}
	if _, err := d.Heartbeat(t.Context(), d.id, h, 0); err != nil {
		t.Fatal(err)
	}
	waiting := g.device(t)
	e, err := waiting.Enrol(t.Context(), waiting.key, time.Now(), api.EnrolRequest{Version: long[:64], Hostname: long[:253]})
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t, "en")
	run(t, ctx, chromedp.EmulateViewport(390, 900), chromedp.Navigate(g.base), typed("#token", g.token+"\r"), seen(".wall"))
	for page, ready := range map[string]string{"/": ".wall", "/players/" + d.id: "#player", "/claim?code=" + e.UserCode: ".words"} {
		run(t, ctx, chromedp.Navigate(g.base+page), seen(ready))
		keep(t, ctx, "long"+strings.ReplaceAll(page, "/", "-"))
		run(t, ctx, chromedp.EmulateViewport(390, 900))
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
		if err != nil || wide > 390 {
			who, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > 391).map(e => e.tagName + "." + e.className + " " + e.parentElement.className).slice(0, 12).join("; ")`))
			t.Errorf("%s is %d pixels wide, by %s: %v", page, wide, who, err)
		}
	}
}
