package format_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"vitrine/agent/connect/format"
)

const many = 50_000

// manyXLSX is a workbook of 50,000 rows of ten columns.
func manyXLSX(t testing.TB) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	date := must(f.NewStyle(&excelize.Style{NumFmt: 14}))
	w := must(f.NewStreamWriter("Sheet1"))
	for i := range many + 1 {
		row := []any{i, fmt.Sprintf("Plat numéro %d", i), float64(i) / 4, excelize.Cell{StyleID: date, Value: 46000 + i%1000}, i%2 == 0, "a", "b", "c", i * 2, "à l'étage"}
		if i == 0 {
			row = []any{"id", "plat", "prix", "date", "dispo", "x", "y", "z", "double", "lieu"}
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
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

// manyCSV is the same as delimited text.
func manyCSV() []byte {
	var out bytes.Buffer
	out.WriteString("id;plat;prix;date;dispo;x;y;z;double;lieu\n")
	for i := 1; i <= many; i++ {
		fmt.Fprintf(&out, "%d;Plat numéro %d;%g;%d;%v;a;b;c;%d;à l'étage\n", i, i, float64(i)/4, 46000+i%1000, i%2 == 0, i*2)
	}
	return out.Bytes()
}

func TestFiftyThousandRows(t *testing.T) {
	for name, c := range map[string]struct {
		o format.Options
		b []byte
	}{"xlsx": {format.Options{Type: "xlsx"}, manyXLSX(t)}, "delimited": {format.Options{Type: "delimited"}, manyCSV()}} {
		table := parse(t, c.o, c.b, 100_000)
		if len(table.Rows) != many || len(table.Columns) != 10 || table.Truncated {
			t.Fatalf("%s: %d rows of %d columns", name, len(table.Rows), len(table.Columns))
		}
		for i, row := range table.Rows {
			n := i + 1
			if row[0].Text != fmt.Sprint(n) || row[1].Text != fmt.Sprintf("Plat numéro %d", n) || row[2].Text != fmt.Sprint(float64(n)/4) ||
				row[4].Text != fmt.Sprint(n%2 == 0) || row[8].Text != fmt.Sprint(2*n) || row[9].Text != "à l'étage" {
				t.Fatalf("%s: row %d is %+v", name, n, row)
			}
		}
		if table = parse(t, c.o, c.b, 2000); len(table.Rows) != 2000 || !table.Truncated {
			t.Errorf("%s: %d rows of 2000", name, len(table.Rows))
		}
	}
}

// TestFiguresOfFiftyThousandRows runs in make oracle: how long we take, beside what a person would use instead.
func TestFiguresOfFiftyThousandRows(t *testing.T) {
	if *corpus == "" {
		t.Skip("make oracle measures this")
	}
	dir := t.TempDir()
	x := filepath.Join(dir, "many.xlsx")
	b := manyXLSX(t)
	if err := os.WriteFile(x, b, 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"xlsx": b, "xls": convert(t, b, "Gnumeric_Excel:excel_biff8", "xls"), "ods": convert(t, b, "Gnumeric_OpenCalc:odf", "ods"), "delimited": manyCSV()}
	for name, b := range files {
		begun := time.Now()
		table, err := format.Parse(context.Background(), format.Options{Type: name}, b, 100_000)
		if err != nil || len(table.Rows) != many {
			t.Errorf("%s: %d rows, %v", name, len(table.Rows), err)
		}
		t.Logf("%s, %d KiB: %v", name, len(b)>>10, time.Since(begun).Round(time.Millisecond))
	}
	for _, args := range [][]string{{"xlsx2csv", x, filepath.Join(dir, "a.csv")}, {"ssconvert", x, filepath.Join(dir, "b.csv")}} {
		begun := time.Now()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		t.Logf("%s of the xlsx: %v", args[0], time.Since(begun).Round(time.Millisecond))
	}
}
