package schedule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// span is a window in seconds from its day's midnight, start < 24 h, end at most 24 h later.
type span struct{ start, end int }

// week is the list of spans of each weekday (0 = Monday), sorted and merged.
type week [7][]span

// UnmarshalJSON takes exactly two strings.
func (w *Window) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil || len(list) != 2 {
		return fmt.Errorf("window %.60s does not work: write [\"HH:MM\", \"HH:MM\"], its start and its end", b)
	}
	*w = Window(list)
	return nil
}

func (w Window) span() (span, error) {
	start, ok := parseClock(w[0])
	if !ok || start == secondsADay {
		return span{}, fmt.Errorf("window start %q is not a time of day: write \"00:00\" to \"23:59\"", w[0])
	}
	end, ok := parseClock(w[1])
	if !ok {
		return span{}, fmt.Errorf("window end %q is not a time of day: write \"00:00\" to \"24:00\"; an end at or before the start is on the next day", w[1])
	}
	if end <= start {
		end += secondsADay
	}
	return span{start, end}, nil
}

// parseClock reads HH:MM or HH:MM:SS, up to 24:00.
func parseClock(s string) (seconds int, ok bool) {
	if len(s) != 5 && len(s) != 8 {
		return 0, false
	}
	fields := [3]int{}
	for i := 0; i < len(s); i += 3 {
		if i > 0 && s[i-1] != ':' || s[i] < '0' || s[i] > '9' || s[i+1] < '0' || s[i+1] > '9' {
			return 0, false
		}
		fields[i/3] = int(s[i]-'0')*10 + int(s[i+1]-'0')
	}
	if fields[1] > 59 || fields[2] > 59 {
		return 0, false
	}
	seconds = fields[0]*3600 + fields[1]*60 + fields[2]
	return seconds, seconds <= secondsADay
}

func clockText(seconds int) string {
	if seconds > secondsADay {
		seconds -= secondsADay
	}
	text := fmt.Sprintf("%02d:%02d", seconds/3600, seconds/60%60)
	if s := seconds % 60; s != 0 {
		text += fmt.Sprintf(":%02d", s)
	}
	return text
}

// hours are the fields that events and working hours share.
type hours struct {
	windows        []Window
	weekdayWindows map[string][]Window
	dayparts       []string
}

// compile reports through refuse, with paths below the rule's own.
func (h hours) compile(parts map[string][]span, refuse func(path, message string)) *week {
	every := compileWindows(h.windows, "/windows", refuse)
	for i, name := range h.dayparts {
		spans, ok := parts[name]
		if !ok {
			refuse(fmt.Sprintf("/dayparts/%d", i), fmt.Sprintf("daypart %q is not defined, or not rightly: define it under the schedule's dayparts", name))
		}
		every = append(every, spans...)
	}
	if len(h.windows) == 0 && len(h.dayparts) == 0 {
		every = []span{{0, secondsADay}}
	}
	w := new(week)
	every = merge(every)
	for i := range w {
		w[i] = every
	}
	for _, key := range sortedKeys(h.weekdayWindows) {
		path := "/weekdayWindows/" + pointerEscape(key)
		n, err := strconv.Atoi(key)
		if err != nil || n < 1 || n > 7 || len(key) != 1 {
			refuse(path, fmt.Sprintf("weekday %q does not work: write \"1\" (Monday) to \"7\" (Sunday)", key))
			continue
		}
		w[n-1] = merge(compileWindows(h.weekdayWindows[key], path, refuse))
	}
	return w
}

func compileWindows(list []Window, path string, refuse func(path, message string)) []span {
	var spans []span
	for i, w := range list {
		s, err := w.span()
		if err != nil {
			refuse(fmt.Sprintf("%s/%d", path, i), err.Error())
			continue
		}
		spans = append(spans, s)
	}
	return spans
}

// merge sorts and joins spans that touch.
func merge(list []span) []span {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b span) int { return a.start - b.start })
	var out []span
	for _, s := range list {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

// covers says whether [from, to) lies within one of the merged spans.
func covers(list []span, from, to int) bool {
	for _, s := range list {
		if s.start <= from && to <= s.end {
			return true
		}
	}
	return false
}
