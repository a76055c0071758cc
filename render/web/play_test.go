package web

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vitrine/render/scene"
)

func TestNothingMovesBeforePlayAndThenItBegins(t *testing.T) {
	v := open(t, common(t), page1(t, `<!doctype html><style>body{margin:0;background:white}
		@keyframes m { from { background: red } to { background: rgb(0,0,255) } }
		#a, #b { position: absolute; top: 0; width: 100px; height: 100px; left: 0; background: red }
		#a { animation: m 1ms 500ms linear both } #b { left: 100px }</style><div id=a></div><div id=b></div>
		<script>setInterval(() => { document.title = Number(document.title) + 1; document.getElementById('b').style.background = document.title > 2 ? 'blue' : 'red' }, 200)
		document.addEventListener('vitrine:play', () => document.body.style.background = 'green')</script>`), small).ready()
	time.Sleep(1500 * time.Millisecond) // that nothing happens has no event: three times what it would take
	if v.Fresh() {
		v.look()
	}
	for _, x := range []int{50, 150} {
		if got := v.at(x, 50); got != red {
			t.Errorf("before Play pixel %d is %v, want red: it has moved", x, got)
		}
	}
	if got := v.at(300, 170); got != white {
		t.Errorf("before Play the ground is %v", got)
	}
	v.Play()
	v.turns(300, 170, green)
	v.turns(50, 50, blue)
	v.turns(150, 50, blue)
}

func TestAStillPageIsDrawnAsItIsAndCostsNothing(t *testing.T) {
	v := open(t, common(t), page1(t, `<body style="margin:0;background:repeating-linear-gradient(90deg,red 0 1px,blue 1px 2px)"><script>
		let n = 0; const i = setInterval(() => { document.body.style.paddingTop = ++n + 'px'; if (n > 20) { clearInterval(i); document.body.style.background = 'repeating-linear-gradient(90deg,white 0 1px,blue 1px 2px)' } }, 50)</script>`), small).ready()
	v.Play()
	v.await("the picture at rest", func() bool { // JPEG would have made one colour of it
		m := v.look()
		return m.RGBAAt(100, 100) == white && m.RGBAAt(101, 100) == blue
	})
	for try := 1; ; try++ { // the last pictures of the movement may still be on their way
		v.look()
		time.Sleep(2 * time.Second) // that nothing happens has no event
		if !v.Fresh() {
			break
		}
		if try == 5 {
			t.Fatal("a page that stands still sends pictures")
		}
	}
	if m := v.look(); m.RGBAAt(100, 100) != white || m.RGBAAt(101, 100) != blue {
		t.Error("at rest the page is not drawn as it is")
	}
}

func TestAScriptHasTheRowsAndHearsOfOthers(t *testing.T) {
	item := folder(t, map[string]string{"index.html": `<body><script src=a.js></script>`, "a.js": `
		const show = rows => document.body.style.background = rows.map(r => r.colour).join('');
		show(vitrine.rows);
		document.addEventListener('vitrine:rows', e => show(e.detail.rows === vitrine.rows ? vitrine.rows : []));
		if (vitrine.locale !== 'fr' || vitrine.zone !== 'Asia/Tokyo' || Math.abs(vitrine.now() - Date.now()) > 1000 || new Date(0).getHours() !== 9) show([{colour: 'white'}]);`})
	b := alone(t, Config{})
	b.Settle(Place{Zone: "Asia/Tokyo", Locale: "fr"})
	item.Rows = []map[string]string{{"colour": "red"}}
	v := open(t, b, item, small).ready()
	if got := v.at(5, 5); got != red {
		t.Errorf("with the first rows the page is %v", got)
	}
	item.Rows = []map[string]string{{"colour": "bl"}, {"colour": "ue"}}
	v.Update(item) // before it is on the screen
	v.turns(5, 5, blue)
	v.Play()
	item.Rows = []map[string]string{{"colour": "green"}}
	v.Update(item)
	v.turns(5, 5, green)
}

func TestWhatARowBringsAlongDoesNotRun(t *testing.T) {
	const evil = `document.body.style.background='red'`
	item := folder(t, map[string]string{
		"index.html": `<!doctype html><body style="margin:0;background:green"><script>document.documentElement.dataset.own = '1'</script>
			<div data-vitrine-each><a href="{{link}}" onclick="x('{{x}}')" style="color:{{x}}">{{html}}</a><img src="{{link}}"><svg><a xlink:href="{{link}}"></a></svg>
			<iframe srcdoc="{{html}}"></iframe></div><div id=naive></div><script src=a.js></script>`,
		"a.js": `document.getElementById('naive').innerHTML = vitrine.rows.map(r => r.html).join(''); 
			setTimeout(() => { document.querySelectorAll('a').forEach(a => a.dispatchEvent(new MouseEvent('click', {bubbles: true}))); const s = document.createElement('script'); s.textContent = vitrine.rows[0].script; document.body.append(s);
				document.getElementById('naive').remove(); s.remove(); if (document.documentElement.dataset.own && ![...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.value.includes('javascript:')))) document.title = 'well' ;
				document.body.insertAdjacentHTML('beforeend', '<p style="position:fixed;right:0;bottom:0;margin:0;width:20px;height:20px;background:' + (document.title == 'well' ? 'blue' : 'red') + '">') }, 300)`,
	})
	item.Rows = []map[string]string{{
		"link": "javascript:" + evil, "x": "');" + evil + "//", "script": evil,
		"html": `<img src=x onerror="` + evil + `"><svg onload="` + evil + `"></svg><script>` + evil + `</` + `script><iframe src="javascript:parent.` + evil + `"></iframe>`,
	}}
	v := open(t, common(t), item, small).ready()
	v.Play()
	v.await("the page's verdict", func() bool { c := v.at(310, 170); return near(c, blue) || near(c, red) })
	v.keep("evil")
	if got := v.at(310, 170); !near(got, blue) {
		t.Error("an address of a row is in the page as a script")
	}
	if got := v.at(300, 100); !near(got, green) {
		t.Errorf("the page is %v: a row's script has run", got)
	}
}

func TestAPixelOfThePageIsOneOfTheCanvas(t *testing.T) {
	html := `<body style="margin:0;background:white"><div style="width:100px;height:50px;background:red"></div><script>
		if (Math.abs(innerWidth - 320) > 1 || innerHeight != 180) document.body.style.background = 'blue'</script>`
	for scale, size := range map[float64]image.Point{1: {320, 180}, 2: {640, 360}, 0.5: {160, 90}, 1.0 / 3: {107, 60}} {
		v := &view{t: t, news: make(chan struct{}, 1)}
		v.Page = common(t).Open(func() {})
		v.Room(size, scale)
		item := page1(t, html)
		item.Kind = scene.Web
		if err := v.Load(item, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		v.ready()
		at := func(x, y float64) color.RGBA { return v.at(int(x*scale), int(y*scale)) }
		if !near(at(90, 40), red) || !near(at(110, 40), white) && scale > 0.4 || !near(at(90, 60), white) {
			t.Errorf("scale %v: %v %v %v", scale, at(90, 40), at(110, 40), at(90, 60))
		}
		if got := v.at(size.X-1, size.Y-1); got.A != 0xff {
			t.Errorf("scale %v: the last pixel is %v", scale, got)
		}
	}
}

func TestATouchIsAClickWhereItWas(t *testing.T) {
	v := open(t, common(t), page1(t, `<body style="margin:0;background:white"><div id=a style="position:absolute;left:100px;top:50px;width:50px;height:50px;background:red"></div>
		<script>document.getElementById('a').addEventListener('click', e => { e.target.style.background = 'blue'; document.documentElement.requestFullscreen() })
		document.addEventListener('fullscreenchange', () => document.body.append('full'))</script>`), small).ready()
	v.Play()
	v.Touch(20, 20)
	v.Touch(120, 70)
	v.turns(120, 70, blue)
}

func TestTheWholeOfChromiumDrawsToo(t *testing.T) {
	b := alone(t, Config{Program: "/usr/lib/chromium/chromium"})
	first := open(t, b, page1(t, `<style>@keyframes m { from { left: 0 } to { left: 100px } } div { position:absolute; width: 50px; height: 50px; top: 0; background: red; animation: m 1s linear infinite alternate }</style><body style="margin:0"><div></div><script>alert(1); open('about:blank')</script>`), small).ready()
	second := open(t, b, page1(t, `<body style="background:blue">`), small).ready()
	if first.at(10, 10) != red || first.at(60, 10) != none || second.at(10, 10) != blue {
		t.Errorf("%v, %v and %v", first.at(10, 10), first.at(60, 10), second.at(10, 10))
	}
	first.Play()
	second.Play()
	first.turns(10, 10, none)
	first.turns(10, 10, red)
}

func TestWithoutABrowserTheErrorSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(Config{Program: "no-such-browser"}); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt install chromium") {
		t.Errorf("said %v", err)
	}
}

func TestAProgramThatIsNoBrowserIsAnErrorAndNotWaitedFor(t *testing.T) {
	v := open(t, alone(t, Config{Program: "/bin/false"}), page1(t, "x"), small)
	if err := v.fails(); !strings.Contains(err.Error(), "browser") {
		t.Errorf("failed with %q", err)
	}
}

// A renderer that is killed leaves no browser behind: this test is started again as one that shows a page.
func TestTheBrowserEndsWithItsProcess(t *testing.T) {
	if os.Getenv("VITRINE_WEB_CHILD") != "" {
		b := alone(t, Config{})
		v := open(t, b, page1(t, `<body><script>setTimeout(() => { for (;;); }, 300)</script>`), small).ready()
		v.Play()
		b.mu.Lock()
		fmt.Println("pid", b.now.pid, b.launch.memory)
		b.mu.Unlock()
		select {}
	}
	if _, err := New(Config{}); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", t.Name(), "-test.v")
	cmd.Env = append(os.Environ(), "VITRINE_WEB_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, home := 0, ""
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 1 && f[0] == "pid" {
			pid, _ = strconv.Atoi(f[1])
			home = strings.Join(f[2:], " ")
		}
	}
	time.Sleep(500 * time.Millisecond) // its script does not end by now
	before := shares(pid)
	if pid == 0 || len(before) < 4 {
		t.Fatalf("the browser %d has the processes %v", pid, before)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for end := time.Now().Add(20 * time.Second); len(shares(pid)) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			left, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/exe")
			t.Fatalf("it left %v behind, %v", shares(pid), left)
		}
	}
	if home == "" {
		home = os.TempDir()
	}
	profiles := filepath.Join(home, fmt.Sprintf("%s%d-*", profileName, cmd.Process.Pid))
	if left, _ := filepath.Glob(profiles); len(left) == 0 {
		return // whichever renderer starts next takes it away: here one of another test
	}
	alone(t, Config{})
	if left, _ := filepath.Glob(profiles); len(left) != 0 {
		t.Errorf("the next start leaves %v behind", left)
	}
}
