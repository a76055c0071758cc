package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"vitrine/agent/connect/rows"
)

// asks says of what besides the row an answer depends.
type asks struct{ today, now bool }

// formula is an expression over a row. It has no loops, no lists but those written in it, and nothing outside of the row, so
// that its cost is bounded by its length.
type formula struct {
	program *vm.Program
	columns []string
}

// mark stands before a column's name in a program, so that no function hides it.
const (
	mark    = "column:"
	moments = "time:" // before now, today and clock
)

// formula compiles an expression.
func (p *Pipeline) formula(text string) (*formula, error) {
	g := &guard{}
	functions := p.functions()
	options := []expr.Option{expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.DisableAllBuiltins(), expr.MaxNodes(500), expr.Patch(g)}
	for name, f := range functions {
		g.functions = append(g.functions, name)
		options = append(options, expr.Function(name, f))
	}
	slices.Sort(g.functions)
	program, err := expr.Compile(text, options...)
	switch {
	case g.err != nil:
		return nil, g.err
	case err != nil:
		return nil, plain(err)
	}
	p.asks.today = p.asks.today || g.asks.today
	p.asks.now = p.asks.now || g.asks.now
	return &formula{program, g.columns}, nil
}

// plain is the first line of an error of the library, without the drawing below it.
func plain(err error) error {
	var f *file.Error
	if errors.As(err, &f) {
		return fmt.Errorf("%s (column %d of the expression)", f.Message, f.Column+1)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}

// guard refuses all that could make an expression long, and finds the columns that it needs. It sees the leaves first.
type guard struct {
	functions []string
	columns   []string
	asks      asks
	err       error
}

func (g *guard) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// Visit implements ast.Visitor.
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if !strings.HasPrefix(n.Value, mark) {
			n.Value = mark + n.Value
			g.columns = append(g.columns, strings.TrimPrefix(n.Value, mark))
		}
	case *ast.CallNode:
		g.call(node, n)
	case *ast.BinaryNode:
		if n.Operator == ".." {
			g.fail("ranges such as 1..10 are not allowed")
		}
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode, *ast.UnaryNode, *ast.ConditionalNode, *ast.ArrayNode:
	default:
		g.fail("%.60s is not allowed", (*node).String())
	}
}

// call knows functions, and columns whose names are no words: col("Prix TTC").
func (g *guard) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		g.fail("%.60s is no function", n.Callee.String())
		return
	}
	name := strings.TrimPrefix(callee.Value, mark)
	callee.Value = name
	if i := slices.Index(g.columns, name); i >= 0 { // the callee was taken for a column
		g.columns = slices.Delete(g.columns, i, i+1)
	}
	switch {
	case name == "col":
		if len(n.Arguments) == 1 {
			if s, ok := n.Arguments[0].(*ast.StringNode); ok {
				g.columns = append(g.columns, s.Value)
				ast.Patch(node, &ast.IdentifierNode{Value: mark + s.Value})
				return
			}
		}
		g.fail(`col takes the name of a column in quotes, such as col("Prix TTC")`)
	case !slices.Contains(g.functions, name):
		g.fail("there is no function %.40s; there are %s", name, strings.Join(g.functions, ", "))
	case name == "today" || name == "now" || name == "clock":
		if len(n.Arguments) > 0 {
			g.fail("%s takes nothing: write %s()", name, name)
		}
		g.asks.today = g.asks.today || name == "today"
		g.asks.now = g.asks.now || name != "today"
		ast.Patch(node, &ast.IdentifierNode{Value: moments + name})
	}
}

// env is what expressions see of one row after the other.
type env struct {
	w      *work
	values map[string]any
	vm     vm.VM
	places map[string]int // the source's columns that expressions name
}

func (w *work) env() *env {
	e := &env{w: w, values: map[string]any{moments + "now": w.now, moments + "today": midnight(w.now), moments + "clock": w.now.Format("15:04:05")}, places: map[string]int{}}
	learn := func(f *formula) {
		if f == nil {
			return
		}
		for _, name := range f.columns {
			e.places[name] = find(w.in.Columns, name)
		}
	}
	for _, c := range w.columns {
		learn(c.formula)
	}
	learn(w.filter)
	return e
}

// row shows the source's row.
func (e *env) row(n int, row []rows.Value) {
	for name, at := range e.places {
		var v any
		if at >= 0 && at < len(row) {
			v = e.plain(row[at])
		}
		e.values[mark+name] = v
	}
}

// set shows a column of the map, which hides the source's of the same name.
func (e *env) set(name string, v rows.Value) {
	if _, named := e.places[name]; named {
		e.values[mark+name] = e.plain(v)
	}
}

// plain is a value as an expression has it: numbers with the 15 digits of a float, dates as their midnight here.
func (e *env) plain(v rows.Value) any {
	switch v.Kind {
	case rows.Null:
		return nil
	case rows.Decimal:
		if f, err := strconv.ParseFloat(v.Text, 64); err == nil {
			return f
		}
	case rows.Bool:
		return v.Text == "true"
	case rows.Date, rows.DateTime:
		if t, err := instant(v, e.w.zone); err == nil {
			return t
		}
	}
	return v.Text
}

func (e *env) run(f *formula) (any, error) {
	v, err := e.vm.Run(f.program, e.values)
	if err != nil {
		return nil, plain(err)
	}
	return v, nil
}

// value is the value of a computed column. What is computed of nothing is nothing.
func (e *env) value(f *formula) (rows.Value, error) {
	null := rows.Value{Kind: rows.Null}
	out, err := e.run(f)
	if err != nil {
		if e.lacks(f) {
			return null, nil
		}
		return null, err
	}
	switch v := out.(type) {
	case nil:
		return null, nil
	case string:
		return rows.Of(rows.Text, v), nil
	case bool:
		return rows.Of(rows.Bool, strconv.FormatBool(v)), nil
	case int:
		return rows.Of(rows.Decimal, strconv.Itoa(v)), nil
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if v != v || v-v != 0 || len(s) > 100 {
			return null, errors.New("the number is endless")
		}
		if short := strconv.FormatFloat(v, 'g', 15, 64); !strings.ContainsAny(short, "e") {
			s = short
		}
		return rows.Of(rows.Decimal, s), nil
	case time.Duration:
		return rows.Of(rows.Decimal, strconv.FormatInt(int64(v/time.Minute), 10)), nil
	case time.Time:
		if v = v.In(e.w.zone); v.Equal(midnight(v)) {
			return rows.Of(rows.Date, v.Format("2006-01-02")), nil
		}
		return rows.Of(rows.DateTime, v.Format(time.RFC3339)), nil
	}
	return null, fmt.Errorf("it gives %.40v, which is no value of a cell", out)
}

// truth is what a filter says of the row. It says no where it asks for more than there is.
func (e *env) truth(f *formula) (bool, error) {
	out, err := e.run(f)
	if err != nil {
		if e.lacks(f) {
			return false, nil
		}
		return false, err
	}
	is, ok := out.(bool)
	if !ok && out != nil {
		return false, fmt.Errorf("it gives %.40v, which is neither true nor false", out)
	}
	return is, nil
}

// lacks says whether a column that a formula needs has no value in this row.
func (e *env) lacks(f *formula) bool {
	return slices.ContainsFunc(f.columns, func(name string) bool { return e.values[mark+name] == nil })
}

func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}
