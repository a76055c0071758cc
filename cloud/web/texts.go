package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"vitrine/cloud/api"
)

// text is what the pages say, by key, in one language.
type text struct {
	Lang string
	says map[string]string
}

// Say gives the words of a key.
func (t text) Say(key string, args ...any) string {
	s, ok := t.says[key]
	if !ok {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(s, args...)
	}
	return s
}

// Count chooses between "key.1" and "key.n".
func (t text) Count(key string, n int) string {
	if n == 1 || n == 0 && t.Lang == "fr" {
		return t.Say(key+".1", n)
	}
	return t.Say(key+".n", n)
}

// texts reads a language's words, which are part of the program.
func texts(lang string) text {
	b, err := files.ReadFile("templates/" + lang + ".json")
	says := map[string]string{}
	if err == nil {
		err = json.Unmarshal(b, &says)
	}
	if err != nil {
		return text{Lang: lang}
	}
	return text{lang, says}
}

// functions are what the templates can do.
func (p *Pages) functions() template.FuncMap {
	return template.FuncMap{
		"ago":    p.ago,
		"span":   span,
		"faults": faults,
		"join":   func(s []string) string { return strings.Join(s, ", ") },
		"pretty": func(code string) string {
			if len(code) == 8 && !strings.Contains(code, "-") {
				return code[:4] + "-" + code[4:]
			}
			return code
		},
		"short":   func(s string) string { return s[:min(8, len(s))] },
		"unix":    func(t time.Time) int64 { return t.UnixMilli() },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"percent": func(have, total int64) int64 { return have * 100 / max(total, 1) },
		"size":    size,
		"minutes": func(t time.Time) int { return max(int(t.Sub(p.cfg.Now())/time.Minute), 0) },
		"checks":  checks,
		"metrics": metrics,
		"behind":  behind,
		"more":    func(s []string) int { return len(s) - 1 },
		"offline": func(all []api.Player) (n int) {
			for _, p := range all {
				if !p.Online {
					n++
				}
			}
			return n
		},
		"dict": func(pairs ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				m[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return m
		},
	}
}

// behind says whether a player does not play yet what it should.
func behind(p api.Player) bool {
	return p.Desired != nil && p.Last != nil && (p.Last.Active == nil || p.Last.Active.Manifest != p.Desired.Manifest)
}

// row is a name and what is said of it.
type row struct {
	Name, Value string
	OK          bool
}

// checks are those of a player but for its sources that it tells more of.
func checks(h *api.Heartbeat) (out []row) {
	for name, said := range h.Checks {
		if sourceOf(h, name) != nil {
			continue
		}
		out = append(out, row{name, said, said == "ok"})
	}
	slices.SortFunc(out, byTrouble)
	return out
}

// sourceOf is the source that a check is about.
func sourceOf(h *api.Heartbeat, check string) *api.Source {
	name, is := strings.CutPrefix(check, "source:")
	at := slices.IndexFunc(h.Sources, func(s api.Source) bool { return s.Name == name })
	if !is || at < 0 {
		return nil
	}
	return &h.Sources[at]
}

func byTrouble(a, b row) int {
	if a.OK != b.OK {
		if a.OK {
			return 1
		}
		return -1
	}
	return strings.Compare(a.Name, b.Name)
}

func metrics(h *api.Heartbeat) []row {
	out := figures(h.Metrics)
	slices.SortFunc(out, byTrouble)
	return out
}

// figures are metrics by their names; those of a group stand by themselves.
func figures(all map[string]any) (out []row) {
	for name, v := range all {
		if group, ok := v.(map[string]any); ok {
			out = append(out, figures(group)...)
			continue
		}
		s := fmt.Sprint(v)
		if v == nil || s == "" {
			continue
		}
		if f, ok := v.(float64); ok {
			s = number(name, f)
		}
		out = append(out, row{Name: name, Value: s[:min(len(s), 200)]})
	}
	return out
}

// number writes a metric so that it can be read: what is named bytes as bytes.
func number(name string, f float64) string {
	for _, word := range []string{"bytes", "memory", "disk", "rss", "ceiling"} {
		if strings.Contains(strings.ToLower(name), word) && f >= 1<<16 {
			return size(int64(f))
		}
	}
	if f == float64(int64(f)) {
		digits := fmt.Sprint(int64(f))
		for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
			digits = digits[:i] + "\u202f" + digits[i:] // a narrow space: understood in both languages
		}
		return digits
	}
	return fmt.Sprintf("%.2f", f)
}

func size(n int64) string {
	f, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, u
	}
	if f < 10 && unit != "B" {
		return fmt.Sprintf("%.1f %s", f, unit)
	}
	return fmt.Sprintf("%.0f %s", f, unit)
}

// ago says how long ago an instant was.
func (p *Pages) ago(t text, at time.Time) string {
	if at.IsZero() {
		return t.Say("never")
	}
	d := p.cfg.Now().Sub(at)
	if d < 5*time.Second {
		return t.Say("now")
	}
	return t.Say("ago", duration(t, d))
}

// span says how long some seconds are.
func span(t text, seconds int64) string { return duration(t, time.Duration(seconds)*time.Second) }

func duration(t text, d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return t.Say("days", d/(24*time.Hour))
}
