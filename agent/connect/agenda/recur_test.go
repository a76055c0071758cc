package agenda

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const wallForm = "20060102T150405"

// follow gives the first times of a rule, as they are written.
func follow(t *testing.T, rule, start string, most int) []string {
	t.Helper()
	r, err := parseRule(rule)
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	begin, err := time.Parse(wallForm, start)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	budget := mostSteps
	if err := r.walk(begin, begin, begin.AddDate(60, 0, 0), &budget, func(at time.Time) bool {
		out = append(out, at.Format(wallForm))
		return len(out) < most
	}); err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	return out
}

// The examples of RFC 5545, section 3.8.5.3, whose answers the RFC writes out; times are by the clock of the beginning.
func TestTheExamplesOfTheRFC(t *testing.T) {
	cases := []struct {
		name, start, rule string
		want              string // days and hours, from the first
	}{
		{"daily for ten", "19970902T090000", "FREQ=DAILY;COUNT=10", "0902 0903 0904 0905 0906 0907 0908 0909 0910 0911"},
		{"every ten days, five times", "19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5", "0902 0912 0922 1002 1012"},
		{"every other week on three days", "19970901T090000", "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", "0901 0903 0905 0915 0917 0919 0929 1001 1003 1013 1015 1017 1027 1029 1031 1110 1112 1114 1124 1126 1128 1208 1210 1212 1222"},
		{"the first Friday", "19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "0905 1003 1107 1205 0102 0206 0306 0403 0501 0605"},
		{"the first and last Sunday of every other month", "19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "0907 0928 1102 1130 0104 0125 0301 0329 0503 0531"},
		{"the last Monday but one", "19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "0922 1020 1117 1222 0119 0216"},
		{"the third day from the end", "19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=6", "0928 1029 1128 1229 0129 0226"},
		{"every Tuesday of every other month", "19970902T090000", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU;COUNT=8", "0902 0909 0916 0923 0930 1104 1111 1118"},
		{"days of the year, every third", "19970101T090000", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "0101 0410 0719 0101 0409 0718 0101 0410 0719 0101"},
		{"the 20th Monday", "19970519T090000", "FREQ=YEARLY;BYDAY=20MO;COUNT=3", "0519 0518 0517"},
		{"Monday of the 20th week", "19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "0512 0511 0517"},
		{"the 20th week, on the weekday of the beginning", "19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;COUNT=3", "0512 0511 0517"},
		{"Thursdays in summer", "19970605T090000", "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8;COUNT=14", "0605 0612 0619 0626 0703 0710 0717 0724 0731 0807 0814 0821 0828 0604"},
		{"Friday the 13th", "19970902T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5", "0213 0313 1113 0813 1013"},
		{"election day", "19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3", "1105 1107 1102"},
		{"the third of three days", "19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "0904 1007 1106"},
		{"the last workday but one", "19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7", "0929 1030 1127 1230 0129 0226 0330"},
		{"a week that begins on Monday", "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "0805 0810 0819 0824"},
		{"a week that begins on Sunday", "19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "0805 0817 0819 0831"},
		{"days that do not exist are left out", "20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "0115 0130 0215 0315 0330"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, at := range follow(t, c.rule, c.start, 100) {
				got = append(got, at[4:8])
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("it comes on\n\t%s, not\n\t%s", s, c.want)
			}
		})
	}
	for rule, want := range map[string]string{
		"FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z":           "090000 120000 150000",
		"FREQ=MINUTELY;INTERVAL=15;COUNT=6":                       "090000 091500 093000 094500 100000 101500",
		"FREQ=MINUTELY;INTERVAL=90;COUNT=4":                       "090000 103000 120000 133000",
		"FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40;COUNT=6":         "090000 092000 094000 100000 102000 104000",
		"FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,16;COUNT=8":        "090000 092000 094000 100000 102000 104000 160000 162000",
		"FREQ=SECONDLY;INTERVAL=20;BYMINUTE=0;COUNT=4":            "090000 090020 090040 100000",
		"FREQ=HOURLY;BYMINUTE=0,30;BYSETPOS=-1;COUNT=3":           "093000 103000 113000",
		"FREQ=DAILY;BYHOUR=9;BYSECOND=0,60;COUNT=2":               "090000 090059",
		"FREQ=SECONDLY;INTERVAL=1000000000;COUNT=2":               "090000 104640",
		"FREQ=HOURLY;INTERVAL=1000000000;COUNT=2":                 "090000",
		"FREQ=MINUTELY;INTERVAL=1440;BYHOUR=10;COUNT=1":           "",
		"FREQ=MINUTELY;BYMINUTE=7;BYSECOND=5,3;COUNT=3":           "090703 090705 100703",
		"FREQ=SECONDLY;BYHOUR=23;BYMINUTE=59;BYSECOND=59;COUNT=1": "235959",
	} {
		if strings.Contains(rule, "1440") { // never: it ends with its bound
			r, _ := parseRule(rule)
			budget := 1000
			begin := time.Date(1997, 9, 2, 9, 0, 0, 0, time.UTC)
			if err := r.walk(begin, begin, begin.AddDate(60, 0, 0), &budget, func(time.Time) bool { return true }); err != errEndless {
				t.Errorf("a rule that never comes says %v", err)
			}
			continue
		}
		var got []string
		for _, at := range follow(t, rule, "19970902T090000", 100) {
			got = append(got, at[9:])
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s comes at %s, not %s", rule, s, want)
		}
	}
}

func TestWhatIsNoRuleIsRefused(t *testing.T) {
	for rule, says := range map[string]string{
		"":                                 "no FREQ",
		"FREQ=FORTNIGHTLY":                 "unknown FREQ",
		"FREQ=DAILY;INTERVAL=0":            "from 1 to",
		"FREQ=DAILY;COUNT=x":               "not a number",
		"FREQ=DAILY;UNTIL=soon":            "not a time",
		"FREQ=WEEKLY;BYDAY=XX":             "unknown weekday",
		"FREQ=MONTHLY;BYDAY=0MO":           "from -53 to 53",
		"FREQ=MONTHLY;BYMONTHDAY=0":        "a 0",
		"FREQ=MONTHLY;BYWEEKNO=3":          "without FREQ=YEARLY",
		"FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO": "at once",
		"FREQ=DAILY;FOO=1":                 "unknown part",
		"FREQ=DAILY;BYHOUR":                "not NAME=VALUE",
		"FREQ=DAILY;BYHOUR=24":             "from 0 to 23",
	} {
		if _, err := parseRule(rule); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want something of %q", rule, err, says)
		}
	}
}

// randomRule writes a rule that both implementations understand alike.
func randomRule(r *rand.Rand) string {
	freq := r.IntN(7)
	parts := []string{"FREQ=" + []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[freq]}
	add := func(chance float64, name string, most int, one func() string) bool {
		if r.Float64() >= chance {
			return false
		}
		var out []string
		for range 1 + r.IntN(most) {
			if s := one(); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		parts = append(parts, name+"="+strings.Join(out, ","))
		return true
	}
	number := func(low, high int) func() string {
		return func() string {
			for {
				if n := low + r.IntN(high-low+1); n != 0 || low >= 0 {
					return fmt.Sprint(n)
				}
			}
		}
	}
	parts = append(parts, fmt.Sprintf("INTERVAL=%d", 1+r.IntN([]int{5000, 300, 30, 20, 9, 14, 5}[freq])))
	by := add(0.3, "BYMONTH", 4, number(1, 12))
	months := by
	yearday := freq == 6 && add(0.15, "BYYEARDAY", 5, number(-366, 366))
	weekno := freq == 6 && !yearday && add(0.2, "BYWEEKNO", 4, number(1, 53))
	by = add(map[bool]float64{true: 0.3}[freq != 4 && !weekno], "BYMONTHDAY", 6, number(-31, 31)) || by || yearday || weekno
	numbered := freq >= 5 && !weekno && r.IntN(2) == 0
	chance := 0.4
	if weekno {
		chance = 1 // otherwise dateutil takes the whole week
	}
	by = add(chance, "BYDAY", 4, func() string {
		day := codes[r.IntN(7)]
		if numbered {
			most := 5 // dateutil leaves its tables with a number beyond the month or, as 53, the year
			if freq == 6 && !months {
				most = 52
			}
			return number(-most, most)() + day
		}
		return day
	}) || by
	by = add(0.15, "BYHOUR", 3, number(0, 23)) || by
	by = add(0.15, "BYMINUTE", 3, number(0, 59)) || by
	if freq != 0 {
		by = add(0.1, "BYSECOND", 3, number(0, 59)) || by
	}
	if by {
		add(0.2, "BYSETPOS", 3, number(-6, 6))
	}
	if r.IntN(3) == 0 {
		parts = append(parts, "WKST="+codes[r.IntN(7)])
	}
	switch r.IntN(4) {
	case 0:
		parts = append(parts, fmt.Sprintf("COUNT=%d", 1+r.IntN(30)))
	case 1:
		parts = append(parts, "UNTIL="+time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(4*365*24*3600))*time.Second).Format(wallForm))
	}
	return strings.Join(parts, ";")
}

func TestRandomRulesComeWhenAnIndependentImplementationSaysSo(t *testing.T) {
	type question struct{ Rule, Start, From, To string }
	r := rand.New(rand.NewPCG(6, 5545))
	var all []question
	for range 2000 {
		start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.IntN(3*365*24*3600)) * time.Second)
		from := start.Add(time.Duration(r.IntN(2*365*24*3600)) * time.Second)
		q := question{randomRule(r), start.Format(wallForm), from.Format(wallForm), from.AddDate(0, 3, 0).Format(wallForm)}
		if strings.Contains(q.Rule, "=YEARLY") {
			q.To = from.AddDate(12, 0, 0).Format(wallForm)
		}
		if strings.Contains(q.Rule, "=SECONDLY") || strings.Contains(q.Rule, "=MINUTELY") {
			from = start.AddDate(0, 0, r.IntN(9))
			q.From, q.To = from.Format(wallForm), from.AddDate(0, 0, 3).Format(wallForm)
		}
		all = append(all, q)
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", `
import datetime, itertools, json, signal, sys
from dateutil import rrule
class Long(Exception): pass
def alarm(*a): raise Long()
signal.signal(signal.SIGALRM, alarm)
form = "%Y%m%dT%H%M%S"
def ask(q):
    p = lambda s: datetime.datetime.strptime(s, form)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        r = rrule.rrulestr(q["Rule"], dtstart=p(q["Start"]))
        return [x.strftime(form) for x in itertools.islice((x for x in itertools.takewhile(lambda x: x < p(q["To"]), r) if x >= p(q["From"])), 200)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
for q in json.load(sys.stdin):
    try:
        out = ask(q)
    except (Long, ValueError, IndexError):
        out = None
    print(json.dumps(out))
`)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3-dateutil: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(all) {
		t.Fatalf("%d answers to %d questions", len(lines), len(all))
	}
	asked, some, differ := 0, 0, 0
	for i, q := range all {
		var want []string
		if err := json.Unmarshal([]byte(lines[i]), &want); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			continue // it could not say
		}
		rule, err := parseRule(q.Rule)
		if err != nil {
			t.Fatalf("%s: %v", q.Rule, err)
		}
		at := func(s string) time.Time { x, _ := time.Parse(wallForm, s); return x }
		got, budget := []string{}, mostSteps
		err = rule.walk(at(q.Start), at(q.From), at(q.To), &budget, func(x time.Time) bool {
			got = append(got, x.Format(wallForm))
			return len(got) < 200
		})
		if asked++; len(want) > 0 {
			some++
		}
		if (err != nil || !slices.Equal(got, want)) && differ < 10 {
			differ++
			t.Errorf("%s from %s: %v, not %v (%v)", q.Rule, q.Start, got[:min(6, len(got))], want[:min(6, len(want))], err)
		}
	}
	if asked < len(all)/2 || some < asked/3 {
		t.Errorf("of %d rules %d were answered, %d with something", len(all), asked, some)
	}
}
