// Package pipeline answers: which of a source's rows are shown now, and how are they written?
//
//	rows as they were read ──map──types──computed columns──filter──sort──limit──> rows that zones see
//	                                       ▲ now
//
// It is a pure function of the rows, the configuration and the time: it runs again when its answer may be another one
// (at midnight where something asks for today, each minute where something asks for now), without anything being fetched.
// A cell that is not what it should be is left empty, a row that cannot be judged is left out, and both are told; columns
// that are no longer there at all are an error, so that the rows before stay.
package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/locale"
	"vitrine/agent/connect/rows"
)

// Home is where the rows are shown.
type Home struct {
	Zone   *time.Location // nil = UTC
	Locale string         // of sources that name none; "" = English
}

// Pipeline is a source's configuration, compiled. It may be used by several goroutines.
type Pipeline struct {
	spec    bundle.SourceSpec
	zone    *time.Location // of the player
	read    *time.Location // of times in the source that name no zone
	locale  locale.Locale
	columns []column
	filter  *formula
	keyed   bool // the source finds its columns in its data, so that one without a value is missing there
	asks    asks
}

// column is one of the rows that zones see.
type column struct {
	bundle.RowColumn
	locale  locale.Locale
	plain   locale.Locale // of sources that know numbers
	formula *formula
}

// Rows are what zones see.
type Rows struct {
	rows.Table
	Looks []Look    // of Columns, in their order
	Next  time.Time // when the rows may be others without a fetch; zero = never
}

// Look is how the values of a column are written.
type Look struct {
	Show   string
	typed  bool // the source's configuration says what the column is
	locale locale.Locale
	zone   *time.Location
}

// Fault is what is wrong with a configuration: where in it (a JSON pointer below the source), what, and what to do.
type Fault struct{ Pointer, Message, Fix string }

// New compiles a source's configuration.
func New(spec bundle.SourceSpec, home Home) (*Pipeline, error) {
	p, faults := compile(spec, home)
	if len(faults) > 0 {
		return nil, fmt.Errorf("its %s: %s; %s", strings.ReplaceAll(strings.TrimPrefix(faults[0].Pointer, "/"), "/", " "), faults[0].Message, faults[0].Fix)
	}
	return p, nil
}

// Check finds all that is wrong with a configuration.
func Check(spec bundle.SourceSpec) []Fault {
	_, faults := compile(spec, Home{})
	return faults
}

func compile(spec bundle.SourceSpec, home Home) (*Pipeline, []Fault) {
	var faults []Fault
	p := &Pipeline{spec: spec, zone: home.Zone, keyed: slices.Contains([]string{"json", "xml", "feed"}, spec.Type)}
	if p.zone == nil {
		p.zone = time.UTC
	}
	p.read = p.zone
	if spec.Zone != "" {
		zone, err := time.LoadLocation(spec.Zone)
		if err != nil {
			faults = append(faults, Fault{"/zone", fmt.Sprintf("%.60q is not a time zone", spec.Zone), "write an IANA name, such as Europe/Paris"})
		} else {
			p.read = zone
		}
	}
	find := func(pointer, tag string) locale.Locale {
		l, err := locale.New(tag)
		if err != nil {
			faults = append(faults, Fault{pointer, fmt.Sprintf("%.40q is no language", tag), "write one such as fr-FR or en-GB"})
		}
		return l
	}
	p.locale = find("/locale", cmp.Or(spec.Locale, home.Locale))
	plain := find("/locale", "")
	for i, c := range spec.Map {
		one := column{RowColumn: c, locale: p.locale, plain: plain}
		if c.Locale != "" {
			one.locale = find(fmt.Sprintf("/map/%d/locale", i), c.Locale)
		}
		if c.Expr != "" {
			f, err := p.formula(c.Expr)
			if err != nil {
				faults = append(faults, Fault{fmt.Sprintf("/map/%d/expr", i), err.Error(), remedy})
			}
			one.formula = f
		}
		p.columns = append(p.columns, one)
	}
	if spec.Filter != "" {
		f, err := p.formula(spec.Filter)
		if err != nil {
			faults = append(faults, Fault{"/filter", err.Error(), remedy})
		}
		p.filter = f
	}
	return p, faults
}

const remedy = `write an expression over columns, such as day == today() and price < 10, upper(title), col("Prix TTC") * 2`

// Run makes of the source's rows those that are shown at an instant. It does not change them.
func (p *Pipeline) Run(in rows.Table, now time.Time) (Rows, error) {
	out := Rows{Table: rows.Table{Truncated: in.Truncated, Dropped: slices.Clone(in.Dropped)}, Next: p.next(now)}
	if err := p.complete(&in, &out); err != nil {
		return Rows{}, err
	}
	w := &work{Pipeline: p, in: in, out: &out, now: now.In(p.zone)}
	if err := w.mapped(); err != nil {
		return Rows{}, err
	}
	w.filtered()
	if err := w.sorted(); err != nil {
		return Rows{}, err
	}
	if p.spec.Limit > 0 && len(out.Rows) > p.spec.Limit {
		out.Rows = out.Rows[:p.spec.Limit:p.spec.Limit]
	}
	return out, nil
}

// next is when the answer may change though the source does not.
func (p *Pipeline) next(now time.Time) time.Time {
	switch {
	case p.asks.now:
		return now.Truncate(time.Minute).Add(time.Minute)
	case p.asks.today:
		y, m, d := now.In(p.zone).Date()
		return time.Date(y, m, d+1, 0, 0, 0, 0, p.zone)
	}
	return time.Time{}
}

// MissingError is a source that no longer has the columns that its configuration names.
type MissingError struct{ Missing, Have []string }

// Error names what is missing and what is there.
func (e *MissingError) Error() string {
	have := e.Have
	if len(have) > 12 {
		have = append(slices.Clone(have[:12]), "…")
	}
	return fmt.Sprintf("the source has no column %s; it has %s: mend the source, or write what it has into the bundle", quoted(e.Missing), quoted(have))
}

func quoted(names []string) string {
	var all []string
	for _, n := range names {
		all = append(all, fmt.Sprintf("%.80q", n))
	}
	return strings.Join(all, ", ")
}

// complete refuses rows that lack a column that something names. Of a source that finds its columns in its data some may
// be missing: nothing had a value.
func (p *Pipeline) complete(in *rows.Table, out *Rows) error {
	if len(in.Columns) == 0 && len(in.Rows) == 0 {
		return nil // no rows, and nothing to know columns from
	}
	var missing []string
	wanted := p.wanted()
	for _, name := range wanted {
		if find(in.Columns, name) < 0 && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case !p.keyed || len(missing) == len(wanted) && len(in.Rows) > 0:
		return &MissingError{Missing: missing, Have: in.Columns}
	}
	for _, name := range missing {
		out.Drop(fmt.Sprintf("column %q", name), "no row of the source has it")
	}
	return nil
}

// wanted are the source's columns that the configuration names.
func (p *Pipeline) wanted() []string {
	var names, made []string
	use := func(f *formula) {
		if f == nil {
			return
		}
		for _, n := range f.columns {
			if !slices.Contains(made, n) && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	for _, c := range p.columns {
		if use(c.formula); c.formula == nil {
			names = append(names, cmp.Or(c.From, c.Name))
		}
		made = append(made, c.Name)
	}
	use(p.filter)
	if len(p.columns) == 0 {
		for _, k := range p.spec.Sort {
			names = append(names, k.By)
		}
	}
	return names
}

// find is the place of a column, exact or but for case and spaces; -1 = it is not there.
func find(columns []string, name string) int {
	if i := slices.Index(columns, name); i >= 0 {
		return i
	}
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return slices.IndexFunc(columns, func(c string) bool { return plain(c) == plain(name) })
}

// Text is how a value is written for people.
func (l Look) Text(v rows.Value) string {
	switch v.Kind {
	case rows.Decimal:
		if l.typed {
			return l.locale.Number(v.Text, l.Show)
		}
	case rows.Date, rows.DateTime, rows.Time:
		t, err := instant(v, l.zone)
		if err != nil {
			return v.Text
		}
		return l.locale.Format(t, cmp.Or(l.Show, map[rows.Kind]string{rows.Date: l.locale.DateLayout(), rows.Time: l.locale.ClockLayout(),
			rows.DateTime: l.locale.DateLayout() + " " + l.locale.ClockLayout()}[v.Kind]))
	}
	return v.Text
}

// instant is the time that a value stands for.
func instant(v rows.Value, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	switch v.Kind {
	case rows.Date:
		return time.ParseInLocation("2006-01-02", v.Text, zone)
	case rows.Time:
		return time.ParseInLocation("15:04:05", v.Text, time.UTC)
	}
	t, err := time.Parse(time.RFC3339Nano, v.Text)
	if err != nil {
		if t, err = time.ParseInLocation("2006-01-02T15:04:05", v.Text, zone); err != nil {
			t, err = time.ParseInLocation("2006-01-02T15:04", v.Text, zone)
		}
	}
	return t.In(zone), err
}
