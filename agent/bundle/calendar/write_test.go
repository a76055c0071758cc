package calendar_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vitrine/agent/bundle/calendar"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// hard is a calendar with everything that is hard to write.
func hard(t testing.TB) *calendar.Calendar {
	c := &calendar.Calendar{Name: "Lobby; left, \\ \"north\"", Made: instant(t, "2027-01-01T00:00:00Z")}
	for i, text := range []string{"plain", "a,b;c\\d\ne\\n\r\nf:g\"h\"", strings.Repeat("é", 200), strings.Repeat("日本", 60) + ",", strings.Repeat("x", 67), strings.Repeat("x", 68),
		strings.Repeat("x", 75) + "🕐" + strings.Repeat("y", 73) + "🕐", " leading and trailing ", "", "BEGIN:VEVENT\nEND:VCALENDAR"} {
		start := instant(t, "2027-03-28T02:30:00+02:00").AddDate(0, 0, i)
		c.Entries = append(c.Entries, calendar.Entry{UID: strings.Repeat("u", i) + "@x", Start: start, End: start.Add(90 * time.Minute), Summary: text, Description: text, Category: text,
			Color: "steelblue", Busy: i%2 == 0})
	}
	return c
}

// strict reads content lines as RFC 5545 section 3.1 has them and refuses all else. It shares no code with the package.
func strict(t testing.TB, b []byte) [][2]string {
	t.Helper()
	if !bytes.HasSuffix(b, []byte("\r\n")) || !utf8.Valid(b) {
		t.Fatal("the last line does not end, or the file is not UTF-8")
	}
	var lines [][2]string
	for i, line := range strings.Split(strings.TrimSuffix(string(b), "\r\n"), "\r\n") {
		if len(line) > 75 || line == "" || !utf8.ValidString(line) {
			t.Fatalf("line %d has %d octets, or half a character: %q", i+1, len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Fatalf("line %d has control characters: %q", i+1, line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded {
			lines[len(lines)-1][1] += rest
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			t.Fatalf("line %d is no property: %q", i+1, line)
		}
		lines = append(lines, [2]string{name, value})
	}
	return lines
}

// unescape reads a TEXT value, and refuses what one must not have.
func unescape(t testing.TB, s string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ',' || s[i] == ';':
			t.Fatalf("%q has a bare %q", s, s[i])
		case s[i] != '\\':
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) || !strings.Contains(`\;,n`, s[i:i+1]) {
			t.Fatalf("%q has a wrong escape", s)
		}
		b.WriteString(map[byte]string{'\\': `\`, ';': ";", ',': ",", 'n': "\n"}[s[i]])
	}
	return b.String()
}

func TestAStrictReaderGetsEveryEntryBackAsItWas(t *testing.T) {
	c := hard(t)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	var got []calendar.Entry
	var e calendar.Entry
	lines := strict(t, b.Bytes())
	if lines[0] != [2]string{"BEGIN", "VCALENDAR"} || lines[1] != [2]string{"VERSION", "2.0"} || lines[len(lines)-1] != [2]string{"END", "VCALENDAR"} {
		t.Errorf("it begins with %v", lines[:2])
	}
	for _, l := range lines {
		at := func() time.Time {
			v, err := time.Parse("20060102T150405Z", l[1])
			if err != nil {
				t.Error(err)
			}
			return v
		}
		switch l[0] {
		case "BEGIN":
			e = calendar.Entry{}
		case "NAME":
			if unescape(t, l[1]) != c.Name {
				t.Errorf("its name is %q", l[1])
			}
		case "UID":
			e.UID = unescape(t, l[1])
		case "DTSTAMP":
			if !at().Equal(c.Made) {
				t.Errorf("made at %s", l[1])
			}
		case "DTSTART":
			e.Start = at()
		case "DTEND":
			e.End = at()
		case "SUMMARY":
			e.Summary = unescape(t, l[1])
		case "DESCRIPTION":
			e.Description = unescape(t, l[1])
		case "CATEGORIES":
			e.Category = unescape(t, l[1])
		case "COLOR":
			e.Color = unescape(t, l[1])
		case "TRANSP":
			e.Busy = l[1] == "OPAQUE"
		case "END":
			got = append(got, e)
		}
	}
	want := asWritten(c)
	got[len(got)-1] = calendar.Entry{Start: want[len(want)-1].Start, End: want[len(want)-1].End} // the END of VCALENDAR
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// asWritten are a calendar's entries as a reader has them, and an empty one at the end.
func asWritten(c *calendar.Calendar) []calendar.Entry {
	var want []calendar.Entry
	for _, e := range append(c.Entries, calendar.Entry{}) {
		e.Start, e.End = e.Start.UTC(), e.End.UTC()
		for _, s := range []*string{&e.Summary, &e.Description, &e.Category} {
			*s = strings.ReplaceAll(*s, "\r\n", "\n")
		}
		want = append(want, e)
	}
	return want
}

func TestAnIndependentImplementationReadsTheSame(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import icalendar").Run() != nil {
		t.Skip("needs the Debian package python3-icalendar")
	}
	c := hard(t)
	c.Entries[1].Summary, c.Entries[1].Description = "a,b;c\\d\ne\\x\r\nf", "a,b;c\\d\ne\\x\r\nf" // older versions of it mistake \\n for a line's end
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import icalendar, json, sys
cal = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
print(json.dumps([[str(e["UID"]), e["DTSTART"].dt.isoformat(), e["DTEND"].dt.isoformat(), str(e["SUMMARY"]), str(e.get("DESCRIPTION", ""))] for e in cal.walk("VEVENT")]))`)
	cmd.Stdin = &b
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("it refuses the calendar: %v", err)
	}
	var got, want [][]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, e := range c.Entries {
		text := strings.ReplaceAll(e.Summary, "\r\n", "\n")
		want = append(want, []string{e.UID, e.Start.UTC().Format("2006-01-02T15:04:05-07:00"), e.End.UTC().Format("2006-01-02T15:04:05-07:00"), text, text})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
