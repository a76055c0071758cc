package schedule

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// model answers from the specification's words alone, slowly: it shares nothing with the plan but the recurrence, which
// has an independent witness of its own.
type model struct {
	s  *Schedule
	pl Player
	st State

	places map[string]*time.Location
	rules  map[*Event]*rule // nil = refused
}

func (m model) active(e *Event, t time.Time) bool {
	if e.NotBefore != nil && t.Before(*e.NotBefore) || e.NotAfter != nil && !t.Before(*e.NotAfter) {
		return false
	}
	name := e.Zone
	if name == "" {
		name = m.pl.Zone
	}
	if m.places[name] == nil {
		m.places[name], _ = time.LoadLocation(name)
	}
	l := t.In(m.places[name])
	naive := time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
	for back := range 8 {
		d := time.Date(l.Year(), l.Month(), l.Day()-back, 0, 0, 0, 0, time.UTC)
		if !m.onDate(e, d) {
			continue
		}
		windows := slices.Clone(e.Windows)
		for _, part := range e.Dayparts {
			windows = append(windows, m.s.Dayparts[part]...)
		}
		if len(windows) == 0 {
			windows = []Window{{"00:00", "24:00"}}
		}
		if list, ok := e.WeekdayWindows[fmt.Sprint((int(d.Weekday())+6)%7+1)]; ok {
			windows = list
		}
		for _, w := range windows {
			start, end := clockOf(w[0]), clockOf(w[1])
			if end <= start {
				end += 24 * time.Hour
			}
			if !naive.Before(d.Add(start)) && naive.Before(d.Add(end)) {
				return true
			}
		}
	}
	return false
}

func clockOf(s string) time.Duration {
	digits := func(i int) time.Duration { return time.Duration(10*int(s[i]-'0') + int(s[i+1]-'0')) }
	return digits(0)*time.Hour + digits(3)*time.Minute
}

func (m model) onDate(e *Event, d time.Time) bool {
	text := d.Format(time.DateOnly)
	if slices.Contains(e.ExDates, text) {
		return false
	}
	if slices.Contains(e.RDates, text) {
		return true
	}
	if e.StartDate != "" && text < e.StartDate || e.EndDate != "" && text > e.EndDate {
		return false
	}
	if e.RRule != "" {
		r, known := m.rules[e]
		if !known {
			r, _ = parseRule(e.RRule)
			start, _ := parseDate(e.StartDate)
			if r.anchor(start, e.StartDate != "") != nil {
				r = nil
			}
			m.rules[e] = r
		}
		day, _ := parseDate(text)
		return r != nil && r.next(day) == day
	}
	return e.Days == nil || slices.Contains(e.Days, (int(d.Weekday())+6)%7+1)
}

func (m model) good(items []string) (list []string) {
	for _, item := range items {
		if !slices.Contains(m.st.Missing, item) && !slices.Contains(m.st.Quarantined, item) {
			list = append(list, item)
		}
	}
	return list
}

func (m model) eligible(kind string, t time.Time) (list []*Event) {
	for i := range m.s.Events {
		e := &m.s.Events[i]
		if cmp.Or(e.Kind, "main") != kind || e.Disabled || len(m.good(e.Items)) == 0 || !m.active(e, t) {
			continue
		}
		if e.MaxPerHour > 0 && m.st.Plays[e.ID] >= e.MaxPerHour {
			continue
		}
		if e.Target != nil && !slices.Contains(e.Target.Devices, m.pl.ID) {
			continue
		}
		list = append(list, e)
	}
	return list
}

func (m model) decide(t time.Time) Decision {
	d := Decision{Screen: "on", Events: []string{}, Loop: []string{}, Overlays: []string{}}
	if list := m.eligible("emergency", t); len(list) > 0 {
		grades := []string{"Unknown", "Minor", "Moderate", "Severe", "Extreme"}
		best := slices.MaxFunc(list, func(a, b *Event) int {
			return cmp.Or(slices.Index(grades, a.Severity)-slices.Index(grades, b.Severity), a.IssuedAt.Compare(*b.IssuedAt), strings.Compare(a.ID, b.ID))
		})
		d.Layer, d.Events, d.Loop = LayerEmergency, []string{best.ID}, m.good(best.Items)
		return d
	}
	overlays := m.eligible("overlay", t)
	slices.SortFunc(overlays, func(a, b *Event) int { return cmp.Or(a.Priority-b.Priority, strings.Compare(a.ID, b.ID)) })
	if list := m.eligible("takeover", t); len(list) > 0 {
		best := slices.MaxFunc(list, func(a, b *Event) int { return cmp.Or(a.IssuedAt.Compare(*b.IssuedAt), strings.Compare(a.ID, b.ID)) })
		d.Layer, d.Events, d.Loop = LayerTakeover, []string{best.ID}, m.good(best.Items)
		for _, o := range overlays {
			if !best.Exclusive {
				d.Overlays = append(d.Overlays, o.ID)
			}
		}
		return d
	}
	if h := m.s.WorkingHours; h != nil {
		e := &Event{Zone: h.Zone, Days: h.Days, Windows: h.Windows, WeekdayWindows: h.WeekdayWindows, Dayparts: h.Dayparts, ExDates: h.ExDates}
		if !m.active(e, t) {
			d.Screen, d.Layer = "off", LayerOff
			return d
		}
	}
	for _, o := range overlays {
		d.Overlays = append(d.Overlays, o.ID)
	}
	for _, i := range highest(m.eligible("interrupt", t)) {
		if d.Interrupts == nil {
			d.Interrupts = map[string]int{}
		}
		d.Interrupts[i.ID] = i.Share // the model's shares never pass 1000
	}
	mains := highest(m.eligible("main", t))
	if len(mains) == 0 {
		if d.Layer, d.Loop = LayerDefault, m.good(m.s.Defaults.Fleet); len(d.Loop) == 0 {
			d.Layer, d.Loop = LayerFallback, []string{FallbackItem}
		}
		return d
	}
	d.Layer = LayerScheduled
	inOrder(mains)
	for _, e := range mains {
		d.Events = append(d.Events, e.ID)
		d.Loop = append(d.Loop, m.good(e.Items)...)
	}
	return d
}

// inOrder sorts by order, absent last, then id.
func inOrder(mains []*Event) {
	slices.SortFunc(mains, func(a, b *Event) int {
		order := func(e *Event) int {
			if e.Order == nil {
				return 1 << 40
			}
			return *e.Order
		}
		return cmp.Or(order(a)-order(b), strings.Compare(a.ID, b.ID))
	})
}

func highest(list []*Event) (top []*Event) {
	for _, e := range list {
		if len(top) > 0 && e.Priority < top[0].Priority {
			continue
		}
		if len(top) > 0 && e.Priority > top[0].Priority {
			top = nil
		}
		top = append(top, e)
	}
	return top
}

// randomSchedule is dense around a day: many changes, many ties.
func randomSchedule(r *rand.Rand, around time.Time, zones []string) *Schedule {
	day := func(spread int) string { return around.AddDate(0, 0, r.IntN(2*spread+1)-spread).Format(time.DateOnly) }
	instant := func() *time.Time {
		t := around.Add(time.Duration(r.IntN(96)-48) * 30 * time.Minute)
		return &t
	}
	clock := func() string { return randomClock(r) }
	windows := func() (list []Window) {
		for range r.IntN(3) {
			if start := clock(); start != "24:00" {
				list = append(list, Window{start, clock()})
			}
		}
		return list
	}
	s := &Schedule{Dayparts: map[string][]Window{"early": {{"05:00", "09:30"}}, "late": {{"22:00", "02:15"}, {"02:30", "03:00"}}}}
	weekday := func(windows []Window) map[string][]Window {
		return map[string][]Window{fmt.Sprint(1 + r.IntN(7)): windows}
	}
	chance := func(n int) bool { return r.IntN(n) == 0 }
	if chance(2) {
		s.Defaults.Fleet = []string{"d1", "gone"}
	}
	if chance(3) {
		s.WorkingHours = &WorkingHours{Windows: windows(), Zone: zones[r.IntN(len(zones))]}
		if chance(2) {
			s.WorkingHours.WeekdayWindows, s.WorkingHours.ExDates = weekday(windows()), []string{day(3)}
		}
	}
	for n := range 1 + r.IntN(9) {
		e := Event{ID: fmt.Sprintf("e%d", n), Items: []string{fmt.Sprintf("e%da", n), fmt.Sprintf("e%db", n)}, Windows: windows()}
		e.Kind = []string{"main", "main", "", "main", "interrupt", "overlay", "takeover", "emergency"}[r.IntN(8)]
		e.Priority, e.Share, e.IssuedAt = r.IntN(3), 10+r.IntN(90), instant()
		e.Severity, e.Exclusive = []string{"Minor", "Severe"}[r.IntN(2)], chance(2)
		if e.Kind == "takeover" || e.Kind == "emergency" || chance(6) {
			e.NotBefore, e.NotAfter = instant(), instant()
		}
		if chance(3) {
			e.Zone = zones[r.IntN(len(zones))]
		}
		if chance(3) {
			e.WeekdayWindows = weekday(windows())
		}
		if chance(4) {
			e.Dayparts = []string{[]string{"early", "late"}[r.IntN(2)]}
		}
		if chance(4) {
			e.ExDates, e.RDates = []string{day(2)}, []string{day(2)}
		}
		randomDates(r, &e, day)
		if chance(3) {
			order := r.IntN(2)
			e.Order = &order
		}
		s.Events = append(s.Events, e)
	}
	return s
}

func randomClock(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return "24:00"
	}
	return fmt.Sprintf("%02d:%02d", r.IntN(24), 15*r.IntN(4))
}

func randomDates(r *rand.Rand, e *Event, day func(spread int) string) {
	switch r.IntN(5) {
	case 0:
		e.StartDate, e.EndDate = day(3), day(3)
	case 1:
		e.Days = []int{1 + r.IntN(7), 1 + r.IntN(7), 1 + r.IntN(7)}
	case 2:
		e.RRule = []string{"FREQ=DAILY;BYMONTHDAY=1,3,28,30,31", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY;BYDAY=-1SU,1FR", "FREQ=DAILY"}[r.IntN(4)]
	case 3:
		e.RRule, e.StartDate = "FREQ=DAILY;INTERVAL=2;COUNT=3", day(4)
	}
}

func TestAnswersAreThoseOfTheModelAtEveryInstantAndNextIsExact(t *testing.T) {
	zones := []string{"Europe/Paris", "America/New_York", "UTC", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "Atlantic/Azores"}
	days := []string{
		"2027-03-28T01:00:00Z", "2027-10-31T01:00:00Z", "2027-03-14T07:00:00Z", "2027-11-07T06:00:00Z", // Europe, New York
		"2027-04-03T15:00:00Z", "2027-10-02T15:30:00Z", // Lord Howe, half an hour
		"2011-12-30T10:00:00Z",                         // Apia leaves a day out
		"2027-02-07T02:00:00Z", "2027-03-14T02:00:00Z", // Casablanca, Ramadan
		"2028-02-29T12:00:00Z", "2027-06-16T00:00:00Z",
	}
	rounds := 15
	if testing.Short() {
		rounds = 4
	}
	r := rand.New(rand.NewPCG(4, 2027))
	for _, text := range days {
		around, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			near := []string{zones[r.IntN(len(zones))], zones[r.IntN(len(zones))]}
			m := model{randomSchedule(r, around, near), Player{ID: "p1", Zone: zones[r.IntN(len(zones))]}, State{Missing: []string{"gone", "e3a"}}, map[string]*time.Location{}, map[*Event]*rule{}}
			if r.IntN(4) == 0 {
				m.st.Quarantined, m.st.Missing = []string{"d1", "e0a", "e0b"}, nil
			}
			m.compare(t, around.Add(-40*time.Hour), around.Add(40*time.Hour))
			if t.Failed() {
				return
			}
		}
	}
}

func (m model) compare(t *testing.T, from, to time.Time) {
	t.Helper()
	plan, problems := Compile(m.s)
	refused := map[string]bool{}
	for _, p := range problems {
		// A start that a random rule does not match is refused; the model then has no day of it.
		refused[p.Message] = true
	}
	var timeline []time.Time
	var shown []Decision
	for at, d := range plan.Timeline(m.pl, m.st, from, to) {
		timeline, shown = append(timeline, at), append(shown, d)
	}
	var next *time.Time
	var last Decision
	const step = 5 * time.Minute // every change in these schedules is on a quarter of an hour
	for now, i := from, 0; now.Before(to); now = now.Add(step) {
		for i+1 < len(timeline) && !timeline[i+1].After(now) {
			i++
		}
		want := m.decide(now)
		got := plan.At(m.pl, m.st, now)
		if !got.Same(want) {
			t.Fatalf("%s at %s in %s: got %+v, want %+v\n%s (%v)", m.pl.ID, now, m.pl.Zone, got, want, dump(m.s), refused)
		}
		if !shown[i].Same(want) {
			t.Fatalf("timeline at %s in %s: got %+v, want %+v\n%s", now, m.pl.Zone, shown[i], want, dump(m.s))
		}
		if !now.Equal(from) && got.Same(last) != (next == nil || now.Before(*next)) {
			t.Fatalf("before %s next was %v, then %+v became %+v\n%s", now, next, last, got, dump(m.s))
		}
		if got.Next != nil && !got.Next.After(now) {
			t.Fatalf("at %s next is %s", now, got.Next)
		}
		if got.Next != nil && got.Next.Sub(now) <= step {
			if before := plan.At(m.pl, m.st, got.Next.Add(-time.Second)); !before.Same(got) {
				t.Fatalf("%s is too late after %s: %+v became %+v\n%s", got.Next, now, got, before, dump(m.s))
			}
			if at := plan.At(m.pl, m.st, *got.Next); at.Same(got) {
				t.Fatalf("%s is too early after %s: %+v goes on\n%s", got.Next, now, got, dump(m.s))
			}
		}
		last, next = got, got.Next
	}
}

func dump(s *Schedule) string {
	var b strings.Builder
	for _, e := range s.Events {
		fmt.Fprintf(&b, "%+v\n", e)
	}
	fmt.Fprintf(&b, "%+v", s.WorkingHours)
	return b.String()
}
