package format_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vitrine/agent/connect/format/rtf"
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

// pages become RTF by LibreOffice; documents are RTF as other programs write it.
var (
	pages = map[string]string{
		"accents": "<h1>Menu — œuvre €</h1><p>Premier <b>paragraphe</b>, à l’été.<br>Ligne « deux »</p><ul><li>un</li><li>deux</li></ul>",
		"scripts": "<p>Привет мир</p><p>漢字 かな 😀</p><p>Ελληνικά Ďábel łódź ığüşöç</p><p>עברית العربية</p>",
		"table":   "<p>avant</p><table border=1><tr><th>Jour</th><th>Plat</th></tr><tr><td>Lundi</td><td>Bœuf<br>carottes</td></tr><tr><td>Mardi</td><td>12,50&nbsp;€</td></tr></table><p>après</p>",
	}
	documents = map[string]string{
		"pages":   `{\rtf1\ansi\ansicpg1250\deff0{\fonttbl{\f0\fcharset238 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset161 Arial;}}\f0\'b3\'f3d\'9f \f1\'cf\'f0\'e8\'e2\'e5\'f2\f2 \'c5\'eb\'eb\par}`,
		"unicode": `{\rtf1\ansi\uc1 caf\u233? {\uc0 \u8364} \u-10179?\u-8704? \emdash\ldblquote x\rdblquote\par}`,
		"hidden":  `{\rtf1\ansi{\info{\title secret}}{\header secret}a b{\*\unknown secret}\par{\field{\*\fldinst HYPERLINK "http://secret"}{\fldrslt lien}}\par}`,
		"rows":    `{\rtf1\ansi\trowd\cellx3000\cellx6000\pard\intbl a\'e9\cell b\cell\row\trowd\cellx3000\cellx6000\pard\intbl c\par d\cell e\cell\row\pard f\par}`,
	}
)

// TestEveryWordIsWhatLibreOfficeSees runs in make oracle.
func TestEveryWordIsWhatLibreOfficeSees(t *testing.T) {
	if *corpus == "" {
		t.Skip("make oracle installs LibreOffice")
	}
	dir := t.TempDir()
	soffice := func(args ...string) {
		t.Helper()
		args = append([]string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless"}, args...)
		if out, err := exec.CommandContext(t.Context(), "soffice", args...).CombinedOutput(); err != nil {
			t.Fatalf("soffice: %v\n%s", err, out)
		}
	}
	var html, rtfs []string
	for name, body := range pages {
		path := filepath.Join(dir, "page-"+name+".html")
		must(0, os.WriteFile(path, []byte("<html><head><meta charset=utf-8></head><body>"+body+"</body></html>"), 0o600))
		html, rtfs = append(html, path), append(rtfs, filepath.Join(dir, "page-"+name+".rtf"))
	}
	for name, body := range documents {
		path := filepath.Join(dir, name+".rtf")
		must(0, os.WriteFile(path, []byte(body), 0o600))
		rtfs = append(rtfs, path)
	}
	soffice(append([]string{"--infilter=HTML (StarWriter)", "--convert-to", "rtf:Rich Text Format", "--outdir", dir}, html...)...)
	soffice(append([]string{"--convert-to", "txt:Text (encoded):UTF8", "--outdir", dir}, rtfs...)...)
	words := 0
	for _, path := range rtfs {
		doc, err := rtf.Read(t.Context(), must(os.ReadFile(path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		text := strings.Join(doc.Paragraphs, " ")
		for _, table := range doc.Tables {
			for _, row := range table {
				text += " " + strings.Join(row, " ")
			}
		}
		ours, theirs := strings.Fields(text), strings.Fields(strings.NewReplacer("\ufeff", "", "•", "").Replace(string(must(os.ReadFile(strings.TrimSuffix(path, ".rtf")+".txt")))))
		slices.Sort(ours)
		slices.Sort(theirs)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: the words are\n%q, LibreOffice's\n%q", filepath.Base(path), ours, theirs)
		}
		words += len(ours)
	}
	t.Logf("%d words of %d documents are as LibreOffice reads them", words, len(rtfs))
}
