package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// line is a straight one through samples, by least squares: MiB over changes.
type line struct {
	name        string
	at, slope   float64 // at no changes; for each change
	doubt       float64 // of the slope: half of its 95 % interval
	first, last float64 // changes
	mean        float64
}

// fit leaves the time to warm up out. What is on decides how much memory is needed, so that each scene is compared with
// itself: the slope is the common one of a line through each scene's samples. Samples that follow each other are not
// independent: the doubt is widened by their correlation (an autoregression of the first order, as usual for time series).
func fit(name string, all []sample, of func(sample) float64) line {
	all = all[int(warm*float64(len(all))):]
	l := line{name: name, doubt: math.Inf(1)}
	type sums struct{ n, x, y float64 }
	scenes := map[string]sums{}
	for _, p := range all {
		m := scenes[p.Scene]
		scenes[p.Scene] = sums{m.n + 1, m.x + float64(p.Changes), m.y + of(p)}
	}
	var spread, both, sx, sy float64
	for _, p := range all {
		m := scenes[p.Scene]
		dx := float64(p.Changes) - m.x/m.n
		spread, both = spread+dx*dx, both+dx*(of(p)-m.y/m.n)
		sx, sy = sx+float64(p.Changes), sy+of(p)
	}
	n, free := float64(len(all)), float64(len(all)-len(scenes)-1)
	if free < 3 || spread <= 0 {
		return l
	}
	l.first, l.last, l.mean = float64(all[0].Changes), float64(all[len(all)-1].Changes), sy/n
	l.slope = both / spread
	l.at = l.mean - l.slope*sx/n
	var rest, next, before float64
	for i, p := range all {
		m := scenes[p.Scene]
		r := of(p) - m.y/m.n - l.slope*(float64(p.Changes)-m.x/m.n)
		rest += r * r
		if i > 0 {
			next += r * before
		}
		before = r
	}
	kin := 0.0
	if rest > 0 {
		kin = min(max(next/rest, 0), 0.99)
	}
	l.doubt = 1.96 * math.Sqrt(rest/free/spread*(1+kin)/(1-kin))
	return l
}

// low is the least that a week's growth is with 97.5 % confidence, MiB.
func (l line) low() float64 { return (l.slope - l.doubt) * week }

// String is the line for people.
func (l line) String() string {
	return fmt.Sprintf("%-8s %6.1f MiB on average; %+.2f ± %.2f KiB a change (95 %%), %+.1f ± %.1f MiB in a week of %d changes",
		l.name, l.mean, l.slope*1024, l.doubt*1024, l.slope*week, l.doubt*week, week)
}

// plot draws the samples and the lines.
func plot(all []sample, lines []line) []byte {
	const w, h, left, top, bottom = 960.0, 520.0, 70.0, 80.0, 50.0
	most, width := 1.0, 1.0
	for _, p := range all {
		most, width = max(most, p.Renderer, p.Player), max(width, float64(p.Changes))
	}
	most = math.Ceil(most*1.1/50) * 50
	x := func(changes float64) float64 { return left + (w-left-20)*changes/width }
	y := func(mib float64) float64 { return h - bottom - (h-bottom-top)*mib/most }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="13" fill="#333">`+"\n", w, h)
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" fill="#fff"/><text x="%.0f" y="22" font-size="16">Memory in proportion (MiB) over changes of item</text>`+"\n", w, h, left)
	for i := range 6 {
		v := most * float64(i) / 5
		fmt.Fprintf(&b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%.0f</text>`+"\n", left, y(v), w-20, y(v), left-8, y(v)+4, v)
		c := width * float64(i) / 5
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f" text-anchor="middle">%.0f</text>`+"\n", x(c), h-bottom+20, c)
	}
	for i, of := range []func(sample) float64{func(p sample) float64 { return p.Player }, func(p sample) float64 { return p.Renderer }} {
		color := [...]string{"#1a7f5a", "#c2410c"}[i]
		b.WriteString(`<polyline fill="none" stroke-width="1.5" stroke="` + color + `" points="`)
		for _, p := range all {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(float64(p.Changes)), y(of(p)))
		}
		l := lines[i]
		fmt.Fprintf(&b, `"/><line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#000" stroke-dasharray="6 4"/>`+"\n", x(l.first), y(l.at+l.slope*l.first), x(l.last), y(l.at+l.slope*l.last))
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n", left, 44.0+18*float64(i), color, l)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// pss is a process's own memory in proportion, MiB; 0 when it has ended. Files that it has mapped are not counted: the plays
// that no relay takes here fill one, within their bound.
func pss(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, l := range strings.Split(string(b), "\n") {
		name, rest, _ := strings.Cut(l, ":")
		if name != "Pss_Anon" && name != "Pss_Shmem" {
			continue
		}
		if kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64); err == nil {
			sum += kib / 1024
		}
	}
	return sum
}

// playerPID is the process that holds the player's lock.
func (s *soak) playerPID() int {
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0
	}
	for _, path := range found {
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), "vitrine-player\x00run") && strings.Contains(string(b), s.path("player")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err == nil {
				return pid
			}
		}
	}
	return 0
}

// processes is how many renderers there were.
func processes(all []sample) int {
	seen := map[int]bool{}
	for _, p := range all {
		seen[p.Process] = true
	}
	return len(seen)
}
