package main

import (
	"strings"
	"testing"
)

func TestABundlesOwnTestsSupposeWhatTheyLike(t *testing.T) {
	dir := acting(t)
	edit(t, dir, yaml, "tests:", `tests:
  - {at: "2027-01-04T15:30", triggers: [touch], expect: [time]}
  - {at: "2027-01-04T15:30", triggers: ["http:other"], expect: [welcome, programme, time]}
  - {at: "2027-01-04T15:30", idle: 2m, expect: [programme]}
  - {at: "2027-01-04T23:30", expect: []}`)
	if out := right(t, "test", dir); strings.Count(out, "PASS") < 4 || strings.Contains(out, "FAIL") {
		t.Errorf("%s", out)
	}
	edit(t, dir, yaml, "idle: 2m, expect: [programme]", "idle: 20s, expect: [programme]")
	refuses(t, exitRefused, `metric touch.idle is 20, not ge 60`, "test", dir)
	edit(t, dir, yaml, "idle: 20s", "idle: 20")
	refuses(t, exitRefused, "write a length of time", "test", dir)
}
