package web

import (
	_ "embed"
	"errors"
	"fmt"
	"image"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vitrine/render/scene"
)

//go:embed testdata/doors.js
var doors string

func TestNothingThatAPageOpensIsSeen(t *testing.T) {
	for name, script := range map[string]string{
		"alert":         `alert('A')`,
		"confirm":       `confirm('A')`,
		"prompt":        `prompt('A')`,
		"many alerts":   `for (let i = 0; i < 50; i++) alert(i)`,
		"popup":         `open('https://page.vitrine.invalid/other.html'); open('about:blank','x','noopener'); open('https://example.com/')`,
		"download":      `const a = document.createElement('a'); a.href = 'data:application/zip,xx'; a.download = 'x.zip'; a.click(); location = 'file.bin'`,
		"full screen":   `document.documentElement.requestFullscreen().catch(() => {})`,
		"before unload": `addEventListener('beforeunload', e => { e.preventDefault(); e.returnValue = 'x' }); location = 'other.html#x'`,
		"location":      `navigator.geolocation.getCurrentPosition(() => {}, () => {})`,
		"camera":        `navigator.mediaDevices && navigator.mediaDevices.getUserMedia({video: true, audio: true}).catch(() => {})`,
		"notification":  `Notification.requestPermission().catch(() => {})`,
		"printing":      `print()`,
		"leaving":       `location = 'https://example.com/'`,
		"a file":        `location = 'file:///etc/passwd'`,
		"its own parts": `location = 'chrome://version/'; open('chrome://version')`,
		"a protocol":    `location = 'mailto:a@example.com'`,
		"a script":      `throw new Error('seen?')`,
		"what is not":   `location = 'missing.html'`,
		"closing":       `close()`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := `<!doctype html><body style="margin:0;background:green">`
			v := open(t, common(t), folder(t, map[string]string{
				"index.html": page + `<script src=a.js></script>`, "other.html": "<body style=background:white>", "file.bin": "\x00\x01",
				"a.js": `addEventListener('load', () => setTimeout(() => { setTimeout(() => document.body.insertAdjacentHTML('beforeend', ` +
					`'<p style="position:fixed;right:0;bottom:0;margin:0;width:20px;height:20px;background:blue">'), 400); ` + script + ` }, 200))`,
			}), small).ready()
			v.Play()
			if name == "before unload" { // it goes to another of its pages
				v.await("the other page", func() bool { return near(v.at(10, 10), white) })
			} else {
				v.turns(310, 170, blue) // it has lived on
			}
			m := v.look()
			for _, at := range []image.Point{{1, 1}, {160, 5}, {160, 90}, {318, 2}, {2, 178}} {
				if got := m.RGBAAt(at.X, at.Y); !near(got, green) && name != "before unload" {
					t.Errorf("pixel %v is %v, want the page's green", at, got)
				}
			}
			if v.Err() != nil || v.Stalled() {
				t.Errorf("error %v, stalled %v", v.Err(), v.Stalled())
			}
		})
	}
}

func TestAPageThatEatsMemoryIsKilledAndOthersLiveOn(t *testing.T) {
	b := alone(t, Config{Memory: 500 << 20})
	calm := open(t, b, page1(t, `<body style="background:red"><script>setInterval(() => document.body.style.background = document.body.style.background == 'red' ? 'blue' : 'red', 300)</script>`), small).ready()
	calm.Play()
	greedy := open(t, b, page1(t, `<body style="background:green"><script>
		const kept = []; setTimeout(() => setInterval(() => kept.push(new Uint8Array(16 << 20).fill(7)), 10), 300)</script>`), small).ready()
	greedy.Play()
	err := greedy.fails()
	if !strings.Contains(err.Error(), "memory") {
		t.Errorf("failed with %q", err)
	}
	if got := greedy.at(10, 10); !near(got, green) {
		t.Errorf("its last picture is %v, want green", got)
	}
	calm.turns(10, 10, blue)
	calm.turns(10, 10, red)
	if calm.Err() != nil {
		t.Errorf("the other page failed: %v", calm.Err())
	}
}

func TestAPageWhoseScriptNeverEndsDoesNotComeOn(t *testing.T) {
	v := open(t, common(t), page1(t, `<body style="background:red"><script>for (;;);</script>`), small)
	if err := v.fails(); !errors.Is(err, errEndless) {
		t.Errorf("failed with %v", err)
	}
	if v.Ready() {
		t.Error("it is ready")
	}
}

func TestAPageWhoseScriptStopsEndingIsLoadedAgainBehindItsLastPicture(t *testing.T) {
	b := alone(t, Config{endless: time.Second})
	var loads atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path != "/" {
			return
		}
		if loads.Add(1) == 1 {
			fmt.Fprint(w, `<body style="background:red"><script>setTimeout(() => { for (;;); }, 500)</script>`)
		} else {
			fmt.Fprint(w, `<body style="background:blue">`)
		}
	}))
	defer s.Close()
	v := open(t, b, scene.Item{Src: s.URL}, small).ready()
	v.Play()
	seen := v.at(10, 10)
	v.await("another attempt", func() bool {
		got := v.at(10, 10)
		if !near(got, red) && !near(got, blue) {
			t.Errorf("in between was %v", got)
		}
		return near(got, blue)
	})
	if !near(seen, red) || v.Err() != nil || v.Stalled() {
		t.Errorf("at first %v, then error %v, stalled %v", seen, v.Err(), v.Stalled())
	}
}

func TestABrowserThatIsKilledComesBackBehindTheLastPicture(t *testing.T) {
	b := alone(t, Config{})
	v := open(t, b, page1(t, `<body style="background:red"><script>setInterval(() => document.body.style.background = Date.now() % 2000 < 1000 ? 'red' : 'blue', 100)</script>`), small).ready()
	v.Play()
	for range 2 {
		v.turns(10, 10, blue)
		v.turns(10, 10, red)
		b.mu.Lock()
		pid := b.now.pid
		b.mu.Unlock()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		v.await("the page knows", func() bool {
			if got := v.at(10, 10); got.A != 0xff || got.G != 0 {
				t.Errorf("meanwhile %v was shown", got)
			}
			return v.Stalled()
		})
	}
	v.turns(10, 10, blue)
	if v.Err() != nil || v.Stalled() {
		t.Errorf("error %v, stalled %v", v.Err(), v.Stalled())
	}
}

func TestAPageThatStaysMovesToAnotherBrowserWhenItsOwnIsAtItsEnd(t *testing.T) {
	b := alone(t, Config{renew: 500 * time.Millisecond})
	v := open(t, b, page1(t, `<body style="background:red"><script>setInterval(() => document.body.style.background = Date.now() % 1000 < 500 ? 'red' : 'blue', 50)</script>`), small).ready()
	v.Play()
	v.turns(10, 10, blue)
	b.mu.Lock()
	old := b.now
	b.mu.Unlock()
	old.tire()
	v.await("the end of the old browser", func() bool {
		if got := v.at(10, 10); got.A != 0xff || got.G != 0 || v.Stalled() {
			t.Errorf("meanwhile %v was shown, stalled %v", got, v.Stalled())
		}
		return len(shares(old.pid)) == 0
	})
	v.turns(10, 10, red)
	v.turns(10, 10, blue)
	if v.Err() != nil || v.Stalled() {
		t.Errorf("error %v, stalled %v", v.Err(), v.Stalled())
	}
}

// listener counts what reaches it: nothing of what a page tries.
func listener(t *testing.T) (addr string, hits *atomic.Int32) {
	t.Helper()
	hits = new(atomic.Int32)
	ln, err := net.Listen("tcp4", "127.0.0.2:0") // this machine too, by another name than a page's server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = c.Close()
		}
	}()
	udp, err := net.ListenPacket("udp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	go func() {
		b := make([]byte, 2000)
		for {
			if _, _, err := udp.ReadFrom(b); err != nil {
				return
			}
			hits.Add(1)
		}
	}()
	return ln.Addr().String(), hits
}

// Every door that a browser has is tried by a page of the bundle, which has a policy and a gate against it, and by one from
// a server, which has the gate alone.
func TestAPageReachesNothingButItsHosts(t *testing.T) {
	addr, hits := listener(t)
	secret := t.TempDir() + "/secret.html"
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("ADDR", addr, "SECRET", "file://"+secret).Replace(doors)
	const html = `<!doctype html><body style="background:blue"><script src=a.js></script>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".js") {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, map[string]string{"/a.js": script, "/sw.js": "fetch('http://" + addr + "/', {mode: 'no-cors'})"}[r.URL.Path])
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, html)
	}))
	defer server.Close()
	bundled := folder(t, map[string]string{"index.html": html, "a.js": script})
	for name, item := range map[string]scene.Item{
		"from the bundle":                 bundled,
		"with another host":               {Src: bundled.Src, Files: bundled.Files, Hosts: []string{"example.invalid"}},
		"with a name that leads here":     {Src: bundled.Src, Files: bundled.Files, Hosts: []string{"localhost", "127.0.0.2"}},
		"from a server, without a policy": {Src: server.URL},
	} {
		t.Run(name, func(t *testing.T) {
			b := common(t)
			if item.Hosts != nil {
				b = alone(t, Config{})
				b.cfg.own = false // as it is in a renderer
			}
			v := open(t, b, item, image.Pt(640, 360)).ready()
			v.Play()
			v.await("the page's verdict", func() bool { c := v.at(600, 350); return near(c, green) || near(c, red) })
			v.keep("doors")
			if near(v.at(600, 350), red) {
				t.Error("a door is open; the picture says which: run with -shots DIR")
			}
			if n := hits.Load(); n != 0 {
				t.Errorf("%d connections or packets reached this machine", n)
			}
		})
	}
}

func TestWhatAPageStoresIsGoneWithIt(t *testing.T) {
	item := page1(t, `<body style="background:blue"><script>
		const seen = localStorage.getItem('k') || document.cookie.includes('k=1');
		localStorage.setItem('k', '1'); document.cookie = 'k=1;max-age=9999'; 
		const r = indexedDB.open('d'); r.onupgradeneeded = e => document.body.style.background = seen ? 'red' : 'green';
		r.onsuccess = () => { if (document.body.style.background == 'blue') document.body.style.background = 'red' };
	</script>`)
	b := common(t)
	for range 2 { // while the first is still there, and after it
		first := open(t, b, item, small).ready()
		second := open(t, b, item, small).ready()
		for _, v := range []*view{first, second} {
			v.Play()
			v.await("a verdict", func() bool { return !near(v.at(5, 5), blue) })
			if got := v.at(5, 5); !near(got, green) {
				t.Errorf("the page found what another showing had stored: %v", got)
			}
		}
		first.Stop()
		second.Stop()
	}
}
