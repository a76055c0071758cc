package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/render/scene"
)

// site answers each path as a test says.
func site(t *testing.T, routes map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, h := range routes {
		mux.HandleFunc(path, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func says(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func TestAPageFromAServerIsDrawnOnWhite(t *testing.T) {
	base := site(t, map[string]http.HandlerFunc{
		"/{$}":   says(200, "text/html", `<div style="position:absolute;left:0;top:0;width:50px;height:50px;background:red"></div><link rel=stylesheet href=a.css>`),
		"/a.css": says(200, "text/css", `body::after{content:"";position:absolute;left:100px;top:0;width:50px;height:50px;background:blue}`),
		"/moved": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
	})
	for _, path := range []string{"/", "/moved"} {
		v := open(t, common(t), scene.Item{Src: base + path}, small).ready()
		for at, want := range map[image.Point]any{{10, 10}: red, {120, 10}: blue, {300, 170}: white} {
			if got := v.at(at.X, at.Y); got != want {
				t.Errorf("%s: pixel %v is %v, want %v", path, at, got, want)
			}
		}
		if v.Alpha() {
			t.Error("a page from a server is translucent")
		}
	}
}

func TestAPageThatCannotBeHadFailsWithASentence(t *testing.T) {
	closed, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	secure := httptest.NewTLSServer(says(200, "text/html", "secret"))
	t.Cleanup(secure.Close)
	base := site(t, map[string]http.HandlerFunc{
		"/500":   says(500, "text/html", "<body style='background:red'>Internal error"),
		"/login": says(401, "text/html", "who are you?"),
		"/zip":   says(200, "application/zip", "PK"),
		"/save": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Disposition", "attachment; filename=a.html")
		},
		"/none": says(204, "text/html", ""),
		"/away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		},
		"/cut": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = c.Close()
			}
		},
	})
	for name, tc := range map[string]struct{ src, want string }{
		"is not there":                 {base + "/404", "404 Not Found"},
		"is broken":                    {base + "/500", "500 Internal Server Error"},
		"wants a password":             {base + "/login", "401 Unauthorized"},
		"is an archive":                {base + "/zip", "application/zip, not a page"},
		"is to be saved":               {base + "/save", "file to be saved"},
		"is empty":                     {base + "/none", "no page"},
		"leads away":                   {base + "/away", "elsewhere.example is not one of the page's hosts"},
		"is cut off":                   {base + "/cut", "ended the connection"},
		"is on a machine that is off":  {"http://" + closed.Addr().String() + "/", "does not answer"},
		"is on a machine without name": {"https://nowhere.invalid/", "cannot be looked up"},
		"has a stranger's certificate": {secure.URL, "certificate of " + secure.Listener.Addr().String() + " is not one to trust"},
		"speaks no TLS":                {strings.Replace(base, "http:", "https:", 1), "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := open(t, common(t), scene.Item{Src: tc.src}, small)
			if err := v.fails(); !strings.Contains(err.Error(), tc.want) {
				t.Errorf("failed with %q, want %q", err, tc.want)
			}
			if v.Ready() {
				t.Error("something of it is shown")
			}
		})
	}
}

func TestWhatIsNoPageIsRefusedAtOnce(t *testing.T) {
	b := common(t)
	for src, want := range map[string]string{
		"http://www.example.com/": "does not begin with https://", "file:///etc/passwd": "not the address", "https://user:pass@example.com/": "not the address",
		"chrome://version": "does not begin", "ftp://example.com/": "does not begin", "missing.html": "not among the files", "": "not among the files",
		"http://192.168.1.1/": "does not begin", "javascript://x/%0aalert(1)": "does not begin",
	} {
		p := b.Open(func() {})
		p.Room(small, 1)
		item := scene.Item{Src: src}
		if !strings.Contains(src, "://") {
			item.Files = map[string]string{"index.html": "/tmp/x"}
		}
		if err := p.Load(item, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
		p.Close()
	}
}

func TestAPageThatReloadsItselfKeepsItsLastGoodPicture(t *testing.T) {
	var n atomic.Int32
	base := site(t, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			const reload = `<meta http-equiv=refresh content=1><body style="background:%s">`
			w.Header().Set("Content-Type", "text/html")
			switch n.Add(1) {
			case 1:
				fmt.Fprintf(w, reload, "green")
			case 2:
				w.WriteHeader(502)
				fmt.Fprintf(w, reload, "red")
			case 3:
				if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_ = c.Close()
				}
			default:
				fmt.Fprintf(w, reload, "blue")
			}
		},
		"/favicon.ico": says(404, "text/plain", ""),
	})
	v := open(t, common(t), scene.Item{Src: base + "/"}, small).ready()
	v.Play()
	v.await("the page after the errors", func() bool {
		got := v.at(10, 10)
		if !near(got, green) && !near(got, blue) {
			t.Errorf("in between was %v", got)
		}
		return near(got, blue)
	})
}

func TestAStandInIsAskedForWhileAPageCannotBeHad(t *testing.T) {
	var up atomic.Bool
	base := site(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		says(200, "text/html", `<body style="background:blue">`)(w, r)
	}})
	v := open(t, common(t), scene.Item{Src: base + "/", StandIn: "/some/picture.png"}, small)
	v.await("that it is not there", v.Stalled)
	if v.Err() != nil || v.Ready() {
		t.Errorf("error %v, ready %v", v.Err(), v.Ready())
	}
	v.Play()
	up.Store(true)
	v.ready().turns(10, 10, blue)
	if v.Stalled() {
		t.Error("it is still stalled")
	}
}

func TestAPageByHTTPSSeesTheHostsThatItNamesAndNoOthers(t *testing.T) {
	other := httptest.NewTLSServer(says(200, "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><rect width="50" height="50" fill="blue"/></svg>`))
	defer other.Close()
	where := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	main := httptest.NewTLSServer(says(200, "text/html", `<body style="margin:0;background:green"><img src="`+where+`/a.svg">`))
	defer main.Close()
	sum := sha256.Sum256(main.Certificate().RawSubjectPublicKeyInfo)
	b := alone(t, Config{flags: []string{"--ignore-certificate-errors-spki-list=" + base64.StdEncoding.EncodeToString(sum[:])}})
	for _, hosts := range [][]string{nil, {"localhost"}} {
		v := open(t, b, scene.Item{Src: main.URL, Hosts: hosts}, small).ready()
		v.keep(fmt.Sprint(len(hosts)))
		want := map[bool]any{true: blue, false: green}[hosts != nil]
		if got := v.at(10, 10); got != want {
			t.Errorf("with the hosts %v the picture of another host is %v, want %v", hosts, got, want)
		}
		if got := v.at(300, 100); got != green {
			t.Errorf("the page is %v", got)
		}
	}
}

func TestAFrameOfAnotherHostNeverShowsAnError(t *testing.T) {
	var n atomic.Int32
	frame := site(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if n.Add(1) > 1 {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = c.Close()
			}
			return
		}
		fmt.Fprint(w, `<body style="background:blue"><script>setTimeout(() => location.reload(), 500); alert(1)</script>`)
	}})
	frame = strings.Replace(frame, "127.0.0.1", "localhost", 1)
	base := site(t, map[string]http.HandlerFunc{"/": says(200, "text/html", `<body style="margin:0;background:green"><iframe src="`+frame+`" style="border:0;width:100px;height:100px"></iframe>`)})
	v := open(t, common(t), scene.Item{Src: base + "/", Hosts: []string{"localhost"}}, small).ready()
	v.Play()
	v.turns(50, 50, blue)
	v.await("that the frame has asked again", func() bool { return n.Load() > 1 })
	time.Sleep(time.Second) // for an error page that must not come
	if got := v.at(50, 50); !near(got, blue) {
		t.Errorf("after an error the frame is %v, want what it was", got)
	}
	if got := v.at(200, 50); !near(got, green) || v.Err() != nil {
		t.Errorf("beside it is %v, error %v", got, v.Err())
	}
}

func TestNoNameLeadsToThisMachineOrItsCable(t *testing.T) {
	g := &gate{}
	for a, ok := range map[string]bool{
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false, "169.254.169.254": false, "fe80::1": false,
		"224.0.0.1": false, "ff02::1": false, "100.100.100.200": false, "fd00:ec2::254": false, "168.63.129.16": false,
		"192.168.7.9": true, "10.1.2.3": true, "93.184.216.34": true, "2001:db8::1": true, "fd12::1": true,
	} {
		if err := g.refuse(netip.MustParseAddr(a), true); (err == nil) != ok {
			t.Errorf("%s: %v", a, err)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range own {
		ip, _ := netip.AddrFromSlice(o.(*net.IPNet).IP)
		if g.refuse(ip.Unmap(), true) == nil {
			t.Errorf("%s is this machine's own and allowed", ip)
		}
	}
	if g.refuse(netip.MustParseAddr("93.184.216.34"), false) == nil {
		t.Error("plain http is allowed")
	}
}
