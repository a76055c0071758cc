package format_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// differs is where other programs do not show what a file holds: LibreOffice makes pivot tables and random numbers anew;
// a sheet of more columns than a screen takes is refused.
var differs = map[string]string{
	"loadExample.xlsx":     "pivot tables, random numbers",
	"loadPivotTables.xlsx": "pivot tables",
	"wide.xlsx":            "16,384 columns",
}

// TestEveryCellIsWhatLibreOfficeSees runs in make oracle.
func TestEveryCellIsWhatLibreOfficeSees(t *testing.T) {
	if *corpus == "" {
		t.Skip("make oracle gives the folder of workbooks, and installs LibreOffice")
	}
	groups := map[string][]string{} // by extension: LibreOffice names what it writes without it
	err := filepath.WalkDir(*corpus, func(path string, d os.DirEntry, err error) error {
		if ext := strings.ToLower(filepath.Ext(path)); err == nil && d.Type().IsRegular() && (ext == ".xls" || ext == ".xlsx" || ext == ".ods") {
			groups[filepath.Dir(path)+ext] = append(groups[filepath.Dir(path)+ext], path)
		}
		return err
	})
	if err != nil || len(groups) == 0 {
		t.Fatalf("no workbooks are in %s: %v", *corpus, err)
	}
	for _, date1904 := range []bool{false, true} {
		dir := t.TempDir()
		for _, as := range [][2]string{{"Gnumeric_Excel:xlsx2", "xlsx"}, {"Gnumeric_Excel:excel_biff8", "xls"}, {"Gnumeric_OpenCalc:odf", "ods"}} {
			path := filepath.Join(dir, "random."+as[1])
			if err := os.WriteFile(path, convert(t, random(t, 1500, date1904), as[0], "out"), 0o600); err != nil {
				t.Fatal(err)
			}
			groups[path] = []string{path}
		}
	}
	files, cells, byGnumeric := 0, 0, 0
	for _, paths := range groups {
		theirs := libreOffice(t, paths)
		for _, path := range paths {
			if why := differs[filepath.Base(path)]; why != "" {
				t.Logf("%s left out: %s", filepath.Base(path), why)
				continue
			}
			files++
			// LibreOffice drops the line breaks and tabs that Gnumeric writes into OpenDocument; so spaces do not count with it.
			cells += against(t, path, theirs[path], false)
			byGnumeric += against(t, path, gnumeric(t, path), true)
		}
	}
	t.Logf("%d cells of %d workbooks are as LibreOffice reads them, %d as Gnumeric does", cells, files, byGnumeric)
}
