package sense

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// board is who is told.
type board struct {
	mu      sync.Mutex
	metrics map[string]any
	fired   []string
	checks  map[string]string
	changed chan struct{}
}

func newBoard() *board {
	return &board{metrics: map[string]any{}, checks: map[string]string{}, changed: make(chan struct{}, 1000)}
}

func (b *board) config() Config {
	return Config{
		Report: func(name string, v any) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.metrics[name] = v; v == nil {
				delete(b.metrics, name)
			}
			b.changed <- struct{}{}
		},
		Fire: func(name string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.fired = append(b.fired, name)
			b.changed <- struct{}{}
		},
		Check: func(name string, err error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.checks[name] = "ok"; err != nil {
				b.checks[name] = err.Error()
			}
		},
	}
}

func (b *board) known(name string) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.metrics[name]
}

// await waits until something holds; what is told wakes it.
func (b *board) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-b.changed:
		case <-late:
			t.Fatalf("%s did not come; known is %v", what, b.metrics)
		}
	}
}

func TestTemperaturesAreWholeDegreesOfZonesAndSensors(t *testing.T) {
	sys := fstest.MapFS{}
	for name, text := range map[string]string{
		"class/thermal/thermal_zone0/type": "x86_pkg_temp\n", "class/thermal/thermal_zone0/temp": "51400\n",
		"class/thermal/thermal_zone1/type": "acpitz\n", "class/thermal/thermal_zone1/temp": "-274000\n",
		"class/thermal/thermal_zone2/temp": "17500\n",
		"class/hwmon/hwmon0/name":          "nvme\n", "class/hwmon/hwmon0/temp1_input": "48850\n", "class/hwmon/hwmon0/temp1_label": "Composite\n",
		"class/hwmon/hwmon0/temp2_input": "junk\n", "class/hwmon/hwmon1/name": "k10temp\n", "class/hwmon/hwmon1/temp1_input": "60500\n",
	} {
		sys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	want := map[string]any{"temperature": 61, "temperature.x86_pkg_temp": 51, "temperature.thermal_zone2": 18, "temperature.nvme-composite": 49, "temperature.k10temp-temp1": 61}
	if got := temperatures(sys); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := temperatures(fstest.MapFS{}); len(got) != 0 {
		t.Errorf("without sensors: %v", got)
	}
}

func TestAnInterfaceIsUpWithALinkAndAnAddress(t *testing.T) {
	a4, a6 := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	for _, c := range []struct {
		name string
		list []card
		want map[string]any
	}{
		{"nothing", nil, map[string]any{"network.up": false}},
		{"a cable that is out", []card{{"eth0", false, []netip.Addr{a4}}}, map[string]any{"network.up": false, "network.link.eth0": false}},
		{"no address yet", []card{{"eth0", true, nil}}, map[string]any{"network.up": false, "network.link.eth0": true}},
		{"both", []card{{"wlan0", true, []netip.Addr{a6}}, {"eth0", true, []netip.Addr{a4, a6}}}, map[string]any{"network.up": true, "network.link.eth0": true,
			"network.link.wlan0": true, "network.address": "192.0.2.7", "network.address.eth0": "192.0.2.7", "network.address.wlan0": "2001:db8::7"}},
	} {
		if got := networkMetrics(c.list); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhatIsGoneIsToldAsUnknown(t *testing.T) {
	b := newBoard()
	s, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	s.tell("temperature", map[string]any{"temperature": 50, "temperature.a": 50})
	s.tell("network", map[string]any{"network.up": true})
	s.tell("temperature", map[string]any{"temperature": 50})
	if want := map[string]any{"temperature": 50, "network.up": true}; !maps.Equal(b.metrics, want) || len(b.changed) != 4 {
		t.Errorf("%v in %d words, want %v in 4", b.metrics, len(b.changed), want)
	}
}

// fakeLine is a line whose level a test sets. What it stands for is the library; see TestALineOfTheKernelsSimulator.
type fakeLine struct {
	mu     sync.Mutex
	err    error
	active bool
	change func(bool)
	closed bool
}

func (f *fakeLine) open(_ Line, change func(bool)) (bool, func() error, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = change
	return f.active, func() error { f.closed = true; return nil }, f.err
}

func TestALineFiresWhenItBecomesActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := newBoard(), &fakeLine{err: errors.New("no such chip")}
		cfg := b.config()
		cfg.Sys = t.TempDir()
		cfg.Lines = []Line{{Name: "door", Chip: "gpiochip0", Offset: 17}}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.open = f.open
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			s.keep(ctx, "gpio:door", func(ctx context.Context) error { return s.line(ctx, cfg.Lines[0]) })
		}()
		synctest.Wait()
		if _, known := b.metrics["gpio.door"]; known || b.checks["gpio:door"] != `GPIO line "door" cannot be watched: no such chip` {
			t.Errorf("%v %v", b.metrics, b.checks)
		}
		f.mu.Lock()
		f.err, f.active = nil, true // active from the start is no event
		f.mu.Unlock()
		time.Sleep(again)
		synctest.Wait()
		if b.metrics["gpio.door"] != true || len(b.fired) != 0 || b.checks["gpio:door"] != "ok" {
			t.Errorf("%v %v %v", b.metrics, b.fired, b.checks)
		}
		for _, level := range []bool{false, true, false, true} {
			f.change(level)
			synctest.Wait()
			if b.metrics["gpio.door"] != level {
				t.Errorf("level %v, told %v", level, b.metrics)
			}
		}
		if want := []string{"gpio:door", "gpio:door"}; !slices.Equal(b.fired, want) {
			t.Errorf("%q", b.fired)
		}
		cancel()
		<-over
		if !f.closed {
			t.Error("the line is not given back")
		}
	})
}

func TestALineIsWrittenInOneWay(t *testing.T) {
	got, err := ParseLine("door=gpiochip0:17,active-low,pull-up,debounce=20ms")
	if want := (Line{"door", "gpiochip0", 17, true, "up", 20 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	for text, want := range map[string]string{
		"door": "no chip and number", "door=gpiochip0": "no chip and number", "door=gpiochip0:x": "no chip and number", "=gpiochip0:1": "name", "d oor=gpiochip0:1": "name",
		"door=../mem:1": "chip", "door=gpiochip0:-1": "number", "door=gpiochip0:1,fast": `"fast" is not known`, "door=gpiochip0:1,debounce=2": "length of time", "door=gpiochip0:1,debounce=2h": "0 to 1m",
	} {
		if _, err := ParseLine(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestALineOfTheKernelsSimulator needs gpio-sim (Documentation/admin-guide/gpio/gpio-sim.rst) and root.
func TestALineOfTheKernelsSimulator(t *testing.T) {
	const config = "/sys/kernel/config/gpio-sim"
	if _, err := os.Stat(config); err != nil {
		t.Skipf("this kernel has no gpio-sim: %v", err)
	}
	sim := filepath.Join(config, "vitrine-test")
	bank := filepath.Join(sim, "bank0")
	for _, step := range []func() error{
		func() error { return os.MkdirAll(bank, 0o755) },
		func() error { return os.WriteFile(bank+"/num_lines", []byte("4"), 0o600) },
		func() error { return os.WriteFile(sim+"/live", []byte("1"), 0o600) },
	} {
		if err := step(); err != nil {
			t.Skipf("gpio-sim takes no chip from this user: %v", err)
		}
	}
	t.Cleanup(func() { _ = os.WriteFile(sim+"/live", []byte("0"), 0o600); _ = os.Remove(bank); _ = os.Remove(sim) })
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	chip := read(bank + "/chip_name")
	pull := filepath.Join("/sys/devices/platform", read(sim+"/dev_name"), chip, "sim_gpio2/pull")
	b := newBoard()
	cfg := b.config()
	cfg.Lines = []Line{{Name: "door", Chip: chip, Offset: 2, ActiveLow: true}}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pull, []byte("pull-up"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); _ = s.Run(ctx) }()
	defer func() { cancel(); <-over }()
	b.await(t, "the line at rest", func() bool { return b.known("gpio.door") == false })
	if err := os.WriteFile(pull, []byte("pull-down"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.await(t, "the line active", func() bool { return b.known("gpio.door") == true })
}

func TestTheKernelTellsOfALinkThatComes(t *testing.T) {
	ip := func(args ...string) error { return exec.Command("ip", args...).Run() }
	const name, peer = "vitrine-test0", "vitrine-test1"
	if err := ip("link", "add", name, "type", "veth", "peer", "name", peer); err != nil {
		t.Skipf("no interface can be made here: %v", err)
	}
	t.Cleanup(func() { _ = ip("link", "delete", name) })
	b := newBoard()
	s, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); _ = s.Run(ctx) }()
	defer func() { cancel(); <-over }()
	b.await(t, "the interface without a link", func() bool { return b.known("network.link."+name) == false })
	if err := ip("address", "add", "192.0.2.7/32", "dev", name); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{name, peer} { // a cable has a link when both ends are up
		if err := ip("link", "set", end, "up"); err != nil {
			t.Fatal(err)
		}
	}
	b.await(t, "the link and the address", func() bool {
		return b.known("network.link."+name) == true && b.known("network.address."+name) == "192.0.2.7" && b.known("network.up") == true
	})
	if err := ip("link", "delete", name); err != nil {
		t.Fatal(err)
	}
	b.await(t, "the end of the interface", func() bool { return b.known("network.link."+name) == nil })
}
