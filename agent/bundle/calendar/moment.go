package calendar

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Moment is a DATE or DATE-TIME: what a clock on the wall shows, and which clock.
type Moment struct {
	Wall time.Time // carried in UTC
	Day  bool      // a day, not a time
	Zone string    // IANA; "" = wherever the reader is
}

// Clocks knows the time zones that a calendar names.
type Clocks struct {
	known map[string]string // TZID -> IANA, from VTIMEZONE's X-LIC-LOCATION
	zone  string            // for times that name none, or one that is not known; "" = those float
}

// ClocksOf reads a calendar's time zones. zone is for times that name none, or one that is not known; "" = those float.
func ClocksOf(cal *Component, zone string) *Clocks {
	c := &Clocks{known: map[string]string{}, zone: zone}
	for _, part := range cal.Parts {
		if part.Name == "VTIMEZONE" {
			id, _ := part.One("TZID")
			location, _ := part.One("X-LIC-LOCATION")
			c.known[id.Value] = location.Value
		}
	}
	return c
}

// Moments reads a property that may list several.
func (c *Clocks) Moments(p Property) ([]Moment, error) {
	if kind := strings.ToUpper(p.Params["VALUE"]); kind == "PERIOD" {
		return nil, fmt.Errorf("%s lists periods, each with a length of its own", p.Name)
	}
	var list []Moment
	for v := range strings.SplitSeq(p.Value, ",") {
		m, err := c.Moment(strings.TrimSpace(v), p)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// Moment reads one value of a property.
func (c *Clocks) Moment(v string, p Property) (Moment, error) {
	if t, err := time.Parse("20060102", v); err == nil {
		return Moment{Wall: t, Day: true}, nil
	}
	local, utc := strings.CutSuffix(v, "Z")
	t, err := time.Parse("20060102T150405", local)
	switch {
	case err != nil:
		return Moment{}, fmt.Errorf("%s is %.40q, which is not a time", p.Name, v)
	case utc:
		return Moment{Wall: t, Zone: "UTC"}, nil
	case p.Params["TZID"] == "":
		return Moment{Wall: t, Zone: c.zone}, nil
	}
	zone, ok := c.Resolve(p.Params["TZID"])
	if !ok {
		return Moment{}, fmt.Errorf("its time zone %.60q is not known: give --zone with the IANA name that is meant", p.Params["TZID"])
	}
	return Moment{Wall: t, Zone: zone}, nil
}

// Resolve finds the IANA name for a TZID, which may be such a name, end in one, or be one of Windows.
func (c *Clocks) Resolve(id string) (string, bool) {
	candidates := []string{id, c.known[id], windowsZone(id)}
	parts := strings.Split(id, "/")
	for n := 2; n <= 3 && n < len(parts); n++ { // "/mozilla.org/20070129_1/Europe/Paris"
		candidates = append(candidates, strings.Join(parts[len(parts)-n:], "/"))
	}
	for _, name := range append(candidates, c.zone) {
		if name == "" || name == "Local" {
			continue
		}
		if _, err := time.LoadLocation(name); err == nil {
			return name, true
		}
	}
	return "", false
}

// Instant is when a moment is; ok is false when it floats.
func (m Moment) Instant() (t time.Time, ok bool) {
	zone, err := time.LoadLocation(m.Zone)
	if err != nil || m.Zone == "" {
		return time.Time{}, false
	}
	w := m.Wall
	return time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, zone), true
}

// On is a moment by another clock. A day is a day everywhere.
func (m Moment) On(zone string) Moment {
	if m.Day || m.Zone == zone {
		return m
	}
	at, fixed := m.Instant()
	place, err := time.LoadLocation(zone)
	if !fixed || err != nil || zone == "" {
		return m
	}
	return Moment{Wall: naive(at.In(place)), Zone: zone}
}

// naive is what a clock shows, carried in UTC.
func naive(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func (m Moment) day() string { return m.Wall.Format(time.DateOnly) }

// clock is a moment's time of day as a window has it.
func (m Moment) clock() string {
	if m.Wall.Second() != 0 {
		return m.Wall.Format("15:04:05")
	}
	return m.Wall.Format("15:04")
}

func (m Moment) String() string {
	if m.Day {
		return m.day()
	}
	return m.Wall.Format("2006-01-02 15:04")
}

// Duration reads a DURATION (section 3.3.6) above zero; days and weeks are those of the clock.
func Duration(s string) (time.Duration, bool) {
	m := regexp.MustCompile(`^\+?P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)$`).FindStringSubmatch(strings.ToUpper(s))
	if m == nil {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n, err := strconv.Atoi(m[i+1]); err == nil {
			d += time.Duration(n) * unit
		}
	}
	return d, d > 0
}

// windowsZone is the IANA zone of the territory that a name of Windows stands for first (Unicode CLDR, windowsZones.xml).
func windowsZone(name string) string {
	return map[string]string{
		"Dateline Standard Time": "Etc/GMT+12", "Hawaiian Standard Time": "Pacific/Honolulu", "Alaskan Standard Time": "America/Anchorage",
		"Pacific Standard Time": "America/Los_Angeles", "US Mountain Standard Time": "America/Phoenix", "Mountain Standard Time": "America/Denver",
		"Central Standard Time": "America/Chicago", "Canada Central Standard Time": "America/Regina", "Central America Standard Time": "America/Guatemala",
		"Central Standard Time (Mexico)": "America/Mexico_City", "SA Pacific Standard Time": "America/Bogota", "Eastern Standard Time": "America/New_York",
		"US Eastern Standard Time": "America/Indiana/Indianapolis", "Atlantic Standard Time": "America/Halifax", "Newfoundland Standard Time": "America/St_Johns",
		"E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Argentina/Buenos_Aires", "Pacific SA Standard Time": "America/Santiago",
		"Azores Standard Time": "Atlantic/Azores", "UTC": "Etc/UTC", "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik",
		"Morocco Standard Time": "Africa/Casablanca", "W. Europe Standard Time": "Europe/Berlin", "Central Europe Standard Time": "Europe/Budapest",
		"Romance Standard Time": "Europe/Paris", "Central European Standard Time": "Europe/Warsaw", "W. Central Africa Standard Time": "Africa/Lagos",
		"GTB Standard Time": "Europe/Bucharest", "E. Europe Standard Time": "Europe/Chisinau", "FLE Standard Time": "Europe/Kiev", "Egypt Standard Time": "Africa/Cairo",
		"South Africa Standard Time": "Africa/Johannesburg", "Israel Standard Time": "Asia/Jerusalem", "Turkey Standard Time": "Europe/Istanbul",
		"Arab Standard Time": "Asia/Riyadh", "Russian Standard Time": "Europe/Moscow", "E. Africa Standard Time": "Africa/Nairobi", "Iran Standard Time": "Asia/Tehran",
		"Arabian Standard Time": "Asia/Dubai", "Mauritius Standard Time": "Indian/Mauritius", "Pakistan Standard Time": "Asia/Karachi",
		"India Standard Time": "Asia/Calcutta", "Bangladesh Standard Time": "Asia/Dhaka", "SE Asia Standard Time": "Asia/Bangkok", "China Standard Time": "Asia/Shanghai",
		"Singapore Standard Time": "Asia/Singapore", "Taipei Standard Time": "Asia/Taipei", "W. Australia Standard Time": "Australia/Perth", "Korea Standard Time": "Asia/Seoul",
		"Tokyo Standard Time": "Asia/Tokyo", "Cen. Australia Standard Time": "Australia/Adelaide", "AUS Central Standard Time": "Australia/Darwin",
		"E. Australia Standard Time": "Australia/Brisbane", "AUS Eastern Standard Time": "Australia/Sydney", "Tasmania Standard Time": "Australia/Hobart",
		"New Zealand Standard Time": "Pacific/Auckland", "Central Pacific Standard Time": "Pacific/Guadalcanal",
	}[name]
}
