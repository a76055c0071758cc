package format

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/rows"
)

// maxQuery is how long a jq query may run.
const maxQuery = 5 * time.Second

// compile makes a jq query ready; it sees nothing but its document: no environment, no files.
func compile(query string) (*gojq.Code, error) {
	q, err := gojq.Parse(query)
	if err != nil {
		return nil, fmt.Errorf("its jq query %.80q cannot be understood: %w", query, err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, fmt.Errorf("its jq query %.80q cannot be understood: %w", query, err)
	}
	return code, nil
}

// tree makes rows of a list of a JSON document, the one at a dotted path or the results of a jq query: objects by their
// keys, lists by position, others in one column named value.
func tree(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	if err := weighJSON(b); err != nil {
		return rows.Table{}, fmt.Errorf("the JSON cannot be read: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if is := sniff(b); is.id != "json" && is.id != "text" && is.id != "delimited" {
			return rows.Table{}, fmt.Errorf("it is no JSON but %s: %s", is.name, is.fix)
		}
		return rows.Table{}, fmt.Errorf("the JSON cannot be read: %w", err)
	}
	if o.Query == "" {
		var more any // a value on each line (JSON Lines) is a list
		if err := d.Decode(&more); err == nil && o.Path == "" {
			v = follow(d, v, more)
		}
		return listed(v, o.Path, most)
	}
	list, err := ask(ctx, v, o.Query, most)
	if err != nil {
		return rows.Table{}, err
	}
	return tabled(list, most)
}

// follow collects the values that stand behind one another.
func follow(d *json.Decoder, first, second any) []any {
	list := []any{first, second}
	for {
		var v any
		if err := d.Decode(&v); err != nil {
			return list
		}
		list = append(list, v)
	}
}

// ask runs a query; a single result that is a list is the rows.
func ask(ctx context.Context, v any, query string, most int) ([]any, error) {
	code, err := compile(query)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, maxQuery)
	defer cancel()
	within, stop := frugal(within)
	defer stop()
	var list []any
	for results := code.RunWithContext(within, v); ; {
		v, ok := results.Next()
		if !ok {
			break
		}
		if err, failed := v.(error); failed {
			var halt *gojq.HaltError
			switch {
			case errors.As(err, &halt) && halt.Value() == nil:
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case errors.Is(context.Cause(within), errGreedy):
				return nil, errGreedy
			case within.Err() != nil:
				return nil, fmt.Errorf("the jq query had not finished after %s: make it simpler", maxQuery)
			default:
				return nil, fmt.Errorf("the jq query fails on this document: %.300s", err)
			}
			break
		}
		if list = append(list, v); len(list) > most {
			break
		}
	}
	if len(list) == 1 {
		if inner, ok := list[0].([]any); ok {
			list = inner
		}
	}
	return list, nil
}

// listed makes rows of what is at a dotted path.
func listed(v any, path string, most int) (rows.Table, error) {
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
	return tabled(list, most)
}

// tabled makes rows of a list.
func tabled(list []any, most int) (rows.Table, error) {
	t := rows.Table{Truncated: len(list) > most}
	list = list[:min(len(list), most)]
	t.Columns = columns(list)
	if len(t.Columns) > rows.MaxColumns {
		return rows.Table{}, fmt.Errorf("it has %d columns, %d are allowed", len(t.Columns), rows.MaxColumns)
	}
	if len(list)*len(t.Columns) > maxCells {
		return rows.Table{}, fmt.Errorf("it has %d rows of %d columns, %d cells are allowed", len(list), len(t.Columns), maxCells)
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
		return grid.Names(make([]string, min(wide, rows.MaxColumns+1)))
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
	case int:
		return rows.Of(rows.Decimal, strconv.Itoa(v))
	case *big.Int:
		return rows.Of(rows.Decimal, v.String())
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return rows.Value{Kind: rows.Null}
		}
		return rows.Of(rows.Decimal, strconv.FormatFloat(v, 'f', -1, 64))
	case bool:
		return rows.Of(rows.Bool, strconv.FormatBool(v))
	}
	return rows.Of(rows.Text, compact(v))
}

// compact writes a list or an object within a cell.
func compact(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&limited{&out, rows.MaxCell + 1})
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil && !errors.Is(err, io.ErrShortWrite) {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// limited takes so many bytes and no more.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.w.Write(p[:min(len(p), l.left)])
	if l.left -= n; err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
