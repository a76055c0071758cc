package format_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"vitrine/agent/connect/format"
	"vitrine/agent/connect/rows"
)

// must gives what cannot fail in a test's own workbook.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// menu is a workbook with what people's workbooks have. The sheets: Menu (formats, merged cells, formulas, empty rows),
// Été, Secret (hidden).
func menu(t testing.TB, date1904 bool) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	check(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &date1904}))
	check(f.SetSheetName("Sheet1", "Menu"))
	put := func(cell string, v any, format string) {
		check(f.SetCellValue("Menu", cell, v))
		if format != "" {
			style := must(f.NewStyle(&excelize.Style{CustomNumFmt: &format}))
			check(f.SetCellStyle("Menu", cell, cell, style))
		}
	}
	for i, h := range []string{"Jour", "Plat", "Prix", "Remise", "Date", "Heure", "Dispo", "Total", "Note", "Tel"} {
		put(must(excelize.CoordinatesToCellName(i+1, 1)), h, "")
	}
	day := 46356.0 // 2026-11-30 since 1900
	if date1904 {
		day -= 1462
	}
	for i, dish := range []string{"Bœuf bourguignon", "Crème brûlée ", "Œufs \"mimosa\"; salade", "Soupe\nà l'oignon"} {
		r := i + 2
		if i >= 2 {
			r++ // an empty row
		}
		at := func(col string) string { return col + string(rune('0'+r)) }
		put(at("B"), dish, "")
		put(at("C"), []float64{12.5, 4.005, 1234.5, 0.1}[i], []string{`#,##0.00\ "€"`, `#,##0.00\ "€"`, `#,##0.00\ [$€-40C]`, "0.00"}[i])
		put(at("D"), []float64{0.125, 0.5, 0, 1}[i], []string{"0.0%", "0%", "0%", "0%"}[i])
		put(at("E"), day+float64(i), []string{"dd/mm/yyyy", "yyyy-mm-dd", "[$-40C]dddd d mmmm yyyy", "d/m/yy h:mm"}[i])
		put(at("F"), []float64{0.5, 0.520833333333333, 0.999988425925926, 1.25}[i], []string{"hh:mm", "h:mm:ss", "h:mm AM/PM", "[h]:mm"}[i])
		put(at("G"), i%2 == 0, "")
		put(at("I"), []any{1, -7.25, 1e15, 0.000012345}[i], []string{"", "General", "0", "0.00E+00"}[i])
		put(at("J"), []any{"0102030405", 102030405, 42, "abc"}[i], []string{"", `0#" "##" "##" "##" "##`, "# ?/?", "@"}[i])
		check(f.SetCellFormula("Menu", at("H"), "C"+string(rune('0'+r))+"*2"))
		must(f.CalcCellValue("Menu", at("H")))
	}
	put("A2", "Lundi", "")
	check(f.MergeCell("Menu", "A2", "A3"))
	put("A5", "Mardi", "")
	check(f.MergeCell("Menu", "A5", "A6"))
	put("A8", "Fermé le mercredi", "")
	check(f.MergeCell("Menu", "A8", "D8"))
	must(f.NewSheet("Été"))
	check(f.SetSheetRow("Été", "C4", &[]any{"x", "y"}))
	check(f.SetSheetRow("Été", "C5", &[]any{1, 2}))
	must(f.NewSheet("Secret"))
	check(f.SetCellValue("Secret", "A1", "secret"))
	check(f.SetSheetVisible("Secret", false))
	check(f.SetDefinedName(&excelize.DefinedName{Name: "PlatsDuJour", RefersTo: "Menu!$B$1:$C$3"}))
	var out bytes.Buffer
	check(f.Write(&out))
	return out.Bytes()
}

// converted remembers what Gnumeric has written: it takes half a second to start.
var converted sync.Map

// convert has Gnumeric write a workbook in another format: excel_biff8, excel_biff7, odf.
func convert(t testing.TB, b []byte, exporter, ext string) []byte {
	t.Helper()
	key := exporter + string(b)
	if out, ok := converted.Load(key); ok {
		return out.([]byte)
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.xlsx"), filepath.Join(dir, "out."+ext)
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ssconvert(t, "--export-type="+exporter, in, out)
	made := must(os.ReadFile(out))
	converted.Store(key, made)
	return made
}

func ssconvert(t testing.TB, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssconvert", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssconvert %q: %v\n%s", args, err, out)
	}
}

// written writes a table with the kind of each value: d decimal, b bool, D date, T time, I date and time, - nothing.
func written(table rows.Table) string {
	marks := map[rows.Kind]string{rows.Decimal: "d:", rows.Bool: "b:", rows.Date: "D:", rows.Time: "T:", rows.DateTime: "I:", rows.URL: "u:", rows.Null: "-"}
	lines := []string{strings.Join(table.Columns, "|")}
	for _, row := range table.Rows {
		var cells []string
		for _, v := range row {
			cells = append(cells, marks[v.Kind]+v.Text)
		}
		lines = append(lines, strings.ReplaceAll(strings.Join(cells, "|"), "\n", "⏎"))
	}
	return strings.Join(lines, "\n")
}

const menuTyped = `Jour|Plat|Prix|Remise|Date|Heure|Dispo|Total|Note|Tel
Lundi|Bœuf bourguignon|12,50 €|12,5%|D:2026-11-30|T:12:00:00|b:true|d:25|d:1|0102030405
Lundi|Crème brûlée|4,01 €|50%|D:2026-12-01|T:12:30:00|b:false|d:8.01|d:-7.25|01 02 03 04 05
Mardi|Œufs "mimosa"; salade|1 234,50 €|0%|D:2026-12-02|T:23:59:59|b:true|d:2469|d:1000000000000000|42
Mardi|Soupe⏎à l'oignon|d:0.1|100%|I:2026-12-03T00:00:00|30:00|b:false|d:0.2|d:0.000012345|abc
Fermé le mercredi|-|-|-|-|-|-|-|-|-`

const menuValues = `Jour|Plat|Prix|Remise|Date|Heure|Dispo|Total|Note|Tel
Lundi|Bœuf bourguignon|d:12.5|d:0.125|D:2026-11-30|T:12:00:00|b:true|d:25|d:1|0102030405
Lundi|Crème brûlée|d:4.005|d:0.5|D:2026-12-01|T:12:30:00|b:false|d:8.01|d:-7.25|d:102030405
Mardi|Œufs "mimosa"; salade|d:1234.5|d:0|D:2026-12-02|T:23:59:59|b:true|d:2469|d:1000000000000000|d:42
Mardi|Soupe⏎à l'oignon|d:0.1|d:1|I:2026-12-03T00:00:00|d:1.25|b:false|d:0.2|d:0.000012345|abc
Fermé le mercredi|-|-|-|-|-|-|-|-|-`

const menuShown = `Jour|Plat|Prix|Remise|Date|Heure|Dispo|Total|Note|Tel
Lundi|Bœuf bourguignon|12,50 €|12,5%|30/11/2026|12:00|VRAI|25|1|0102030405
Lundi|Crème brûlée|4,01 €|50%|2026-12-01|12:30:00|FAUX|8,01|-7,25|01 02 03 04 05
Mardi|Œufs "mimosa"; salade|1 234,50 €|0%|mercredi 2 décembre 2026|11:59 PM|VRAI|2469|1000000000000000|42
Mardi|Soupe⏎à l'oignon|0,10|100%|3/12/26 0:00|30:00|FAUX|0,2|1,23E-05|abc
Fermé le mercredi|-|-|-|-|-|-|-|-|-`

func parse(t testing.TB, o format.Options, b []byte, most int) rows.Table {
	t.Helper()
	table, err := format.Parse(t.Context(), o, b, most)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// asGnumeric is what an OpenDocument file of Gnumeric holds instead: how cells are shown in English, and no formats of its own.
var asGnumeric = strings.NewReplacer("12,50 €", "12.50 €", "12,5%", "12.5%", "4,01 €", "4.01 €", "1\u202f234,50 €", "1,234.50 €", "I:2026-12-03T00:00:00",
	"D:2026-12-03", "d:1.25", "30:00", "mercredi 2 décembre 2026", "Wednesday 2 December 2026", "-7,25", "\u22127.25", "8,01", "8.01", "0,10", "0.10",
	"1,23E-05", "1.23E\u221205", "|0,2|", "|0.2|", "d:1000000000000000|42", "d:1000000000000000|d:42")

func TestAWorkbookIsTheSameInEveryFormatAndEpoch(t *testing.T) {
	for _, date1904 := range []bool{false, true} {
		x := menu(t, date1904)
		for name, b := range map[string][]byte{"xlsx": convert(t, x, "Gnumeric_Excel:xlsx2", "xlsx"), "xls of 97": convert(t, x, "Gnumeric_Excel:excel_biff8", "xls"),
			"xls of 95": convert(t, x, "Gnumeric_Excel:excel_biff7", "xls"), "ods": convert(t, x, "Gnumeric_OpenCalc:odf", "ods")} {
			for cells, want := range map[string]string{"": menuTyped, "values": menuValues, "shown": menuShown} {
				t.Run(name+" "+cells, func(t *testing.T) {
					if name == "ods" {
						want = asGnumeric.Replace(want)
					}
					table := parse(t, format.Options{Type: "sheet", Locale: "fr-FR", Cells: cells}, b, 100)
					if got := written(table); got != want {
						t.Errorf("1904: %v; the table is\n%s\nnot\n%s", date1904, got, want)
					}
				})
			}
		}
	}
}
