package web

import (
	"flag"
	"fmt"
	"image"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure what pages cost")

// TestFigures measures pages of 1080p: pictures a second, processor time of the browser and of this process, memory.
func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("a benchmark: run it with -figures")
	}
	const bar = `<!doctype html><style>body{margin:0;overflow:hidden;color:#fff;font:60px sans-serif}
		.b{position:absolute;width:300px;height:300px;border-radius:40px;background:linear-gradient(red,blue);animation:m 3s linear infinite alternate}
		.c{position:absolute;bottom:0;white-space:nowrap;animation:t 10s linear infinite}
		@keyframes m{to{transform:translate(1600px,700px) rotate(360deg)}} @keyframes t{from{transform:translateX(1920px)}to{transform:translateX(-2000px)}}</style>
		<div class=b></div><div class=b style="animation-delay:-1s;top:300px"></div><div class=c>Breaking news that never ends and goes on for a very long while</div>`
	hd := image.Pt(1920, 1080)
	for _, program := range []string{"chromium-headless-shell", "/usr/lib/chromium/chromium"} {
		for _, tc := range []struct {
			name, html string
			size       image.Point
		}{
			{"still", `<body style="background:#102030;color:white;font:60px sans-serif">Menu of the day`, hd},
			{"animated, opaque", bar + `<style>body{background:#102030}</style>`, hd},
			{"animated, clear ground", bar, hd},
			{"animated, a third of the screen", bar + `<style>body{background:#102030}</style>`, image.Pt(640, 1080)},
		} {
			b := alone(t, Config{Program: program})
			began := time.Now()
			v := open(t, b, page1(t, tc.html), tc.size).ready()
			first := time.Since(began)
			v.Play()
			time.Sleep(2 * time.Second)
			const long = 8 * time.Second
			pid := v.b.now.pid
			before, own := processor(pid), used()
			pictures, pix := 0, make([]byte, tc.size.X*tc.size.Y*4)
			for end := time.Now().Add(long); time.Now().Before(end); {
				select {
				case <-v.news:
				case <-time.After(time.Until(end)):
				}
				if v.Fresh() {
					pictures++
					if err := v.Render(pix, tc.size.X*4, tc.size); err != nil {
						t.Fatal(err)
					}
				}
			}
			var memory int64
			for _, s := range shares(pid) {
				memory += s.memory
			}
			t.Logf("%-28s %-32s first %4d ms  %4.1f pictures/s  browser %.2f, own %.2f processors  browser %d MiB", program, tc.name, first.Milliseconds(),
				float64(pictures)/long.Seconds(), (processor(pid)-before)/long.Seconds(), (used()-own)/long.Seconds(), memory>>20)
			b.Close()
		}
	}
}

// processor is the time that a group of processes has used, in seconds (proc(5), fields 14 and 15 of stat in hundredths).
func processor(group int) float64 {
	var sum float64
	for _, s := range shares(group) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		user, _ := strconv.ParseFloat(f[11], 64)
		system, _ := strconv.ParseFloat(f[12], 64)
		sum += (user + system) / 100
	}
	return sum
}

func used() float64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}
