package grid_test

import (
	"testing"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/rows"
)

// one is the value of a single cell.
func one(t *testing.T, cfg grid.Config, c grid.Cell) rows.Value {
	t.Helper()
	cfg.Most = 1
	g := grid.New(cfg)
	if err := g.Put(0, 0, c); err != nil {
		t.Fatal(err)
	}
	table, err := g.Table()
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) == 0 {
		return rows.Value{Kind: rows.Null}
	}
	return table.Rows[0][0]
}

// What is shown is what Excel's documentation says of each format, or what Excel and LibreOffice agree on.
func TestNumbersAreShownAsTheirFormatSays(t *testing.T) {
	for _, c := range []struct {
		format string
		n      float64
		locale string
		want   string
	}{
		{"", 0.1 + 0.2, "", "0.3"},
		{"General", -1234.5, "fr", "-1234,5"},
		{"0.00", 0.125, "", "0.13"},
		{"0.00", 4.005, "", "4.01"},
		{"0", 0.5, "", "1"},
		{"0", -0.4, "", "0"},
		{"#,##0", 1234567, "", "1,234,567"},
		{"#,##0.0", 1234567.89, "fr-FR", "1\u202f234\u202f567,9"},
		{"#,##0.0", 1234567.89, "de", "1.234.567,9"},
		{"0.0#", 1.5, "", "1.5"},
		{"0.0#", 1.567, "", "1.57"},
		{"#.##", 0.5, "", ".5"},
		{"0,", 12345, "", "12"},
		{"0.0,,", 12345678, "", "12.3"},
		{"0%", 0.125, "", "13%"},
		{"0.0 %", 0.125, "fr", "12,5 %"},
		{`#,##0.00\ "€";[Red]\-#,##0.00\ "€"`, -1234.5, "fr", "-1\u202f234,50 €"},
		{`#,##0.00\ [$€-40C]`, 1.5, "fr", "1,50 €"},
		{`"$"#,##0.00_);\("$"#,##0.00\)`, -3, "", "($3.00)"},
		{`0;-0;"nil";@`, 0, "", "nil"},
		{`[<1000]0;[>=1000]0.0,"k"`, 1500, "", "1.5k"},
		{`[<1000]0;[>=1000]0.0,"k"`, 150, "", "150"},
		{"0.00E+00", 12345, "", "1.23E+04"},
		{"##0.0E+0", 12345, "", "12.3E+3"},
		{"0.00E+00", 0.000012345, "", "1.23E-05"},
		{"# ?/?", 1.25, "", "1 1/4"},
		{"# ??/??", 3.14, "", "3 7/50"},
		{"?/8", 0.25, "", "2/8"},
		{"00000", 1234, "", "01234"},
		{`0#" "##" "##" "##" "##`, 102030405, "", "01 02 03 04 05"},
		{`00-00`, 1234, "", "12-34"},
		{"dd/mm/yyyy", 46356, "", "30/11/2026"},
		{"d mmmm yyyy", 46235, "fr", "1 août 2026"},
		{"[$-40C]dddd d mmmm", 46356, "fr", "lundi 30 novembre"},
		{"ddd dd mmm yy", 46356, "", "Mon 30 Nov 26"},
		{"h:mm AM/PM", 0.75, "", "6:00 PM"},
		{"h:mm:ss.00", 0.123456789, "", "2:57:46.67"},
		{"[h]:mm", 1.5, "", "36:00"},
		{"[mm]:ss", 0.0423611111111111, "", "61:00"},
		{"mm:ss", 0.0423611111111111, "", "01:00"},
		{"m/d/yyyy h:mm", 46356.9999999, "", "12/1/2026 0:00"},
		{"yyyy-mm-dd", -1, "", "-1"},
	} {
		v := one(t, grid.Config{Cells: "shown", Locale: c.locale}, grid.Cell{Kind: grid.Number, Number: c.n, Format: c.format})
		if v.Kind != rows.Text || v.Text != c.want {
			t.Errorf("%v as %s in %q: %q, not %q", c.n, c.format, c.locale, v.Text, c.want)
		}
	}
}

func TestDaysOfBothEpochs(t *testing.T) {
	for _, c := range []struct {
		n        float64
		date1904 bool
		want     rows.Value
	}{
		{1, false, rows.Of(rows.Date, "1900-01-01")},
		{59, false, rows.Of(rows.Date, "1900-02-28")},
		{60, false, rows.Of(rows.Text, "1900-02-29")}, // which there was not
		{61, false, rows.Of(rows.Date, "1900-03-01")},
		{46356, false, rows.Of(rows.Date, "2026-11-30")},
		{2958465, false, rows.Of(rows.Date, "9999-12-31")},
		{2958466, false, rows.Of(rows.Decimal, "2958466")},
		{0, true, rows.Of(rows.Date, "1904-01-01")},
		{44894, true, rows.Of(rows.Date, "2026-11-30")},
	} {
		if v := one(t, grid.Config{Date1904: c.date1904}, grid.Cell{Kind: grid.Number, Number: c.n, Format: "yyyy-mm-dd"}); v != c.want {
			t.Errorf("%v, 1904 %v: %+v, not %+v", c.n, c.date1904, v, c.want)
		}
	}
}

func TestNumbersKeepFifteenDigits(t *testing.T) {
	for n, want := range map[float64]string{0.1 + 0.2: "0.3", 1e15: "1000000000000000", 1e21: "1000000000000000000000", -1.5e-7: "-0.00000015", 123456789.123456789: "123456789.123457", 0: "0"} {
		if v := one(t, grid.Config{}, grid.Cell{Kind: grid.Number, Number: n}); v != rows.Of(rows.Decimal, want) {
			t.Errorf("%v: %+v, not %s", n, v, want)
		}
	}
}

func TestAreas(t *testing.T) {
	for s, want := range map[string]grid.Ref{
		"A1:D20":              {"", grid.Area{Top: 0, Left: 0, Bottom: 19, Right: 3}},
		"d20:a1":              {"", grid.Area{Top: 0, Left: 0, Bottom: 19, Right: 3}},
		"$B$2":                {"", grid.Area{Top: 1, Left: 1, Bottom: 1, Right: 1}},
		"B:D":                 {"", grid.Area{Top: 0, Left: 1, Bottom: grid.MaxRow, Right: 3}},
		"2:9":                 {"", grid.Area{Top: 1, Left: 0, Bottom: 8, Right: grid.MaxCol}},
		"Menu!A1:B2":          {"Menu", grid.Area{Top: 0, Left: 0, Bottom: 1, Right: 1}},
		"'L''été 1'!$A$1:B$2": {"L'été 1", grid.Area{Top: 0, Left: 0, Bottom: 1, Right: 1}},
		"$Menu.$A$1:.$B$2":    {"Menu", grid.Area{Top: 0, Left: 0, Bottom: 1, Right: 1}},
		"$Menu.$A$1:$Menu.B2": {"Menu", grid.Area{Top: 0, Left: 0, Bottom: 1, Right: 1}},
	} {
		if got, ok := grid.ParseRef(s); !ok || got != want {
			t.Errorf("%s: %+v, %v; want %+v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "Plats", "A", "1", "A1:", "A1:B", "ZZZ1", "A0", "A9999999", "A1,B2", "#REF!", "Sheet!#REF!"} {
		if got, ok := grid.ParseRef(s); ok {
			t.Errorf("%q is read as %+v", s, got)
		}
	}
	if grid.Name(16, 54) != "BC17" {
		t.Error(grid.Name(16, 54))
	}
	if r, c, ok := grid.ParseCell("BC17"); r != 16 || c != 54 || !ok {
		t.Error(r, c, ok)
	}
}

func TestNamesAreDifferent(t *testing.T) {
	got := grid.Names([]string{"a", "a", "", "c2", "c3", " a "})
	want := []string{"a", "c2_", "c3_", "c2", "c3", "c6"}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%q, not %q", got, want)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{`#,##0.00\ "€";[Red]-0;"x"@;@`, "[h]:mm:ss.000 AM/PM", "# ??/16", "0.0E+00%", `[<1]"a"0_-* #,,.#`, "00 00 00.0"} {
		f.Add(s, 1234.5, "fr")
	}
	f.Fuzz(func(t *testing.T, format string, n float64, locale string) {
		for _, cells := range []string{"", "values", "shown"} {
			one(t, grid.Config{Cells: cells, Locale: locale}, grid.Cell{Kind: grid.Number, Number: n, Format: format})
		}
	})
}
