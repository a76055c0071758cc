package pipeline

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vitrine/agent/connect/rows"
)

// function is one that expressions may call.
type function = func(args ...any) (any, error)

// functions are all that expressions may call, besides col(). today, now and clock are put in by the guard.
func (p *Pipeline) functions() map[string]function {
	none := func(...any) (any, error) { return nil, nil }
	text := func(f func(string) any) function {
		return p.arguments(1, func(a []any) (any, error) { return f(p.text(a[0])), nil })
	}
	number := func(f func(float64) float64) function {
		return p.arguments(1, func(a []any) (any, error) {
			n, err := p.number(a[0])
			return f(n), err
		})
	}
	when := func(f func(time.Time) any) function {
		return p.arguments(1, func(a []any) (any, error) {
			t, err := p.time(a[0])
			return f(t), err
		})
	}
	length := func(unit time.Duration) function {
		return p.arguments(1, func(a []any) (any, error) {
			n, err := p.number(a[0])
			if math.Abs(n) > 1e6 {
				return nil, errors.New("the length of time is out of bounds")
			}
			return time.Duration(n * float64(unit)), err
		})
	}
	return map[string]function{
		"today": none, "now": none, "clock": none, // see guard
		"upper": text(func(s string) any { return p.locale.Upper(s) }),
		"lower": text(func(s string) any { return p.locale.Lower(s) }),
		"trim":  text(func(s string) any { return strings.Join(strings.Fields(s), " ") }),
		"len":   text(func(s string) any { return utf8.RuneCountInString(s) }),
		"text":  text(func(s string) any { return s }),
		"number": text(func(s string) any {
			if d, ok := p.locale.Decimal(s); ok {
				n, _ := strconv.ParseFloat(d, 64)
				return n
			}
			return nil
		}),
		"abs":      number(math.Abs),
		"floor":    number(math.Floor),
		"ceil":     number(math.Ceil),
		"round":    p.round,
		"min":      p.extreme(func(a, b float64) bool { return a < b }),
		"max":      p.extreme(func(a, b float64) bool { return a > b }),
		"year":     when(func(t time.Time) any { return t.Year() }),
		"month":    when(func(t time.Time) any { return int(t.Month()) }),
		"day":      when(func(t time.Time) any { return t.Day() }),
		"weekday":  when(func(t time.Time) any { return (int(t.Weekday())+6)%7 + 1 }),
		"hour":     when(func(t time.Time) any { return t.Hour() }),
		"minute":   when(func(t time.Time) any { return t.Minute() }),
		"date":     when(func(t time.Time) any { return midnight(t) }),
		"days":     length(24 * time.Hour),
		"hours":    length(time.Hour),
		"minutes":  p.minutes(length(time.Minute)),
		"format":   p.arguments(2, p.format),
		"replace":  p.arguments(3, p.replace),
		"left":     p.arguments(2, p.left),
		"contains": p.arguments(2, func(a []any) (any, error) { return strings.Contains(p.text(a[0]), p.text(a[1])), nil }),
		"first": func(args ...any) (any, error) { // that is there
			for _, a := range args {
				if a != nil && a != "" {
					return a, nil
				}
			}
			return nil, nil
		},
	}
}

// arguments wants so many of them. A function of nothing gives nothing.
func (p *Pipeline) arguments(n int, f func([]any) (any, error)) function {
	return func(args ...any) (any, error) {
		if len(args) != n {
			return nil, fmt.Errorf("a function has %d values in its brackets; it takes %d", len(args), n)
		}
		if args[0] == nil {
			return nil, nil
		}
		out, err := f(args)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

func (p *Pipeline) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		kind := rows.DateTime
		written := v.Format(time.RFC3339)
		if v.Equal(midnight(v)) {
			kind, written = rows.Date, v.Format("2006-01-02")
		}
		return Look{locale: p.locale, zone: p.zone}.Text(rows.Value{Kind: kind, Text: written})
	}
	return fmt.Sprint(v)
}

func (p *Pipeline) number(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case time.Duration:
		return v.Minutes(), nil
	case string:
		if d, ok := p.locale.Decimal(v); ok {
			return strconv.ParseFloat(d, 64)
		}
	}
	return 0, fmt.Errorf("%.40q is not a number", p.text(v))
}

func (p *Pipeline) time(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v.In(p.zone), nil
	case string:
		if t, err := p.locale.DateTime(v, p.zone); err == nil {
			return t.In(p.zone), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a date", p.text(v))
}

// round takes a number and how many decimals it keeps, none when it does not say.
func (p *Pipeline) round(args ...any) (any, error) {
	if len(args) < 1 || len(args) > 2 {
		return nil, errors.New("round takes a number and how many decimals it keeps, such as round(price, 2)")
	}
	if args[0] == nil {
		return nil, nil
	}
	n, err := p.number(args[0])
	if err != nil {
		return nil, err
	}
	places := 0.0
	if len(args) == 2 {
		if places, err = p.number(args[1]); err != nil || places < 0 || places > 12 {
			return nil, errors.New("round keeps 0 to 12 decimals")
		}
	}
	scale := math.Pow(10, math.Trunc(places))
	return math.Round(n*scale) / scale, nil
}

// extreme is the number, or the time, that better prefers; nothing does not count.
func (p *Pipeline) extreme(better func(a, b float64) bool) function {
	return func(args ...any) (any, error) {
		var best any
		var score float64
		for _, a := range args {
			var n float64
			switch v := a.(type) {
			case nil:
				continue
			case time.Time:
				n = float64(v.Unix())
			default:
				var err error
				if n, err = p.number(v); err != nil {
					return nil, err
				}
			}
			if best == nil || better(n, score) {
				best, score = a, n
			}
		}
		return best, nil
	}
}

// minutes is a length of so many minutes, and the minutes of a length: minutes(departure - now()).
func (p *Pipeline) minutes(length function) function {
	return func(args ...any) (any, error) {
		if len(args) == 1 {
			if d, ok := args[0].(time.Duration); ok {
				return int(math.Floor(d.Minutes())), nil
			}
		}
		return length(args...)
	}
}

// format writes a time by a layout, or a number by a pattern.
func (p *Pipeline) format(a []any) (any, error) {
	layout := p.text(a[1])
	if len(layout) > 200 {
		return nil, errors.New("the layout is too long")
	}
	switch v := a[0].(type) {
	case time.Time:
		return p.locale.Format(v.In(p.zone), layout), nil
	case float64, int:
		return p.locale.Number(p.text(v), layout), nil
	}
	t, err := p.time(a[0])
	return p.locale.Format(t, layout), err
}

func (p *Pipeline) replace(a []any) (any, error) {
	s, old, to := p.text(a[0]), p.text(a[1]), p.text(a[2])
	if old == "" {
		return s, nil
	}
	if grown := len(s) + strings.Count(s, old)*len(to); grown > rows.MaxCell {
		return nil, errors.New("the text becomes too long")
	}
	return strings.ReplaceAll(s, old, to), nil
}

// left is the beginning of a text, with an ellipsis where it was longer.
func (p *Pipeline) left(a []any) (any, error) {
	n, err := p.number(a[1])
	r := []rune(p.text(a[0]))
	if err != nil || n < 1 || int(n) >= len(r) {
		return string(r), err
	}
	return strings.TrimSpace(string(r[:int(n)-1])) + "…", nil
}
