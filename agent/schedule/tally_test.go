package schedule

import (
	"maps"
	"testing"
	"time"
)

func TestPlaysCountForAnHourOfUptimeAndSurviveARestart(t *testing.T) {
	var tally Tally
	for _, minute := range []int{0, 10, 30} {
		tally.Played("a", time.Duration(minute)*time.Minute)
	}
	tally.Played("b", 20*time.Minute)
	check := func(tally *Tally, uptime time.Duration, want map[string]int, next time.Duration) {
		t.Helper()
		if plays, wait := tally.Plays(uptime); !maps.Equal(plays, want) || wait != next {
			t.Errorf("at %s: %v, the next change in %s, want %v in %s", uptime, plays, wait, want, next)
		}
	}
	check(&tally, 59*time.Minute, map[string]int{"a": 3, "b": 1}, time.Minute)
	check(&tally, 60*time.Minute, map[string]int{"a": 2, "b": 1}, 10*time.Minute)
	saved, err := tally.Save(65 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadTally(saved, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	check(again, 5*time.Second, map[string]int{"a": 2, "b": 1}, 5*time.Minute)
	check(again, 20*time.Minute, map[string]int{"a": 1}, 5*time.Minute+5*time.Second)
	check(again, 2*time.Hour, map[string]int{}, 0)
	for _, text := range []string{`{"a":[-1]}`, `{"a":[3600001]}`, `{"a":1}`, ``} {
		if _, err := LoadTally([]byte(text), 0); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestARunawayEventDoesNotFillMemory(t *testing.T) {
	var tally Tally
	for n := range 3 * mostPlays {
		tally.Played("a", time.Duration(n)*time.Millisecond)
	}
	if plays, _ := tally.Plays(time.Minute); plays["a"] != mostPlays {
		t.Errorf("%d plays are kept", plays["a"])
	}
}
