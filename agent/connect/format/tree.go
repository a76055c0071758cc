package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vitrine/agent/connect/rows"
)

// tree makes rows of the list at a dotted path of a JSON document: objects by their keys, lists by position, others in
// one column named value.
func tree(b []byte, path string, most int) (rows.Table, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return rows.Table{}, fmt.Errorf("the JSON cannot be read: %w", err)
	}
	for _, key := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' }) {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return rows.Table{}, fmt.Errorf("%w: the list before %q in the path %q has %d entries", errNoRows, key, path, len(node))
			}
			v = node[i]
		default:
			return rows.Table{}, fmt.Errorf("%w: nothing has the key %q of the path %q", errNoRows, key, path)
		}
	}
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return rows.Table{}, fmt.Errorf("%w: nothing is at the path %q", errNoRows, path)
		}
		list = []any{v}
	}
	t := rows.Table{Truncated: len(list) > most}
	list = list[:min(len(list), most)]
	t.Columns = columns(list)
	if len(t.Columns) > rows.MaxColumns {
		return rows.Table{}, fmt.Errorf("it has %d columns, %d are allowed", len(t.Columns), rows.MaxColumns)
	}
	for _, entry := range list {
		row := make([]rows.Value, len(t.Columns))
		for i, name := range t.Columns {
			row[i] = scalar(field(entry, i, name))
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

func columns(list []any) []string {
	keys, wide := map[string]bool{}, 0
	for _, entry := range list {
		switch e := entry.(type) {
		case map[string]any:
			for k := range e {
				keys[k] = true
			}
		case []any:
			wide = max(wide, len(e))
		default:
			keys["value"] = true
		}
	}
	if len(keys) == 0 && wide > 0 {
		return names(make([]string, min(wide, rows.MaxColumns+1)))
	}
	return slices.Sorted(maps.Keys(keys))
}

func field(entry any, i int, name string) any {
	switch e := entry.(type) {
	case map[string]any:
		return e[name]
	case []any:
		if i < len(e) {
			return e[i]
		}
		return nil
	}
	if name == "value" {
		return entry
	}
	return nil
}

func scalar(v any) rows.Value {
	switch v := v.(type) {
	case nil:
		return rows.Value{Kind: rows.Null}
	case string:
		return rows.Of(rows.Text, v)
	case json.Number:
		return rows.Of(rows.Decimal, v.String())
	case bool:
		return rows.Value{Kind: rows.Bool, Text: strconv.FormatBool(v)}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return rows.Value{Kind: rows.Null}
	}
	return rows.Of(rows.Text, string(b))
}
