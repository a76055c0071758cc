package alert_test

import (
	"slices"
	"testing"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/schedule"
)

// The schedule takes the alerts' events as they are, and picks the one that the Book lists first.
func TestTheScheduleShowsWhatTheBookListsFirst(t *testing.T) {
	extreme := with(message(alert.TypeAlert, "x", 0), func(m *alert.Message) {
		m.Infos[0].Severity, m.Infos[0].Expires = "Extreme", noon().Add(30*time.Minute)
	})
	var b alert.Book
	take(t, &b, message(alert.TypeAlert, "a", 0), message(alert.TypeAlert, "b", 0), message(alert.TypeAlert, "old", -9), extreme)
	site, player := alert.Site{}, schedule.Player{ID: "p", Zone: "Europe/Paris"}
	for _, at := range []time.Time{noon(), noon().Add(30*time.Minute - time.Nanosecond), noon().Add(30 * time.Minute), noon().Add(23 * time.Hour), noon().Add(25 * time.Hour)} {
		s := &schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"loop"}}, WorkingHours: &schedule.WorkingHours{Windows: []schedule.Window{{"03:00", "03:01"}}}}
		want, loop := schedule.LayerOff, []string(nil)
		for i, a := range b.Active(site, at) {
			event, _ := a.Show(hd())
			s.Events = append(s.Events, event)
			if i == 0 {
				want, loop = schedule.LayerEmergency, event.Items
			}
		}
		plan, problems := schedule.Compile(s)
		if len(problems) > 0 {
			t.Fatalf("the schedule finds %+v", problems)
		}
		d := plan.At(player, schedule.State{Clock: "trusted"}, at)
		if d.Layer != want || loop != nil && !slices.Equal(d.Loop, loop) {
			t.Errorf("%s: %s %v, want %s %v", at, d.Layer, d.Loop, want, loop)
		}
		if list := b.Active(site, at); len(list) > 0 && (d.Next == nil || d.Next.After(list[0].Until)) {
			t.Errorf("%s: the schedule does not know that the alert ends at %s", at, list[0].Until)
		}
	}
}
