package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/schedule"
)

// supposed is what whoever asks supposes of the player's state.
type supposed struct {
	metrics, triggers list
	idle, clock       string
}

func (s *supposed) flags(fs *flag.FlagSet) {
	fs.Var(&s.metrics, "metric", "suppose a metric, as in temperature=31; may be given several times")
	fs.Var(&s.triggers, "trigger", "suppose that a trigger was set off, as in touch, or key:F2@90s for 90 seconds before; may be given several times")
	fs.StringVar(&s.idle, "idle", "", "suppose how long nobody has touched the screen, as in 2m")
	fs.StringVar(&s.clock, "clock", "", "suppose how far the player's clock is believed: trusted, held, estimated, none")
}

// state is what is supposed, at an instant.
func (s *supposed) state(plan *schedule.Plan, p schedule.Player, now time.Time) (schedule.State, error) {
	st := schedule.State{Metrics: map[string]any{}, Clock: s.clock}
	switch s.clock {
	case "", "trusted", "held", "estimated", "none":
	default:
		return st, usage("--clock is trusted, held, estimated or none")
	}
	for _, m := range s.metrics {
		name, value, ok := strings.Cut(m, "=")
		if !ok || name == "" {
			return st, usage("%q is not a metric; write it like temperature=31", m)
		}
		st.Metrics[name] = metricValue(value)
	}
	if s.idle != "" {
		d, err := time.ParseDuration(s.idle)
		if err != nil || d < 0 {
			return st, usage("%q is not a length of time; write it like 2m", s.idle)
		}
		st.Since = map[string]time.Time{"touch.idle": now.Add(-d)}
	}
	st.Screen = plan.ScreenAt(p, st, now)
	for _, text := range s.triggers {
		name, ago, later := strings.Cut(text, "@")
		d, err := time.ParseDuration(ago)
		if later && (err != nil || d < 0) {
			return st, usage("%q is not how long ago; write it like touch@90s", text)
		}
		if err := schedule.CheckTrigger(name); err != nil {
			return st, usage("%v", err)
		}
		plan.Fire(p, &st, name, now.Add(-d))
	}
	return st, nil
}

// metricValue is a number or a truth where it is written as one, else a text.
func metricValue(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return text
}

// explainActions says when each action is due next.
func explainActions(w io.Writer, actions []schedule.ActionOutlook, zone *time.Location) {
	for _, a := range actions {
		switch {
		case a.Next == nil:
			fmt.Fprintf(w, "  %-20s %s, never: %s\n", a.ID, a.Do, a.Why)
		case a.Why != "":
			fmt.Fprintf(w, "  %-20s %s, due %s, but not as things are: %s\n", a.ID, a.Do, a.Next.In(zone).Format("Monday 2 January 2006, 15:04:05 MST"), a.Why)
		default:
			fmt.Fprintf(w, "  %-20s %s, next %s\n", a.ID, a.Do, a.Next.In(zone).Format("Monday 2 January 2006, 15:04:05 MST"))
		}
	}
}
