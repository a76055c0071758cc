package gtfs

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readServices works out on which days each service runs, from yesterday on, as one text: the first day and a bit for each.
func (r *reader) readServices() error {
	zone, err := time.LoadLocation(r.zone)
	if err != nil {
		return err
	}
	y, m, d := r.now.In(zone).Date()
	base := time.Date(y, m, d-2, 0, 0, 0, 0, time.UTC) // times go on past midnight
	runs := map[string][]byte{}
	set := func(service string, day time.Time, on bool) {
		n := int(day.Sub(base) / (24 * time.Hour))
		if n < 0 || n >= maxDays {
			return
		}
		bits := runs[service]
		for len(bits) <= n/8 {
			bits = append(bits, 0)
		}
		if bits[n/8] &^= 1 << (n % 8); on {
			bits[n/8] |= 1 << (n % 8)
		}
		runs[service] = bits
	}
	weekdays := []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	err = r.each("calendar.txt", false, []string{"service_id", "start_date", "end_date"}, func(cell func(string) string) error {
		from, err1 := time.Parse("20060102", cell("start_date"))
		to, err2 := time.Parse("20060102", cell("end_date"))
		if err := errors.Join(err1, err2); err != nil {
			return errors.New("its dates are not like 20270131")
		}
		r.last = max(r.last, to.Format("2006-01-02"))
		if from.Before(base) {
			from = base
		}
		for day := from; !day.After(to) && day.Before(base.AddDate(0, 0, maxDays)); day = day.AddDate(0, 0, 1) {
			if cell(weekdays[day.Weekday()]) == "1" {
				set(cell("service_id"), day, true)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = r.each("calendar_dates.txt", r.files["calendar.txt"] == nil, []string{"service_id", "date", "exception_type"}, func(cell func(string) string) error {
		day, err := time.Parse("20060102", cell("date"))
		if err != nil {
			return errors.New("its date is not like 20270131")
		}
		on := cell("exception_type") == "1"
		if on {
			r.last = max(r.last, day.Format("2006-01-02"))
		}
		set(cell("service_id"), day, on)
		return nil
	})
	for service, bits := range runs {
		if slices.ContainsFunc(bits, func(b byte) bool { return b != 0 }) {
			r.services[service] = base.Format("20060102") + ":" + hex.EncodeToString(bits)
		}
	}
	return err
}

// days are those on which a service runs.
type days struct {
	base time.Time
	bits []byte
}

func daysOf(text string) (days, bool) {
	from, bits, ok := strings.Cut(text, ":")
	base, err := time.Parse("20060102", from)
	if err != nil || !ok {
		return days{}, false
	}
	b, err := hex.DecodeString(bits)
	return days{base, b}, err == nil
}

// on says whether a service runs on a day, which is a midnight of UTC.
func (d days) on(day time.Time) bool {
	n := int(day.Sub(d.base) / (24 * time.Hour))
	return n >= 0 && n/8 < len(d.bits) && d.bits[n/8]&(1<<(n%8)) != 0
}

// instant is a time of a service day: seconds from twelve hours before noon, so that they are right where clocks change.
func instant(day time.Time, seconds int, zone *time.Location) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 12, 0, 0, 0, zone).Add(-12*time.Hour + time.Duration(seconds)*time.Second)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
