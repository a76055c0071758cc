package schedule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// check returns what is wrong with a condition, "" when nothing is.
func (c *Condition) check() string {
	if c.Metric == "" {
		return "the condition names no metric: write metric, op and value"
	}
	switch c.Op {
	case "eq", "ne":
		if !scalar(c.Value) {
			return fmt.Sprintf("%s compares with one text, number, true or false: write such a value", c.Op)
		}
	case "lt", "le", "gt", "ge":
		_, text := c.Value.(string)
		if _, ok := toNumber(c.Value); !ok && !text {
			return fmt.Sprintf("%s compares with a number or a text: write such a value", c.Op)
		}
	case "in":
		list, ok := toList(c.Value)
		if !ok || slices.ContainsFunc(list, func(v any) bool { return !scalar(v) }) {
			return "in compares with a list: write value as [\"a\", \"b\"]"
		}
	default:
		return fmt.Sprintf("op %q does not work: write eq, ne, lt, le, gt, ge or in", c.Op)
	}
	return ""
}

// holds compares. What is unknown, and what is of another type than the value, is false, for every op.
func (c *Condition) holds(metric any, known bool) bool {
	if !known {
		return false
	}
	if c.Op == "in" {
		list, _ := toList(c.Value)
		return slices.ContainsFunc(list, func(v any) bool {
			order, ok := compare(metric, v)
			return ok && order == 0
		})
	}
	order, ok := compare(metric, c.Value)
	if !ok {
		return false
	}
	switch c.Op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	}
	return false
}

// compare orders two numbers, two texts (by bytes) or two truths (only eq and ne are meant); not ok for a mixture.
func compare(a, b any) (order int, ok bool) {
	if x, isNumber := toNumber(a); isNumber {
		y, ok := toNumber(b)
		switch {
		case !ok || x != x || y != y:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case bool:
		y, ok := b.(bool)
		if ok && x != y {
			return 1, true
		}
		return 0, ok
	}
	return 0, false
}

// toNumber takes whatever a JSON or YAML reader, a connector or a sensor calls a number.
func toNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case nil:
		return 0, false
	case float64:
		return n, true
	case int:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

func toList(v any) ([]any, bool) {
	switch list := v.(type) {
	case []any:
		return list, true
	case []string:
		out := make([]any, len(list))
		for i := range list {
			out[i] = list[i]
		}
		return out, true
	}
	return nil, false
}

func scalar(v any) bool {
	_, number := toNumber(v)
	switch v.(type) {
	case string, bool:
		return true
	}
	return number
}
