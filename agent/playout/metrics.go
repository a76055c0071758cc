package playout

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect"
)

// SetMetric says what a condition of the schedule may ask of the player besides its sources: a number, a text or a truth.
// nil = not known, so that every condition on it is false.
func (p *Playout) SetMetric(name string, value any) {
	p.mu.Lock()
	was, known := p.own[name]
	if value == nil {
		delete(p.own, name)
	} else {
		p.own[name] = value
	}
	p.mu.Unlock()
	if known == (value != nil) && was == value || !p.visitors.asked(name) {
		return
	}
	p.nudge()
}

// nudge has Run ask the schedule again.
func (p *Playout) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// metrics are what conditions may ask; the package's comment names them.
func (p *Playout) metrics() map[string]any {
	m := map[string]any{}
	if p.cfg.Feeds != nil && p.live.Manifest != nil {
		for name := range p.live.Manifest.Sources {
			if r, ok := p.cfg.Feeds.Result(name); ok {
				measure(m, name, r)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(m, p.own)
	return m
}

// measure adds what is known of a source. Values of rows that are too old to be shown are not known.
func measure(m map[string]any, source string, r connect.Result) {
	m[source+".count"], m[source+".stale"], m[source+".error"] = float64(len(r.Rows)), r.Stale, string(r.Class)
	if !r.FetchedAt.IsZero() {
		m[source+".fetched_at"] = r.FetchedAt.UTC().Format(time.RFC3339)
	}
	if r.Expired {
		return
	}
	for n, row := range r.Rows[:min(len(r.Rows), measured)] {
		for i, column := range r.Columns {
			if v := quantity(row[i]); v != nil {
				m[fmt.Sprintf("%s[%d].%s", source, n, column)] = v
				if n == 0 {
					m[source+".first."+column] = v
				}
			}
		}
	}
}

// measured is how many rows of a source conditions can ask for.
const measured = 10

// quantity is a value as a condition compares it: text that is written as a number is one, since text files know no types.
func quantity(v connect.Value) any {
	switch v.Kind {
	case connect.Null:
		return nil
	case connect.Bool:
		return v.Text == "true"
	case connect.Decimal, connect.Text:
		if f, err := strconv.ParseFloat(v.Text, 64); err == nil && (v.Kind == connect.Decimal || numeral(v.Text)) {
			return f
		}
	}
	return v.Text
}

// numeral says whether what ParseFloat takes is written as people write numbers: 12, -3.5; but 007 is a code, 1e3 and inf are
// words.
func numeral(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return len(digits) <= 16 && strings.Trim(digits, "0123456789.") == "" && (digits[0] != '0' || len(digits) == 1 || digits[1] == '.')
}
