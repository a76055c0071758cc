package calendar_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/calendar"
	"vitrine/agent/schedule"
)

// read makes events of the lines of one VEVENT, or of several VEVENTs and what else is in a calendar.
func read(t testing.TB, body, zone string) ([]calendar.Found, []calendar.Refused) {
	t.Helper()
	if !strings.Contains(body, "BEGIN:") {
		body = "BEGIN:VEVENT\nUID:1\nSUMMARY:x\n" + body + "\nEND:VEVENT"
	}
	cals, err := calendar.Read(strings.NewReader("BEGIN:VCALENDAR\nVERSION:2.0\n" + body + "\nEND:VCALENDAR\n"))
	if err != nil {
		t.Fatal(err)
	}
	return calendar.Events(cals, zone)
}

func TestAnEntryBecomesAnEventThatIsOnAtTheSameTimes(t *testing.T) {
	tests := []struct{ name, body, zone, want string }{
		{"a day", "DTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20270102", "", `{"startDate":"2027-01-01","endDate":"2027-01-01"}`},
		{"days, the end not included", "DTSTART;VALUE=DATE:20271224\nDTEND;VALUE=DATE:20271227", "", `{"startDate":"2027-12-24","endDate":"2027-12-26"}`},
		{"a day without an end", "DTSTART;VALUE=DATE:20270101", "", `{"startDate":"2027-01-01","endDate":"2027-01-01"}`},
		{"a day that some exporters end on itself", "DTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20270101", "", `{"startDate":"2027-01-01","endDate":"2027-01-01"}`},
		{"a day each year", "DTSTART;VALUE=DATE:20270714\nRRULE:FREQ=YEARLY", "", `{"rrule":"FREQ=YEARLY","startDate":"2027-07-14"}`},
		{"hours by each player's clock", "DTSTART:20270104T090000\nDTEND:20270104T103000", "", `{"startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:30"]]}`},
		{"hours by the clock that was asked for", "DTSTART:20270104T090000\nDTEND:20270104T103000", "Europe/Paris", `{"zone":"Europe/Paris","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:30"]]}`},
		{"hours in UTC", "DTSTART:20270104T090000Z\nDTEND:20270104T103000Z", "Europe/Paris", `{"zone":"UTC","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:30"]]}`},
		{"hours in a zone, with a length", "DTSTART;TZID=Europe/Paris:20270104T090000\nDURATION:PT1H30M5S", "", `{"zone":"Europe/Paris","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:30:05"]]}`},
		{"an end by another clock", "DTSTART;TZID=Europe/Paris:20270104T090000\nDTEND:20270104T093000Z", "", `{"zone":"Europe/Paris","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:30"]]}`},
		{"past midnight", "DTSTART:20270104T220000\nDTEND:20270105T030000", "", `{"startDate":"2027-01-04","endDate":"2027-01-04","windows":[["22:00","03:00"]]}`},
		{"up to midnight", "DTSTART:20270104T220000\nDTEND:20270105T000000", "", `{"startDate":"2027-01-04","endDate":"2027-01-04","windows":[["22:00","24:00"]]}`},
		{"from midnight to midnight", "DTSTART:20270104T000000\nDTEND:20270106T000000", "", `{"startDate":"2027-01-04","endDate":"2027-01-05"}`},
		{"a fair of three days", "DTSTART;TZID=Europe/Paris:20270604T080000\nDTEND;TZID=Europe/Paris:20270606T180000", "", `{"zone":"Europe/Paris","notBefore":"2027-06-04T06:00:00Z","notAfter":"2027-06-06T16:00:00Z"}`},
		{"a zone as Windows names it", "DTSTART;TZID=\"Romance Standard Time\":20270104T090000\nDTEND;TZID=Romance Standard Time:20270104T100000", "", `{"zone":"Europe/Paris","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:00"]]}`},
		{"a zone as Mozilla names it", "DTSTART;TZID=/mozilla.org/20070129_1/Europe/Paris:20270104T090000\nDURATION:PT1H", "", `{"zone":"Europe/Paris","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:00"]]}`},
		{"a zone of the house's own, with a place", "BEGIN:VTIMEZONE\nTZID:Office\nX-LIC-LOCATION:Asia/Tokyo\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Office:20270104T090000\nDURATION:PT1H\nEND:VEVENT", "", `{"zone":"Asia/Tokyo","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:00"]]}`},
		{"a zone that nobody knows, but somebody has told", "DTSTART;TZID=Office:20270104T090000\nDURATION:PT1H", "Asia/Tokyo", `{"zone":"Asia/Tokyo","startDate":"2027-01-04","endDate":"2027-01-04","windows":[["09:00","10:00"]]}`},
		{"each Monday, until an instant that is a day later there", "DTSTART;TZID=Asia/Tokyo:20270104T070000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270131T220000Z", "", `{"zone":"Asia/Tokyo","rrule":"FREQ=WEEKLY;BYDAY=MO;UNTIL=20270201","startDate":"2027-01-04","windows":[["07:00","08:00"]]}`},
		{"until a second before that day's time", "DTSTART;TZID=Asia/Tokyo:20270104T070000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270131T215959Z", "", `{"zone":"Asia/Tokyo","rrule":"FREQ=WEEKLY;BYDAY=MO;UNTIL=20270131","startDate":"2027-01-04","windows":[["07:00","08:00"]]}`},
		{"exceptions, one of which is at no time of it", "DTSTART;TZID=Europe/Paris:20270104T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE;TZID=Europe/Paris:20270106T090000,20270107T100000\nEXDATE:20270108T080000Z\nEXDATE;VALUE=DATE:20270109", "", `{"zone":"Europe/Paris","rrule":"FREQ=DAILY","startDate":"2027-01-04","exDates":["2027-01-06","2027-01-08","2027-01-09"],"windows":[["09:00","10:00"]]}`},
		{"more days", "DTSTART:20270104T090000\nDURATION:PT1H\nRDATE:20270209T090000,20270106T090000", "", `{"startDate":"2027-01-04","endDate":"2027-01-04","rDates":["2027-01-06","2027-02-09"],"windows":[["09:00","10:00"]]}`},
		{"a rule that says its hour twice", "DTSTART:20270104T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;COUNT=3", "", `{"rrule":"FREQ=DAILY;COUNT=3","startDate":"2027-01-04","windows":[["09:00","10:00"]]}`},
		{"a repeating entry whose days have moved and been cancelled", "BEGIN:VEVENT\nUID:a\nDTSTART:20270104T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEND:VEVENT\n" +
			"BEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20270105T090000\nDTSTART:20270105T140000\nDURATION:PT1H\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20270106T090000\nSTATUS:CANCELLED\nDTSTART:20270106T090000\nEND:VEVENT", "",
			`{"rrule":"FREQ=DAILY","startDate":"2027-01-04","exDates":["2027-01-05","2027-01-06"],"windows":[["09:00","10:00"]]} {"startDate":"2027-01-05","endDate":"2027-01-05","windows":[["14:00","15:00"]]}`},
		{"folded lines, and other parts", "BEGIN:VTODO\nEND:VTODO\nBEGIN:VEVENT\nDTSTART;VALUE=\n DATE:2027\r\n\t0101\n\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT", "", `{"startDate":"2027-01-01","endDate":"2027-01-01"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, refused := read(t, test.body, test.zone)
			var got []string
			for _, f := range found {
				b, err := json.Marshal(f.Event)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, strings.Replace(string(b), `"id":"","items":null,`, "", 1))
			}
			if text := strings.Join(got, " "); text != test.want || len(refused) > 0 {
				t.Errorf("got  %s, refused %v\nwant %s", text, refused, test.want)
			}
		})
	}
}

func TestWhatAScheduleCannotSayIsRefusedByName(t *testing.T) {
	const hour = "DTSTART:20270104T090000\nDURATION:PT1H\n"
	tests := []struct{ name, body, says string }{
		{"no time", "DTEND:20270104T090000", "no DTSTART"},
		{"no length", "DTSTART:20270104T090000", "takes no time"},
		{"backwards", "DTSTART:20270104T090000\nDTEND:20270104T080000", "takes no time"},
		{"a day that ends at a time", "DTSTART;VALUE=DATE:20270104\nDTEND:20270104T080000", "one is a day"},
		{"31 February", "DTSTART:20270231T090000\nDURATION:PT1H", "not a time"},
		{"a length below zero", "DTSTART:20270104T090000\nDURATION:-PT1H", "not a length"},
		{"each hour", hour + "RRULE:FREQ=HOURLY", "FREQ=HOURLY does not work"},
		{"twice a day", hour + "RRULE:FREQ=DAILY;BYHOUR=9,17", "BYHOUR does not work"},
		{"by week numbers", hour + "RRULE:FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO does not work"},
		{"a rule that its first day does not match", hour + "RRULE:FREQ=WEEKLY;BYDAY=TU", "startDate"},
		{"two rules", hour + "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "several RRULEs"},
		{"a rule of exceptions", hour + "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "EXRULE"},
		{"again at another time", hour + "RDATE:20270105T100000", "another time of day"},
		{"again for another time", hour + "RDATE;VALUE=PERIOD:20270105T100000/PT3H", "periods"},
		{"two days each week", "DTSTART;VALUE=DATE:20270109\nDTEND;VALUE=DATE:20270111\nRRULE:FREQ=WEEKLY", "more than a day"},
		{"three days by no clock", "DTSTART:20270104T090000\nDTEND:20270106T180000", "give --zone"},
		{"a zone that nobody knows", "DTSTART;TZID=Office:20270104T090000\nDURATION:PT1H", `"Office" is not known: give --zone`},
		{"a change from one day on", hour + "RECURRENCE-ID;RANGE=THISANDFUTURE:20270104T090000", "THISANDFUTURE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, refused := read(t, test.body, "")
			if len(found) > 0 || len(refused) != 1 || !strings.Contains(refused[0].Reason, test.says) || refused[0].Summary != "x" || refused[0].Line != 3 {
				t.Errorf("found %+v, refused %+v; want %q", found, refused, test.says)
			}
		})
	}
}

func TestAFileThatIsNoCalendarIsRefusedWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{
		{"empty", "", "no BEGIN:VCALENDAR"},
		{"a page", "<!DOCTYPE html>", "line 1: "},
		{"a card", "BEGIN:VCARD\nEND:VCARD", "begins with \"BEGIN:VCARD\""},
		{"cut off", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x", "the VEVENT of line 2 does not end"},
		{"crossed", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR", "line 3: END:VCALENDAR, but what began in line 2 is VEVENT"},
		{"not UTF-8", "BEGIN:VCALENDAR\nX:\xe9\nEND:VCALENDAR", "not UTF-8"},
		{"too deep", strings.Repeat("BEGIN:VCALENDAR\n", 9), "line 9: the calendar is too deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := calendar.Read(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %q", err, test.says)
			}
		})
	}
}

// What a timeline writes comes back as events that are on at exactly its times.
func TestATimelineReadBackIsOnAtTheSameInstants(t *testing.T) {
	c := hard(t)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	cals, err := calendar.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	found, refused := calendar.Events(cals, "")
	if len(found) != len(c.Entries) || len(refused) > 0 {
		t.Fatalf("%d found, %v refused; want %d", len(found), refused, len(c.Entries))
	}
	for i, e := range c.Entries {
		f := found[i]
		f.Event.ID, f.Event.Items = "e", []string{"a"}
		s := &schedule.Schedule{Events: []schedule.Event{f.Event}}
		on := func(at time.Time) bool {
			return len(schedule.At(s, schedule.Player{Zone: "America/New_York"}, schedule.State{}, at).Events) > 0
		}
		if on(e.Start.Add(-time.Second)) || !on(e.Start) || !on(e.End.Add(-time.Second)) || on(e.End) || f.UID != e.UID {
			t.Errorf("%s: %+v is not on from %s to %s", f.UID, f.Event, e.Start, e.End)
		}
	}
}

// Whatever a file has in it: an answer, and only events that a schedule takes, with names that fit on one line.
func FuzzRead(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=\"Europe/Paris\":20270104T090000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20271231T000000Z\nEXDATE:20270111T080000Z\nSUMMARY:a\\nb\nEND:VEVENT\nEND:VCALENDAR\n")
	f.Add("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:99991231\nRDATE:00010101\nEND:VEVENT\nEND:VCALENDAR")
	f.Fuzz(func(t *testing.T, text string) {
		cals, err := calendar.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		found, refused := calendar.Events(cals, "")
		for _, one := range found {
			one.Event.ID, one.Event.Items = "e", []string{"a"}
			if _, problems := schedule.Compile(&schedule.Schedule{Events: []schedule.Event{one.Event}}); len(problems) > 0 {
				t.Errorf("%+v: %v", one.Event, problems)
			}
			if strings.ContainsAny(one.Summary, "\r\n\x00\u0085\u2028\u2029") {
				t.Errorf("the name %q has more than a line", one.Summary)
			}
		}
		for _, one := range refused {
			if one.Reason == "" || one.Line < 1 {
				t.Errorf("refused without a reason: %+v", one)
			}
		}
	})
}
