package format_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"vitrine/agent/connect/format"
	"vitrine/agent/connect/rows"
)

// read is what every fuzz function asks: no hang, no table that is not one.
func tried(t *testing.T, o format.Options, b []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	table, err := format.Parse(ctx, o, b, 1000)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("it takes too long")
	}
	if len(table.Rows) > 1000 || len(table.Columns) > rows.MaxColumns {
		t.Fatalf("%d rows of %d columns", len(table.Rows), len(table.Columns))
	}
	for i, row := range table.Rows {
		if len(row) != len(table.Columns) {
			t.Fatalf("row %d has %d cells of %d", i, len(row), len(table.Columns))
		}
	}
	seen := map[string]bool{}
	for _, c := range table.Columns {
		if seen[c] {
			t.Fatalf("two columns are called %q", c)
		}
		seen[c] = true
	}
}

// parts unpacks a document.
func parts(b []byte) map[string][]byte {
	out := map[string][]byte{}
	z := must(zip.NewReader(bytes.NewReader(b), int64(len(b))))
	for _, f := range z.File {
		out[f.Name] = must(io.ReadAll(must(f.Open())))
	}
	return out
}

// packed packs parts, the first named first.
func packed(all map[string][]byte, change map[string][]byte) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, b := range all {
		if c, ok := change[name]; ok {
			b = c
		}
		must(must(z.Create(name)).Write(b))
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// FuzzXLSX changes the parts within the zip.
func FuzzXLSX(f *testing.F) {
	all := parts(menu(f, false))
	f.Add(all["xl/worksheets/sheet1.xml"], all["xl/sharedStrings.xml"], all["xl/styles.xml"], all["xl/workbook.xml"])
	f.Add([]byte(`<worksheet><sheetData><row r="2"><c r="XFD1048576" t="inlineStr"><is><r><t>a</t></r><rPh><t>b</t></rPh></is></c><c t="d"><v>2026-11-30T10:00:00</v></c></row></sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>`),
		[]byte(`<sst><si><t>_x000D_</t></si></sst>`), []byte(`<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm:ss.000;@"/></numFmts><cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>`), all["xl/workbook.xml"])
	f.Fuzz(func(t *testing.T, sheet, strings, styles, workbook []byte) {
		b := packed(all, map[string][]byte{"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": strings, "xl/styles.xml": styles, "xl/workbook.xml": workbook})
		tried(t, format.Options{Type: "xlsx"}, b)
		tried(t, format.Options{Type: "xlsx", Cells: "shown", Locale: "fr", Range: "PlatsDuJour"}, b)
	})
}

// FuzzODS changes the content within the zip.
func FuzzODS(f *testing.F) {
	all := parts(convert(f, menu(f, false), "Gnumeric_OpenCalc:odf", "ods"))
	f.Add(all["content.xml"])
	f.Add([]byte(`<office:document-content><table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" table:number-rows-spanned="9" office:value-type="float" office:value="1"><text:p>1<text:s text:c="999"/></text:p></table:table-cell></table:table-row></table:table></office:document-content>`))
	f.Add([]byte(`<t:table t:name="a"><t:table-row><t:table-cell o:value-type="time" o:time-value="PT99H1M1.5S"/><t:table-cell o:value-type="date" o:date-value="2026-11-30T10:00:00.7"/></t:table-row></t:table><t:named-range t:name="n" t:cell-range-address="$a.$A$1:.$B$2"/>`))
	f.Fuzz(func(t *testing.T, content []byte) {
		b := packed(all, map[string][]byte{"content.xml": content})
		tried(t, format.Options{Type: "ods"}, b)
		tried(t, format.Options{Type: "ods", Range: "n", Cells: "shown"}, b)
	})
}

func FuzzXLS(f *testing.F) {
	x := menu(f, false)
	f.Add(convert(f, x, "Gnumeric_Excel:excel_biff8", "xls"))
	f.Add(convert(f, x, "Gnumeric_Excel:excel_biff7", "xls"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tried(t, format.Options{Type: "xls"}, b)
	})
}

// FuzzRecords is the stream of an .xls without the compound file around it, where random changes reach further.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x09\x08\x08\x00\x00\x06\x05\x00\x00\x00\x00\x00\x85\x00\x09\x00\x1d\x00\x00\x00\x00\x00\x01\x00a\x0a\x00\x00\x00\x09\x08\x08\x00\x00\x06\x10\x00\x00\x00\x00\x00\x04\x02\x0b\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00hi\x0a\x00\x00\x00"))
	f.Add([]byte("\x09\x08\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x03\x02\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x24\x40\x0a\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tried(t, format.Options{Type: "xls"}, append([]byte("\x09\x08\x08\x00"), b[min(len(b), 4):]...))
	})
}

func FuzzXML(f *testing.F) {
	f.Add(`<r><i a="1"><b>x</b><b>y</b></i><i/></r>`, "//i")
	f.Add(`<?xml version="1.0" encoding="utf-16"?><x:r xmlns:x="u"><![CDATA[a]]></x:r>`, "count(//*) + 1")
	f.Add(`<r/>`, "//*[//*[//*]]/../@*")
	f.Fuzz(func(t *testing.T, doc, path string) {
		tried(t, format.Options{Type: "xml", XPath: path}, []byte(doc))
	})
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(`<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><item><title>a</title><media:content url="u"/></item></channel></rss>`))
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">&lt;b&gt;</title><updated>2026-11-30T00:00:00Z</updated></entry></feed>`))
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) { tried(t, format.Options{Type: "feed"}, b) })
}

// FuzzJSON has a fixed set of queries: those are the author's, the document is not.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"a":1.50,"b":[1,{"c":null}]},[1,2],"x"]`))
	f.Add([]byte(`{"a":{"b":[1e400,-0,12345678901234567890123]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tried(t, format.Options{Type: "json"}, b)
		tried(t, format.Options{Type: "json", Path: "a.b"}, b)
		tried(t, format.Options{Type: "json", Query: ".. | select(type == \"object\") | to_entries[]"}, b)
	})
}

func FuzzDated(f *testing.F) {
	f.Add([]byte("2026-11-30 09:00-10:30 a\n30/11/26 9h à 10h ; b\n1er décembre 2026 – 3 déc. 2026 : c\n  d"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tried(t, format.Options{Type: "dated"}, b)
		tried(t, format.Options{Type: "dated", Separator: ";", Locale: "en-US"}, b)
	})
}

func FuzzDelimited(f *testing.F) {
	f.Add([]byte("a;b\n\"x\ny\";2\n"), ";", 0)
	f.Add([]byte("sep=|\na|b\n\"1"), "", 2)
	f.Add([]byte("\xff\xfea\x00,\x00b\x00"), "", 0)
	f.Fuzz(func(t *testing.T, b []byte, separator string, header int) {
		tried(t, format.Options{Type: "delimited", Separator: separator, HeaderRow: header}, b)
	})
}
