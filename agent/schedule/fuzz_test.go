package schedule

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"
)

func FuzzRule(f *testing.F) {
	for _, seed := range []string{
		"FREQ=DAILY", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=MO", "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1;COUNT=3",
		"freq=yearly;bymonth=2;bymonthday=29,-1;until=20991231", "FREQ=YEARLY;BYDAY=53MO", "FREQ=DAILY;INTERVAL=10000;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=HOURLY", "FREQ=", ";", "FREQ=DAILY;COUNT=99999999999999999999", "FREQ=DAILY;BYDAY=,",
	} {
		f.Add(seed, 20000, 100)
	}
	f.Fuzz(func(t *testing.T, text string, start, ahead int) {
		r, err := parseRule(text)
		if err != nil {
			return
		}
		first := newDate(2000, 1, 1) + date(start%100_000)
		if err := r.anchor(first, true); err != nil {
			return
		}
		d := first + date(ahead%100_000)
		n := r.next(d)
		if n < d || n < first || n != noDate && (n > r.until || r.next(n) != n) {
			t.Fatalf("%q from %s: next of %s is %s", text, first, d, n)
		}
		if n != noDate && n > d && r.next(n-1) != n {
			t.Fatalf("%q from %s: next of %s is %s, but of the day before %s it is %s", text, first, d, n, n, r.next(n-1))
		}
	})
}

func FuzzWindow(f *testing.F) {
	f.Add("22:00", "03:30")
	f.Add("00:00", "24:00")
	f.Add("24:00", "23:59:60")
	f.Add("7:00", "0٧:00")
	f.Fuzz(func(t *testing.T, start, end string) {
		s, err := (Window{start, end}).span()
		if err != nil {
			return
		}
		if s.start < 0 || s.start >= secondsADay || s.end <= s.start || s.end > s.start+secondsADay {
			t.Fatalf("%q to %q is %+v", start, end, s)
		}
		if again, err := (Window{clockText(s.start), clockText(s.end)}).span(); err != nil || again != s {
			t.Fatalf("%q to %q is %+v, but written again %+v (%v)", start, end, s, again, err)
		}
	})
}

// FuzzQuestion wants an answer to everything, and a screen that is on unless the question has working hours.
func FuzzQuestion(f *testing.F) {
	for _, name := range []string{"testdata/examples.jsonl", "testdata/clauses.jsonl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			f.Add(bytes.TrimSpace(line))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		text, err := Answer(line)
		var got struct {
			Screen string
			Layer  string
			Loop   []string
			Error  string
			Next   *time.Time
		}
		if json.Unmarshal(text, &got) != nil || bytes.ContainsRune(text, '\n') {
			t.Fatalf("%q: answer %q", line, text)
		}
		if (err != nil) != (got.Error != "") {
			t.Fatalf("%q: answer %s with error %v", line, text, err)
		}
		if err == nil && got.Screen != "off" && (got.Screen != "on" || len(got.Loop) == 0) {
			t.Fatalf("%q: nothing shows: %s", line, text)
		}
		again, _ := Answer(line)
		if !bytes.Equal(text, again) {
			t.Fatalf("%q: %s, then %s", line, text, again)
		}
	})
}
