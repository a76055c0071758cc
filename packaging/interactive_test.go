package packaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"vitrine/render/witness"
)

// kiosk is a real player with its real renderer before a display of its own, and a hand that strikes keys and touches.
type kiosk struct {
	t       *testing.T
	bin     string
	dir     string
	screen  witness.Screen
	conn    *xgb.Conn
	root    xproto.Window
	keys    map[uint32]byte // by keysym
	address string          // for triggers
}

const kioskBundle = `id: kiosk
zone: UTC
canvas: {width: 320, height: 180}
scenes:
  loop: {for: 1h, zones: [{at: [0, 0, 320, 180], background: "#c80a0a"}]}
  help: {for: 1h, zones: [{at: [0, 0, 320, 180], background: "#0ac80a"}]}
  bell: {for: 1h, zones: [{at: [0, 0, 320, 180], background: "#0a0ac8"}]}
  attract: {for: 1h, zones: [{at: [0, 0, 320, 180], background: "#c8c80a"}]}
events:
  - {id: help, items: [help], priority: 10, trigger: {on: [touch, "key:F2"], for: 2s}}
  - {id: bell, items: [bell], priority: 20, trigger: {on: ["http:doorbell"], for: 2s}}
  - {id: attract, items: [attract], priority: 5, when: [{metric: touch.idle, op: ge, value: 20}]}
defaults: {fleet: [loop]}
fallback: [loop]
`

func startKiosk(t *testing.T) *kiosk {
	t.Helper()
	k := &kiosk{t: t, bin: t.TempDir(), dir: t.TempDir()}
	for _, program := range []string{"cloud/cmd/vitrine", "agent/cmd/vitrine-player", "render/cmd/vitrine-render"} {
		if out, err := exec.Command("go", "build", "-o", k.bin, "vitrine/"+program).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	display, err := witness.StartXvfb(t.Context(), image.Pt(320, 180))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(display.Close)
	if k.screen, err = display.Screen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.screen.Close)
	k.hand(display.Name)
	k.play(display.Name)
	return k
}

// play publishes the bundle for a player that is then started and imports it.
func (k *kiosk) play(display string) {
	k.t.Helper()
	folder := filepath.Join(k.dir, "kiosk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "bundle.yaml"), []byte(kioskBundle), 0o600); err != nil {
		k.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		k.t.Fatal(err)
	}
	k.address = l.Addr().String()
	l.Close()
	data, keys, file := filepath.Join(k.dir, "player"), filepath.Join(k.dir, "keys"), filepath.Join(k.dir, "kiosk.vitrine")
	k.run("vitrine", "key", "new", "--dir", keys)
	k.run("vitrine", "build", folder, "--keys", keys, "-o", file)
	player := exec.Command(filepath.Join(k.bin, "vitrine-player"), "run", "--data", data, "--display", display, "--usb=false", "--trigger-listen", k.address)
	player.Stderr = k.t.Output()
	if err := player.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = player.Process.Signal(syscall.SIGTERM); _ = player.Wait() })
	k.until("the player answers", func() bool {
		return exec.Command(filepath.Join(k.bin, "vitrine-player"), "status", "--data", data).Run() == nil
	})
	var seen struct{ Words []string }
	if err := json.Unmarshal([]byte(k.run("vitrine", "inspect", file, "--json")), &seen); err != nil {
		k.t.Fatal(err)
	}
	k.run("vitrine-player", "import", file, "--data", data, "--trust", strings.Join(seen.Words, " "))
}

func (k *kiosk) run(program string, args ...string) string {
	k.t.Helper()
	cmd := exec.Command(filepath.Join(k.bin, program), args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+k.dir, "LANG=en_GB.UTF-8")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// hand learns where the keys are.
func (k *kiosk) hand(display string) {
	k.t.Helper()
	var err error
	if k.conn, err = xgb.NewConnDisplay(display); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(k.conn.Close)
	if err := xtest.Init(k.conn); err != nil {
		k.t.Fatal(err)
	}
	s := xproto.Setup(k.conn)
	m, err := xproto.GetKeyboardMapping(k.conn, s.MinKeycode, byte(s.MaxKeycode-s.MinKeycode+1)).Reply()
	if err != nil {
		k.t.Fatal(err)
	}
	k.root, k.keys = s.DefaultScreen(k.conn).Root, map[uint32]byte{}
	for i := 0; i < len(m.Keysyms); i += int(m.KeysymsPerKeycode) {
		k.keys[uint32(m.Keysyms[i])] = byte(s.MinKeycode) + byte(i/int(m.KeysymsPerKeycode))
	}
}

func (k *kiosk) fake(kind, detail byte, at image.Point) {
	k.t.Helper()
	if err := xtest.FakeInputChecked(k.conn, kind, detail, 0, k.root, int16(at.X), int16(at.Y), 0).Check(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kiosk) strike(keysym uint32) {
	k.t.Helper()
	k.fake(xproto.KeyPress, k.keys[keysym], image.Point{})
	k.fake(xproto.KeyRelease, k.keys[keysym], image.Point{})
}

func (k *kiosk) touch() {
	k.t.Helper()
	k.fake(xproto.MotionNotify, 0, image.Pt(100, 100))
	k.fake(xproto.ButtonPress, 1, image.Pt(100, 100))
	k.fake(xproto.ButtonRelease, 1, image.Pt(100, 100))
}

// ring sets the trigger off as a program of the machine does.
func (k *kiosk) ring(name string) int {
	k.t.Helper()
	token, err := os.ReadFile(filepath.Join(k.dir, "player", "trigger.token"))
	if err != nil {
		k.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, "http://"+k.address+"/trigger/"+name, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode
}

// colour is that of the middle of the screen.
func (k *kiosk) colour() string {
	k.t.Helper()
	p, err := k.screen.Read()
	if err != nil {
		k.t.Fatal(err)
	}
	b := p.Pix[p.Size.Y/2*p.Stride+p.Size.X/2*4:]
	return fmt.Sprintf("#%02x%02x%02x", b[2], b[1], b[0])
}

// until asks again and again: a screen does not tell of a change.
func (k *kiosk) until(what string, holds func() bool) {
	k.t.Helper()
	late := time.After(90 * time.Second)
	for !holds() {
		select {
		case <-late:
			k.t.Fatalf("it never came that %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sees waits for colours of the middle, one after the other, and for no other between them.
func (k *kiosk) sees(colours ...string) {
	k.t.Helper()
	last := k.colour()
	for _, want := range colours {
		k.until("the screen is "+want+" after "+last, func() bool {
			now := k.colour()
			if now != last && now != want {
				k.t.Fatalf("%s came after %s, want %s", now, last, want)
			}
			return now == want
		})
		last = want
	}
}

func TestSomebodyBeforeTheScreenStartsAnEventThatFallsBack(t *testing.T) {
	const loop, help, bell, attract, f2 = "#c80a0a", "#0ac80a", "#0a0ac8", "#c8c80a", 0xffbf
	k := startKiosk(t)
	k.until("the loop is on", func() bool { return k.colour() == loop })
	// What is heard of keys begins soon after the first frame.
	k.until("a key starts the event", func() bool { k.strike(f2); return k.colour() == help })
	k.sees(loop)
	k.touch()
	k.sees(help, loop)
	if code := k.ring("doorbell"); code != http.StatusNoContent {
		t.Fatalf("the doorbell was answered with %d", code)
	}
	k.sees(bell, loop)
	if code := k.ring("nobody"); code != http.StatusNotFound {
		t.Errorf("a bell that nothing waits for was answered with %d", code)
	}
	k.sees(attract) // nobody touches it any more
	k.touch()
	k.sees(help, loop)
	status := k.run("vitrine-player", "status", "--data", filepath.Join(k.dir, "player"))
	for _, want := range []string{"touch.idle = ", "network.up = "} {
		if !strings.Contains(status, want) {
			t.Errorf("%q lacks %q", status, want)
		}
	}
}
