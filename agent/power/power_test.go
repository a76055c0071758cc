package power_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/agent/power"
)

// fake is a cec-ctl built from cec-ctl(1) and the program's own help: it takes the options that the manual names, refuses
// others, wants an address (--playback) before it sends, and prints what the real one prints. The display's state is a file.
const fake = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >> log
[ "$1" = --device ] || exit 1
shift 2
echo "Driver Info:"
echo "	Physical Address           : 1.0.0.0"
while [ $# -gt 0 ]; do
	case "$1" in
	--playback) touch addressed ;;
	--osd-name|--to) shift ;;
	--image-view-on|--standby|--active-source|--give-device-power-status)
		[ -e addressed ] || { echo "Need to configure the logical address first"; exit 1; }
		case "$1" in
		--image-view-on) [ -e stubborn ] || echo on > state ;;
		--standby) [ -e stubborn ] || echo standby > state ;;
		--active-source) shift; case "$1" in phys-addr=1.0.0.0) touch source ;; *) exit 1 ;; esac ;;
		--give-device-power-status)
			if [ ! -e mute ]; then
				echo "Transmit from Playback Device 1 to TV (4 to 0):"
				echo "GIVE_DEVICE_POWER_STATUS (0x8f)"
				echo "    Received from TV (0):"
				echo "    REPORT_POWER_STATUS (0x90):"
				echo "	pwr-state: $(cat state) (0x00)"
			fi ;;
		esac ;;
	*) echo "unrecognized option '$1'"; exit 1 ;;
	esac
	shift
done
`

// rig is a display and what is wanted of it.
type rig struct {
	t    *testing.T
	dir  string
	want atomic.Bool
	mu   sync.Mutex
	err  error
	*power.Screen
}

func start(t *testing.T, on bool, state string, settle time.Duration, traits ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.want.Store(on)
	files := map[string]string{"cec-ctl": fake, "state": state + "\n", "log": ""}
	for _, name := range traits {
		files[name] = ""
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	r.Screen, err = power.New(power.Config{Want: r.want.Load, Program: filepath.Join(r.dir, "cec-ctl"), Devices: func() []string { return []string{"/dev/cec0"} },
		Every: 10 * time.Millisecond, Settle: settle, Check: func(err error) { r.mu.Lock(); defer r.mu.Unlock(); r.err = err }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx := t.Context()
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { <-done })
	return r
}

func (r *rig) file(name string) string {
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	late := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-late:
			r.t.Fatalf("it never came that %s; cec-ctl was told\n%s", what, r.file("log"))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *rig) is(state string) {
	r.t.Helper()
	r.until("the display is "+state, func() bool { return r.file("state") == state })
}

func TestADisplayFollowsWhatIsWanted(t *testing.T) {
	r := start(t, true, "standby", 50*time.Millisecond)
	r.is("on")
	r.until("our input is chosen", func() bool { _, err := os.Stat(filepath.Join(r.dir, "source")); return err == nil })
	r.want.Store(false)
	r.Poke()
	r.is("standby")
	r.want.Store(true)
	r.Poke()
	r.is("on")
	if err := os.WriteFile(filepath.Join(r.dir, "state"), []byte("standby\n"), 0o600); err != nil { // somebody with a remote control
		t.Fatal(err)
	}
	r.is("on")
}

func TestOffForAMomentLeavesTheDisplayOn(t *testing.T) {
	r := start(t, true, "on", time.Hour)
	r.until("it was asked", func() bool { return strings.Contains(r.file("log"), "--give-device-power-status") })
	for range 5 {
		r.want.Store(false)
		r.Poke()
		r.want.Store(true)
		r.Poke()
	}
	asked := strings.Count(r.file("log"), "--give-device-power-status")
	r.until("it was asked again", func() bool { return strings.Count(r.file("log"), "--give-device-power-status") > asked+3 })
	if strings.Contains(r.file("log"), "--standby") {
		t.Errorf("it was switched off:\n%s", r.file("log"))
	}
}

func TestADisplayThatDoesNotFollowIsReported(t *testing.T) {
	r := start(t, false, "on", time.Millisecond, "stubborn")
	r.until("somebody is told", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err != nil && strings.Contains(r.err.Error(), "it is to be off and says that it is on")
	})
	if err := os.Remove(filepath.Join(r.dir, "stubborn")); err != nil {
		t.Fatal(err)
	}
	r.is("standby")
	r.until("all is well", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.err == nil })
}

func TestADisplayThatSaysNothingIsToldOnce(t *testing.T) {
	r := start(t, true, "standby", time.Millisecond, "mute")
	r.is("on")
	r.until("it was asked some times more", func() bool { return strings.Count(r.file("log"), "--give-device-power-status") > 5 })
	if n := strings.Count(r.file("log"), "--image-view-on"); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	r.want.Store(false)
	r.Poke()
	r.is("standby")
}

func TestWithoutItsProgramItSaysWhatToInstall(t *testing.T) {
	told := make(chan error, 100)
	s, err := power.New(power.Config{Want: func() bool { return true }, Program: "no-such-cec-ctl", Devices: func() []string { return []string{"/dev/cec0"} },
		Check: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx := t.Context()
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() { <-done })
	if err := <-told; err == nil || !strings.Contains(err.Error(), "v4l-utils") {
		t.Errorf("it says %v", err)
	}
}
