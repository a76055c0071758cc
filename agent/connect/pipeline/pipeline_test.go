package pipeline_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/pipeline"
	"vitrine/agent/connect/rows"
)

// table is rows of text; a cell "~" is nothing.
func table(columns string, lines ...string) rows.Table {
	t := rows.Table{Columns: strings.Split(columns, ",")}
	for _, l := range lines {
		var row []rows.Value
		for _, c := range strings.Split(l, "|") {
			if c == "~" {
				row = append(row, rows.Value{Kind: rows.Null})
				continue
			}
			row = append(row, rows.Of(rows.Text, c))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shown is the rows as people read them.
func shown(r pipeline.Rows) string {
	var lines []string
	for _, row := range r.Rows {
		var cells []string
		for i, v := range row {
			cells = append(cells, r.Looks[i].Text(v))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(strings.Join(lines, "; "))
}

func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func week() rows.Table {
	return table("Jour,Prix TTC,plat", "19/11/2026|3,20 €|soupe", "20/11/2026|12,50 €|bœuf", "20/11/2026|4,00 €|gratin", "20/11/2026|~|pain", "21/11/2026|1 234,50 €|caviar")
}

func canteen() bundle.SourceSpec {
	return bundle.SourceSpec{Type: "delimited", Locale: "fr-FR", Map: []bundle.RowColumn{{Name: "day", From: "Jour", Type: "date", Format: "02/01/2006"},
		{Name: "price", From: "Prix TTC", Type: "decimal", Show: "0.00 €"}, {Name: "title", Expr: "upper(plat)"}}}
}

func TestRowsBecomeWhatZonesSee(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, paris(t))
	for _, c := range []struct {
		name string
		in   rows.Table
		spec func(*bundle.SourceSpec)
		want string
	}{
		{"columns are mapped and typed", week(), func(s *bundle.SourceSpec) { s.Limit = 2 }, "19/11/2026|3,20 €|SOUPE; 20/11/2026|12,50 €|BŒUF"},
		{"today's rows, cheapest first, what has no price last", week(), func(s *bundle.SourceSpec) {
			s.Filter, s.Sort = "day == today()", []bundle.SortKey{{By: "price"}}
		}, "20/11/2026|4,00 €|GRATIN; 20/11/2026|12,50 €|BŒUF; 20/11/2026||PAIN"},
		{"dearest first, what has no price still last", week(), func(s *bundle.SourceSpec) { s.Sort = []bundle.SortKey{{By: "price", Descending: true}}; s.Limit = 2 },
			"21/11/2026|1 234,50 €|CAVIAR; 20/11/2026|12,50 €|BŒUF"},
		{"a filter compares nothing with nothing", week(), func(s *bundle.SourceSpec) { s.Filter = "price < 4.5" }, "19/11/2026|3,20 €|SOUPE; 20/11/2026|4,00 €|GRATIN"},
		{"a column whose name is no word", week(), func(s *bundle.SourceSpec) {
			s.Map = []bundle.RowColumn{{Name: "a", Expr: `number(col("Prix TTC")) * 2`, Show: "0.00"}}
			s.Limit = 1
		}, "6,40"},
		{"a column is named like a function", table("date,day", "a|b"), func(s *bundle.SourceSpec) {
			s.Map, s.Filter = []bundle.RowColumn{{Name: "x", Expr: "upper(date) + day"}}, `date == "a"`
		}, "Ab"},
		{"the next days", week(), func(s *bundle.SourceSpec) { s.Filter = "day > today() and day <= today() + days(1)" }, "21/11/2026|1 234,50 €|CAVIAR"},
		{"dates are shown as is asked", week(), func(s *bundle.SourceSpec) {
			s.Map = []bundle.RowColumn{{Name: "d", From: "Jour", Type: "date", Format: "02/01/2006", Show: "Monday 2 January"}, {Name: "m", Expr: `format(d, "Jan") + " " + text(weekday(d))`}}
			s.Limit = 1
		}, "jeudi 19 novembre|nov. 4"},
		{"without a map the source's own columns stay", week(), func(s *bundle.SourceSpec) {
			s.Map, s.Sort, s.Limit = nil, []bundle.SortKey{{By: "plat"}}, 2
		}, "20/11/2026|12,50 €|bœuf; 21/11/2026|1 234,50 €|caviar"},
		{"one of several", week(), func(s *bundle.SourceSpec) { s.Filter = `plat in ["soupe", "pain"]` }, "19/11/2026|3,20 €|SOUPE; 20/11/2026||PAIN"},
		{"a choice", week(), func(s *bundle.SourceSpec) {
			s.Map = []bundle.RowColumn{{Name: "x", Expr: `plat startsWith "s" ? "S" : first(col("Prix TTC"), "gratuit")`}}
		}, "S; 12,50 €; 4,00 €; gratuit; 1 234,50 €"},
		{"header names are found though their case and spaces differ", table(" JOUR ,prix  ttc,plat", "19/11/2026|1|x"), nil, "19/11/2026|1,00 €|X"},
		{"no rows are no fault", rows.Table{}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := canteen()
			if c.spec != nil {
				c.spec(&spec)
			}
			p, err := pipeline.New(spec, pipeline.Home{Zone: paris(t), Locale: "fr"})
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Run(c.in, now)
			if got := shown(r); err != nil || got != c.want {
				t.Errorf("they are\n\t%s\nnot\n\t%s\n%v", got, c.want, err)
			}
		})
	}
}

func TestNumbersAreOrderedExactly(t *testing.T) {
	p, err := pipeline.New(bundle.SourceSpec{Sort: []bundle.SortKey{{By: "n"}, {By: "t", Descending: true}}}, pipeline.Home{})
	if err != nil {
		t.Fatal(err)
	}
	var in rows.Table
	in.Columns = []string{"n", "t"}
	for i, n := range []string{"12345678901234567890.2", "9", "12345678901234567890.1", "-1", "10", "10.0"} {
		in.Rows = append(in.Rows, []rows.Value{rows.Of(rows.Decimal, n), rows.Of(rows.Text, string(rune('a'+i)))})
	}
	in.Rows = append(in.Rows, []rows.Value{{Kind: rows.Null}, rows.Of(rows.Text, "z")}, []rows.Value{rows.Of(rows.Text, "word"), rows.Of(rows.Text, "y")})
	r, err := p.Run(in, time.Now())
	if got := shown(r); err != nil || got != "-1|d; 9|b; 10.0|f; 10|e; 12345678901234567890.1|c; 12345678901234567890.2|a; word|y; |z" {
		t.Errorf("%s: %v", got, err)
	}
}

func TestValuesAreOfTheirType(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		column bundle.RowColumn
		in     rows.Value
		want   string // kind and text; "!" and a part of why it was dropped
	}{
		{bundle.RowColumn{Type: "decimal"}, rows.Of(rows.Text, "1 234,5"), "decimal 1234.5"},
		{bundle.RowColumn{Type: "decimal"}, rows.Of(rows.Decimal, "1234.567"), "decimal 1234.567"},
		{bundle.RowColumn{Type: "decimal", Locale: "en"}, rows.Of(rows.Text, "1,234"), "decimal 1234"},
		{bundle.RowColumn{Type: "decimal"}, rows.Of(rows.Text, "gratuit"), `!"gratuit" is not a number`},
		{bundle.RowColumn{Type: "decimal"}, rows.Of(rows.Text, "  "), "null "},
		{bundle.RowColumn{Type: "text"}, rows.Of(rows.Decimal, "7.10"), "text 7.10"},
		{bundle.RowColumn{Type: "bool"}, rows.Of(rows.Text, "Oui"), "bool true"},
		{bundle.RowColumn{Type: "bool"}, rows.Of(rows.Text, "peut-être"), "!neither yes nor no"},
		{bundle.RowColumn{Type: "date", Format: "2 January 2006"}, rows.Of(rows.Text, "3 févr. 2027"), "date 2027-02-03"},
		{bundle.RowColumn{Type: "date"}, rows.Of(rows.DateTime, "2027-02-03T23:30:00Z"), "date 2027-02-04"},
		{bundle.RowColumn{Type: "date"}, rows.Of(rows.Text, "3/2/27"), "date 2027-02-03"},
		{bundle.RowColumn{Type: "date"}, rows.Of(rows.Text, "31/02/2027"), "!not a date"},
		{bundle.RowColumn{Type: "time"}, rows.Of(rows.Text, "18h30"), "time 18:30:00"},
		{bundle.RowColumn{Type: "datetime"}, rows.Of(rows.Text, "2027-02-03 18:30"), "datetime 2027-02-03T19:30:00+01:00"},
		{bundle.RowColumn{Type: "datetime"}, rows.Of(rows.DateTime, "2027-07-03T18:30:00"), "datetime 2027-07-03T19:30:00+02:00"},
		{bundle.RowColumn{Type: "datetime"}, rows.Of(rows.Text, "2027-02-03T18:30:00-05:00"), "datetime 2027-02-04T00:30:00+01:00"},
		{bundle.RowColumn{Type: "url"}, rows.Of(rows.Text, "https://example.com/a"), "url https://example.com/a"},
		{bundle.RowColumn{Type: "url"}, rows.Of(rows.Text, "javascript:alert(1)"), "!not an address"},
		{bundle.RowColumn{}, rows.Of(rows.Decimal, "7.10"), "decimal 7.10"},
	} {
		c.column.Name = "x"
		p, err := pipeline.New(bundle.SourceSpec{Locale: "fr-FR", Zone: london.String(), Map: []bundle.RowColumn{c.column}}, pipeline.Home{Zone: paris(t)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Run(rows.Table{Columns: []string{"x"}, Rows: [][]rows.Value{{c.in}}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		got := string(r.Rows[0][0].Kind) + " " + r.Rows[0][0].Text
		if why, bad := strings.CutPrefix(c.want, "!"); bad {
			if len(r.Dropped) != 1 || !strings.Contains(r.Dropped[0].Why, why) || r.Dropped[0].Place != "row 1, column x" || got != "null " {
				t.Errorf("%q became %q, dropped %+v; want %s", c.in.Text, got, r.Dropped, why)
			}
		} else if got != c.want || len(r.Dropped) > 0 {
			t.Errorf("%q became %q, not %q: %+v", c.in.Text, got, c.want, r.Dropped)
		}
	}
}

func TestTodayChangesAtMidnightWhereThePlayerIs(t *testing.T) {
	spec := canteen()
	spec.Filter = "day == today()"
	p, err := pipeline.New(spec, pipeline.Home{Zone: paris(t)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 19, 22, 59, 59, 0, time.UTC) // a second before midnight in Paris
	before, err := p.Run(week(), now)
	if err != nil || shown(before) != "19/11/2026|3,20 €|SOUPE" {
		t.Fatalf("%s: %v", shown(before), err)
	}
	if before.Next.UTC() != now.Add(time.Second) {
		t.Errorf("it runs again at %s", before.Next)
	}
	after, err := p.Run(week(), before.Next)
	if err != nil || !strings.HasPrefix(shown(after), "20/11/2026|12,50 €|BŒUF") {
		t.Errorf("%s: %v", shown(after), err)
	}
}

func TestItRunsAgainOnlyWhenItsAnswerMayBeAnother(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 30, 0, paris(t))
	for filter, want := range map[string]time.Time{"": {}, `plat == "x"`: {}, "day > today()": time.Date(2026, 11, 21, 0, 0, 0, 0, paris(t)),
		"day > now()": now.Add(30 * time.Second), `clock() < "14:00"`: now.Add(30 * time.Second)} {
		spec := canteen()
		spec.Filter = filter
		p, err := pipeline.New(spec, pipeline.Home{Zone: paris(t)})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Run(week(), now); err != nil || !r.Next.Equal(want) {
			t.Errorf("%q: at %s, not %s: %v", filter, r.Next, want, err)
		}
	}
}

func TestASourceThatHasChangedIsAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  string
		in   rows.Table
		says string // "" = it is not one
	}{
		{"a column is gone", "delimited", table("Jour,plat", "20/11/2026|soupe"), `no column "Prix TTC"; it has "Jour", "plat"`},
		{"a column of an expression is gone", "xlsx", table("Jour,Prix TTC", "20/11/2026|1"), `no column "plat"`},
		{"a table without rows has lost its column", "delimited", table("Jour,plat"), `no column "Prix TTC"`},
		{"a format is another one", "delimited", table("Jour,Prix TTC,plat", "2026.11.20|1|a", "2026.11.21|2|b"), `column "day": none of its 2 values`},
		{"JSON leaves out what has no value", "json", table("Jour,plat", "20/11/2026|soupe"), ""},
		{"JSON of something else", "json", table("error", "x"), `no column "Jour", "Prix TTC", "plat"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := canteen()
			spec.Type = c.typ
			p, err := pipeline.New(spec, pipeline.Home{Zone: paris(t)})
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Run(c.in, time.Now())
			switch {
			case c.says == "" && (err != nil || len(r.Rows) != 1 || len(r.Dropped) != 1):
				t.Errorf("%s, %+v: %v", shown(r), r.Dropped, err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("it says %v, not %s", err, c.says)
			}
		})
	}
}

func TestExpressionsCannotRunAway(t *testing.T) {
	for expression, says := range map[string]string{
		"map(1..1000000, # * 2)":        "not allowed",
		"1..10":                         "ranges",
		"reduce([1,2], #acc + #, 0)":    "",
		"let x = plat; x":               "",
		"plat[0:2]":                     "not allowed",
		`{"a": 1}`:                      "not allowed",
		"plat.x":                        "not allowed",
		`repeat("a", 1000000000)`:       "no function repeat",
		"sistem(plat)":                  "no function sistem",
		"plat +":                        "column 6",
		`col(plat)`:                     "in quotes",
		"now(1)":                        "takes nothing",
		strings.Repeat("1+", 600) + "1": "",
	} {
		faults := pipeline.Check(bundle.SourceSpec{Filter: expression})
		if len(faults) != 1 || faults[0].Pointer != "/filter" || !strings.Contains(faults[0].Message, says) || strings.Contains(faults[0].Message, "\n") {
			t.Errorf("%.60q: %+v; want %q", expression, faults, says)
		}
	}
	long := table("a", strings.Repeat("x", rows.MaxCell))
	for expression, longest := range map[string]int{`replace(a, "x", "yyyyyyyyyy")`: 0, strings.Repeat("a+", 200) + "a": rows.MaxCell} {
		p, err := pipeline.New(bundle.SourceSpec{Map: []bundle.RowColumn{{Name: "b", Expr: expression}}}, pipeline.Home{})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Run(long, time.Now()); err != nil || len(r.Rows[0][0].Text) != longest {
			t.Errorf("%.20s: %v", expression, err)
		}
	}
}

func TestTheRowsThatWereReadAreNotChanged(t *testing.T) {
	spec := canteen()
	spec.Map, spec.Filter, spec.Sort = nil, `plat != "soupe"`, []bundle.SortKey{{By: "plat", Descending: true}}
	p, err := pipeline.New(spec, pipeline.Home{})
	if err != nil {
		t.Fatal(err)
	}
	in := week()
	before := fmt.Sprint(in)
	if _, err := p.Run(in, time.Now()); err != nil || fmt.Sprint(in) != before {
		t.Errorf("they are %v: %v", in, err)
	}
	var missing *pipeline.MissingError
	if _, err := p.Run(table("a", "b"), time.Now()); !errors.As(err, &missing) || missing.Missing[0] != "plat" {
		t.Errorf("%v", err)
	}
}

// FuzzExpressions: whatever an author writes, it is refused or ends.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"day == today() and price < 10", "upper(plat)", `col("Prix TTC") * 2`, `format(now(), "15:04")`, "round(1/0, 2)", `plat matches "a+"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pipeline.New(bundle.SourceSpec{Type: "json", Map: []bundle.RowColumn{{Name: "x", Expr: text}}, Filter: text}, pipeline.Home{})
		if err != nil {
			return
		}
		p.Run(week(), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	})
}
