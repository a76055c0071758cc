package schedule

import (
	"testing"
	"time"
)

func TestAStretchOfLocalTimeHoldsTheInstantItIsAskedFor(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo", "UTC"} {
		t.Run(name, func(t *testing.T) {
			place, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			z := &zone{place: place}
			for year := 2024; year <= 2104; year++ { // beyond the transitions that a zone's file lists
				for _, day := range []time.Time{time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 30, 23, 59, 59, 0, time.UTC),
					time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC)} {
					s := z.at(day.Unix())
					if _, offset := day.In(place).Zone(); s.from > day.Unix() || s.to <= day.Unix() || s.offset != int64(offset) {
						t.Fatalf("%s: from %d to %d, offset %d", day, s.from, s.to, s.offset)
					}
				}
			}
		})
	}
}
