package format_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"vitrine/agent/connect/format"
	"vitrine/agent/connect/rows"
)

// make oracle gives a folder of workbooks that Debian's packages ship, and has LibreOffice's opinion asked too.
var corpus = flag.String("corpus", "", "folder with workbooks of others, to be read as Gnumeric and LibreOffice read them")

// random is a workbook of n rows, the same at every run: numbers, texts, dates, times, truths, formulas, gaps.
func random(t testing.TB, n int, date1904 bool) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &date1904}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	style := func(code string) int { return must(f.NewStyle(&excelize.Style{CustomNumFmt: &code})) }
	styles := []int{style("dd/mm/yyyy"), style("h:mm:ss"), style("yyyy-mm-dd hh:mm"), style("0.00%"), style(`#,##0.00\ "€"`), style("[h]:mm:ss"), style("00000")}
	texts := []string{"é", "œuf à l'€", "a;b,c\t\"d\"", "ligne 1\nligne 2", "007", "1,5", "=1+1", "漢字", "😀 emoji", " x", strings.Repeat("long ", 500), "TRUE", "2026-11-30", "<&>"}
	w := must(f.NewStreamWriter("Sheet1"))
	for i := range n {
		if i%17 == 16 {
			continue // an empty row
		}
		styled := func(s int, v any) excelize.Cell { return excelize.Cell{StyleID: styles[s], Value: v} }
		row := []any{i, r.NormFloat64() * 1000, r.Float64() * math.Pow10(r.IntN(20)-8), texts[r.IntN(len(texts))] + strings.Repeat("x", r.IntN(3)),
			styled(0, 61+r.IntN(60000)), styled(1, float64(r.IntN(86400))/86400), styled(2, float64(61+r.IntN(50000))+float64(r.IntN(1440))/1440),
			styled(3, float64(r.IntN(10000))/10000), styled(4, float64(r.IntN(1000000))/100), styled(5, float64(r.IntN(200000))/86400), styled(6, r.IntN(99999)),
			r.IntN(2) == 0, excelize.Cell{Formula: fmt.Sprintf(`A%d*2`, i+1)}, excelize.Cell{Formula: fmt.Sprintf(`"n"&A%d`, i+1)},
			excelize.Cell{Formula: fmt.Sprintf(`A%d>5`, i+1)}, excelize.Cell{Formula: `1/0`}}
		for j := range row {
			if r.IntN(9) == 0 {
				row[j] = nil
			}
		}
		if err := w.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEveryCellIsWhatGnumericSees(t *testing.T) {
	files := map[string][]byte{}
	for _, date1904 := range []bool{false, true} {
		for name, x := range map[string][]byte{"menu": menu(t, date1904), "random": random(t, 300, date1904)} {
			for _, as := range [][2]string{{"Gnumeric_Excel:xlsx2", "xlsx"}, {"Gnumeric_Excel:excel_biff8", "97.xls"}, {"Gnumeric_Excel:excel_biff7", "95.xls"}, {"Gnumeric_OpenCalc:odf", "ods"}} {
				files[fmt.Sprintf("%s-%v.%s", name, date1904, as[1])] = convert(t, x, as[0], "out")
			}
		}
	}
	cells := 0
	for name, b := range files {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		cells += against(t, path, gnumeric(t, path), true)
	}
	t.Logf("%d cells of %d generated workbooks are as Gnumeric reads them", cells, len(files))
}

// ours reads a sheet, its values as they are.
func ours(t *testing.T, path, sheet string) (rows.Table, error) {
	t.Helper()
	no := false
	return format.Parse(t.Context(), format.Options{Type: "sheet", Sheet: sheet, Header: &no, Cells: "values"}, must(os.ReadFile(path)), 100_000)
}

// against holds a workbook against what another program reads in it, and counts the cells. spaces: they matter.
func against(t *testing.T, path string, theirs map[string][][]string, spaces bool) (cells int) {
	t.Helper()
	for sheet, want := range theirs {
		table, err := ours(t, path, sheet)
		if err != nil {
			t.Errorf("%s, %s: %v", filepath.Base(path), sheet, err)
			continue
		}
		want = trimmed(want)
		if len(want) != len(table.Rows) {
			t.Errorf("%s, %s: %d rows, the other program reads %d", filepath.Base(path), sheet, len(table.Rows), len(want))
			continue
		}
		wrong := 0
		for i, row := range table.Rows {
			for j := range max(len(row), len(want[i])) {
				v, w := rows.Value{Kind: rows.Null}, ""
				if j < len(row) {
					v = row[j]
				}
				if j < len(want[i]) {
					w = want[i][j]
				}
				cells++
				merged := w == "" && i > 0 && j < len(row) && v == table.Rows[i-1][j]
				if !alike(v, w) && !merged && (spaces || solid(v.Text) != solid(w)) {
					if wrong++; wrong <= 5 {
						t.Errorf("%s, %s, row %d, column %d: %+v, the other program reads %q", filepath.Base(path), sheet, i+1, j+1, v, w)
					}
				}
			}
		}
		if wrong > 5 {
			t.Errorf("%s, %s: %d more", filepath.Base(path), sheet, wrong-5)
		}
	}
	return cells
}

// trimmed takes out empty rows, and empty columns at both edges, as we do.
func trimmed(all [][]string) [][]string {
	all = slices.DeleteFunc(all, func(row []string) bool { return strings.TrimSpace(strings.Join(row, "")) == "" })
	left := math.MaxInt
	for _, row := range all {
		left = min(left, slices.IndexFunc(row, func(c string) bool { return strings.TrimSpace(c) != "" }))
	}
	for i, row := range all {
		for row = row[left:]; strings.TrimSpace(row[len(row)-1]) == ""; {
			row = row[:len(row)-1]
		}
		all[i] = row
	}
	return all
}

var american = regexp.MustCompile(`^(?:(\d\d)/(\d\d)/(\d{4})|(\d{4})-(\d\d)-(\d\d))?(?:^| |$)(?:(\d\d:\d\d:\d\d)(?: (AM|PM))?)?$`)

// alike says whether a value is what another program wrote: numbers to 15 digits, dates as serial numbers or American.
func alike(v rows.Value, w string) bool {
	if squeeze(v.Text) == squeeze(w) {
		return true
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(w, "%"), 64)
	if strings.HasSuffix(w, "%") {
		n /= 100
	}
	switch v.Kind {
	case rows.Decimal:
		have, bad := strconv.ParseFloat(v.Text, 64)
		if lasts, ok := lasting(w); ok {
			return bad == nil && math.Abs(have-lasts) < 0.6/86400
		}
		if at, no := time.Parse("01/02/2006 15:04:05", w); no == nil { // as some LibreOffice write [h]:mm:ss of many days
			return bad == nil && math.Abs(have-at.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours()/24) < 0.6/86400
		}
		return err == nil && bad == nil && math.Abs(have-n) <= max(1e-13*math.Abs(n), 1e-19)
	case rows.Bool:
		return strings.EqualFold(v.Text, w) || v.Text == "true" && w == "1" || v.Text == "false" && w == "0"
	case rows.Date, rows.DateTime, rows.Time:
		if whole := math.Floor(n + 0.3/86400); err == nil && v.Kind == rows.Time { // a cell that shows the time alone may hold a day too
			n = math.Max(0, n-whole)
		} else if err == nil && v.Kind == rows.Date {
			n = whole
		}
		if err == nil {
			return slices.ContainsFunc(serials(v), func(s float64) bool { return math.Abs(s-n) < 0.6/86400 })
		}
		return day(v.Text, w)
	case rows.Text: // a duration that an OpenDocument file holds
		have, ok := lasting(v.Text)
		if want, too := lasting(w); ok && too {
			n, err = want, nil
		}
		return ok && err == nil && math.Abs(have-n) < 60.6/86400 // Gnumeric shows [h]:mm
	}
	return false
}

var hours = regexp.MustCompile(`^(\d+):(\d\d)(?::(\d\d))?(?: ([AP])M)?$`)

// lasting is a duration in days.
func lasting(s string) (float64, bool) {
	m := hours.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	number := func(s string) float64 { n, _ := strconv.ParseFloat("0"+s, 64); return n }
	h := number(m[1])
	if m[4] != "" {
		h = math.Mod(h, 12)
	}
	if m[4] == "P" {
		h += 12
	}
	return (h*3600 + number(m[2])*60 + number(m[3])) / 86400, true
}

// day compares with a date that was written out.
func day(text, w string) bool {
	m := american.FindStringSubmatch(w)
	if m == nil {
		return false
	}
	date, clock := m[4]+"-"+m[5]+"-"+m[6], m[7]
	if m[1] != "" {
		date = m[3] + "-" + m[1] + "-" + m[2]
	}
	if m[8] == "PM" && !strings.HasPrefix(clock, "12") || m[8] == "AM" && strings.HasPrefix(clock, "12") {
		at, _ := time.Parse(time.TimeOnly, clock)
		clock = at.Add(12 * time.Hour).Format(time.TimeOnly)
	}
	text, _, _ = strings.Cut(text, ".")
	if clock == "" {
		clock = "00:00:00"
	}
	if text == date || text == clock || text == date+"T"+clock {
		return true
	}
	a, err := time.Parse("2006-01-02T15:04:05", text) // LibreOffice cuts seconds that are not whole
	b, bad := time.Parse("2006-01-02T15:04:05", date+"T"+clock)
	return err == nil && bad == nil && a.Sub(b).Abs() <= time.Second
}

// serials are the serial numbers that a date may have, since 1900 and since 1904.
func serials(v rows.Value) []float64 {
	layout := map[rows.Kind]string{rows.Date: time.DateOnly, rows.DateTime: "2006-01-02T15:04:05.999", rows.Time: "15:04:05.999"}[v.Kind]
	at, err := time.Parse(layout, v.Text)
	if err != nil {
		return nil
	}
	if v.Kind == rows.Time {
		return []float64{at.Sub(at.Truncate(24*time.Hour)).Hours() / 24}
	}
	since := func(y, m, d int) float64 {
		return at.Sub(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)).Hours() / 24
	}
	return []float64{since(1899, 12, 30), since(1904, 1, 1), since(1899, 12, 31)}
}

func solid(s string) string { return strings.Join(strings.Fields(s), "") }

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

var failed = []string{"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}

// read reads what a program wrote; errors in cells are empty, as with us.
func read(t *testing.T, path string) [][]string {
	t.Helper()
	in := csv.NewReader(bytes.NewReader(must(os.ReadFile(path))))
	in.FieldsPerRecord, in.LazyQuotes = -1, true
	all, err := in.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, row := range all {
		for j, c := range row {
			if slices.Contains(failed, c) || strings.HasPrefix(c, "Err:5") {
				row[j] = ""
			}
		}
	}
	return all
}

// gnumeric is what Gnumeric reads in each sheet: its numbers to all their digits, its dates as serial numbers.
func gnumeric(t *testing.T, path string) map[string][][]string {
	t.Helper()
	dir := t.TempDir()
	ssconvert(t, "-S", "-T", "Gnumeric_stf:stf_assistant", "-O", "separator=, format=raw", path, filepath.Join(dir, "%s.csv"))
	out := map[string][][]string{}
	for _, f := range must(os.ReadDir(dir)) {
		out[strings.TrimSuffix(f.Name(), ".csv")] = read(t, filepath.Join(dir, f.Name()))
	}
	return out
}

// libreOffice is what LibreOffice reads in each sheet of many workbooks, by file and sheet.
func libreOffice(t *testing.T, paths []string) map[string]map[string][][]string {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to",
		"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1", "--outdir", filepath.Join(dir, "out")}, paths...)
	if out, err := exec.CommandContext(t.Context(), "soffice", args...).CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, out)
	}
	found := map[string]map[string][][]string{}
	for _, path := range paths {
		base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		found[path] = map[string][][]string{}
		for _, f := range must(filepath.Glob(filepath.Join(dir, "out", base+"-*.csv"))) {
			found[path][strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), base+"-"), ".csv")] = read(t, f)
		}
	}
	return found
}
