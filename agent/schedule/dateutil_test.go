package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// randomRule writes a rule that parseRule accepts, or nearly: BYSETPOS never meets mixed BYDAY, where the independent
// implementation cannot be asked.
func randomRule(r *rand.Rand) string {
	freq := r.IntN(4)
	parts := []string{"FREQ=" + []string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[freq]}
	add := func(chance float64, format string, value func() any) {
		if r.Float64() < chance {
			parts = append(parts, fmt.Sprintf(format, value()))
		}
	}
	list := func(n int, one func() string) any {
		var out []string
		for range 1 + r.IntN(n) {
			if s := one(); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return strings.Join(out, ",")
	}
	signed := func(n int) string {
		k := 1 + r.IntN(n)
		if r.IntN(3) == 0 {
			k = -k
		}
		return fmt.Sprint(k)
	}
	day := func() string { return []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}[r.IntN(7)] }
	style := r.IntN(3) // of BYDAY: plain, numbered, mixed
	by, months := false, false
	add(0.5, "INTERVAL=%v", func() any { return 1 + r.IntN([]int{40, 9, 14, 5}[freq]) })
	add(0.3, "BYMONTH=%v", func() any {
		by, months = true, true
		return list(4, func() string { return fmt.Sprint(1 + r.IntN(12)) })
	})
	if freq != 1 {
		add(0.4, "BYMONTHDAY=%v", func() any { by = true; return list(6, func() string { return signed(31) }) })
	}
	add(0.6, "BYDAY=%v", func() any {
		by = true
		return list(5, func() string {
			if freq < 2 || style == 0 || style == 2 && r.IntN(2) == 0 {
				return day()
			}
			most := 5 // dateutil leaves its tables with a number beyond the month or, as 53, the year
			if freq == 3 && !months {
				most = 52
			}
			return signed(most) + day()
		})
	})
	if by && style != 2 {
		add(0.3, "BYSETPOS=%v", func() any { return list(3, func() string { return signed(6) }) })
	}
	add(0.4, "WKST=%v", func() any { return day() })
	switch r.IntN(6) {
	case 0:
		parts = append(parts, fmt.Sprintf("COUNT=%d", 1+r.IntN(50)))
	case 1:
		parts = append(parts, "UNTIL="+strings.ReplaceAll((newDate(2027, 1, 1)+date(r.IntN(4000))).String(), "-", ""))
	}
	return strings.Join(parts, ";")
}

// asked is a question to the independent implementation.
type asked struct {
	Rule  string `json:"rule"`
	Start string `json:"start"`
	Until string `json:"until"`
	Most  int    `json:"most"`
	first date
}

// randomQuestions returns rules, most of them from their own first day; moved ones from an earlier day, some have none at all.
func randomQuestions(t *testing.T, r *rand.Rand, total int) (questions []asked, moved, never int) {
	t.Helper()
	for len(questions) < total {
		text := randomRule(r)
		start := newDate(2024, 1, 1) + date(r.IntN(1500))
		until := start + 15*366
		rule, err := parseRule(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		first := start
		if err := rule.anchor(start, true); err != nil {
			switch first = rule.next(start); {
			case first > until:
				never++
				first = noDate
			case r.IntN(10) > 0:
				start = first // as the error tells its author to
			default:
				moved++
			}
		}
		q := asked{text, start.String(), until.String(), 40, first}
		questions = append(questions, q)
	}
	return questions, moved, never
}

// TestTenThousandRandomRulesAreThoseOfAnIndependentImplementation compares with python3-dateutil.
func TestTenThousandRandomRulesAreThoseOfAnIndependentImplementation(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dateutil.rrule").Run(); err != nil {
		t.Skip("needs the Debian package python3-dateutil")
	}
	r := rand.New(rand.NewPCG(5545, 1))
	total := 10_000
	if testing.Short() {
		total = 1_000
	}
	questions, moved, never := randomQuestions(t, r, total)
	var input bytes.Buffer
	lines := json.NewEncoder(&input)
	for _, q := range questions {
		_ = lines.Encode(q) // into memory
	}
	run := exec.Command(python, "testdata/recur.py")
	run.Stdin = &input
	run.Stderr = t.Output()
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(bytes.NewReader(out))
	for _, q := range questions {
		var want []string
		if err := answers.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if q.first == noDate {
			if len(want) > 0 {
				t.Errorf("%s from %s: never, want %v", q.Rule, q.Start, want)
			}
			continue
		}
		if len(want) == 0 || want[0] != q.first.String() {
			t.Errorf("%s from %s: first day %s, want %v", q.Rule, q.Start, q.first, want)
			continue
		}
		if q.Start == want[0] {
			compareDates(t, r, q.Rule, q.first, q.Until, want, q.Most)
		}
	}
	t.Logf("%d rules compared whole, %d whose start they do not match by their first day, %d without any day", len(questions)-moved-never, moved, never)
}

// compareDates asks a compiled set in order and at random.
func compareDates(t *testing.T, r *rand.Rand, text string, start date, until string, want []string, most int) {
	timing := timing{rrule: text, start: start.String(), end: until}
	set := &dateSet{}
	timing.dates(set, func(_, message string) { t.Errorf("%s from %s: %s", text, start, message) })
	var got []string
	for d := set.next(start); d != noDate && len(got) < most; d = set.next(d + 1) {
		got = append(got, d.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s from %s:\n got %v\nwant %v", text, start, got, want)
		return
	}
	first, _ := parseDate(want[0])
	last, _ := parseDate(want[len(want)-1])
	for range 20 {
		d := first + date(r.IntN(int(last-first)+1))
		i, _ := slices.BinarySearch(want, d.String())
		if n := set.next(d); n.String() != want[i] {
			t.Errorf("%s from %s: after %s comes %s, want %s", text, start, d, n, want[i])
		}
	}
}
