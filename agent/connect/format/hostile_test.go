package format_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/format"
)

// A hostile file is read in a process of its own, whose memory is measured: TestMain does that there.
const (
	hostileFile = "VITRINE_TEST_HOSTILE_FILE"
	hostileType = "VITRINE_TEST_HOSTILE_TYPE"
	mostMemory  = 700 << 20 // bytes resident, the file among them
)

func TestMain(m *testing.M) {
	if path := os.Getenv(hostileFile); path != "" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		kind, query, _ := strings.Cut(os.Getenv(hostileType), " by ")
		table, err := format.Parse(ctx, format.Options{Type: kind, Query: query}, must(os.ReadFile(path)), 2000)
		fmt.Printf("%d rows, %v\n%s", len(table.Rows), err, must(os.ReadFile("/proc/self/status")))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// repeated reads s times times.
func repeated(s string, times int) io.Reader {
	return io.LimitReader(&repeat{s: strings.Repeat(s, max(1, (1<<16)/len(s)))}, int64(len(s))*int64(times))
}

type repeat struct {
	s  string
	at int
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.s[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.s)
	}
	return n, nil
}

// bomb packs a document in which one part is what the readers say.
func bomb(t *testing.T, all map[string][]byte, part string, content ...io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for name, b := range all {
		w := must(z.Create(name))
		if name != part {
			must(w.Write(b))
			continue
		}
		must(io.CopyBuffer(struct{ io.Writer }{w}, io.MultiReader(content...), make([]byte, 1<<20)))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stream is the records of an .xls.
func stream(records ...[]byte) []byte { return bytes.Join(records, nil) }

func rec(kind uint16, body []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, kind), uint16(len(body))), body...)
}

func TestHostileFilesCostLittle(t *testing.T) {
	x := parts(menu(t, false))
	o := parts(convert(t, menu(t, false), "Gnumeric_OpenCalc:odf", "ods"))
	const sheet1, shared = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	open, text := strings.NewReader, func(s string, n int) []byte { return []byte(strings.Repeat(s, n)) }
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><r><i>&c;</i></r>`
	bof := rec(0x0809, []byte{0, 6, 5, 0, 0, 0, 0, 0})
	for _, c := range []struct {
		name, kind string
		b          []byte
		says       string // of the error; "" = there are rows
	}{
		{"a zip bomb in one cell", "xlsx", bomb(t, x, sheet1, open("<worksheet><sheetData><row><c><v>"), repeated("1", 64<<20)), "more than 1024 KiB"},
		{"a zip bomb of rows", "xlsx", bomb(t, x, sheet1, open("<worksheet><sheetData>"), repeated("<row/>", 2<<20)), "beyond the last row"},
		{"a zip bomb of cells", "xlsx", bomb(t, x, sheet1, open("<worksheet><sheetData>"), repeated(`<row><c><v>1</v></c><c><v>1</v></c></row>`, 2<<20)), ""},
		{"a zip bomb of texts", "xlsx", bomb(t, x, shared, open("<sst>"), repeated("<si><t/></si>", 5<<20)), "more than 4000000 texts"},
		{"a zip bomb of long texts", "xlsx", bomb(t, x, shared, open("<sst>"), repeated("<si><t>"+strings.Repeat("x", 30_000)+"</t></si>", 5000)), "MiB of them"},
		{"one text in every cell", "xlsx", bomb(t, map[string][]byte{sheet1: nil, "xl/workbook.xml": x["xl/workbook.xml"], "_rels/.rels": x["_rels/.rels"], "[Content_Types].xml": nil,
			"xl/_rels/workbook.xml.rels": x["xl/_rels/workbook.xml.rels"], shared: []byte("<sst><si><t>" + strings.Repeat("x", 60_000) + "</t></si></sst>")},
			sheet1, open("<worksheet><sheetData>"), repeated("<row>"+strings.Repeat(`<c t="s"><v>0</v></c>`, 400)+"</row>", 1000)), "MiB of text"},
		{"a zip bomb of white space", "xlsx", bomb(t, x, sheet1, open("<worksheet>"), repeated(" <!-- -->", 32<<20)), "longer than 256 MiB"},
		{"merged cells upon merged cells", "xlsx", bomb(t, x, sheet1, open("<worksheet><sheetData>"), repeated("<row><c><v>1</v></c></row>", 2000), open("</sheetData><mergeCells>"),
			repeated(`<mergeCell ref="A1:A1048576"/>`, 99_999), open("</mergeCells></worksheet>")), "without end"},
		{"a sheet of nested elements", "xlsx", bomb(t, x, sheet1, repeated("<a>", 100_000)), "nested more than 256 deep"},
		{"entities in a workbook", "xlsx", bomb(t, x, "xl/workbook.xml", open(laughs)), "DOCTYPE"},
		{"a zip of many parts", "xlsx", func() []byte {
			many := map[string][]byte{}
			for i := range 30_000 {
				many[fmt.Sprint(i)] = nil
			}
			return packed(many, nil)
		}(), "damaged zip"},
		{"rows and cells a million times", "ods", bomb(t, o, "content.xml", open(`<o:c xmlns:table="t"><table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/></table:table-row></table:table></o:c>`)), "more than"},
		{"spaces a million times", "ods", bomb(t, o, "content.xml", open(`<o:c xmlns:table="t"><table:table table:name="a"><table:table-row table:number-rows-repeated="1048576">`), repeated(`<table:table-cell office:value-type="string"><text:p> </text:p></table:table-cell>`, 10_000), open(`</table:table-row></table:table></o:c>`)), "more than"},
		{"a cell of spaces", "ods", bomb(t, o, "content.xml", open(`<o:c><table:table table:name="a"><table:table-row><table:table-cell><text:p>`), repeated(`<text:s text:c="1000"/>`, 1_000_000)), "more than 1024 KiB"},
		{"a document of nested elements", "ods", bomb(t, o, "content.xml", open(`<o:c><table:table table:name="a">`), repeated("<a>", 100_000)), "nested more than 256 deep"},
		{"records that promise a lot", "xls", stream(bof, rec(0x00fc, append([]byte{0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f}, 0xff, 0xff, 0x0d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), rec(0x0a, nil)), "no sheet"},
		{"continued records without end", "xls", stream(bof, rec(0x00fc, make([]byte, 8)), bytes.Repeat(rec(0x3c, make([]byte, 8000)), 2000)), "more than 4000000 texts"},
		{"entities in XML", "xml", []byte(laughs), "DOCTYPE"},
		{"entities in a feed", "feed", []byte(laughs), "DOCTYPE"},
		{"nested XML", "xml", text("<a>", 100_000), "nested more than 512 deep"},
		{"nested XML behind a comment that hides it", "xml", append([]byte("<!-- </x> -->"), text("<a><![CDATA[</a></a>]]>", 100_000)...), "nested more than 512 deep"},
		{"a nested feed", "feed", append([]byte(`<rss version="2.0"><channel><item>`), text("<x:a>", 100_000)...), "nested more than 512 deep"},
		{"nested JSON", "json", text("[", 100_000), "nested more than 512 deep"},
		{"JSON of nothing but values", "json", append([]byte("["), append(text("0,", 8_000_000), "0]"...)...), "more than 2000000 values"},
		{"XML of nothing but elements", "xml", append([]byte("<a>"), append(text("<b/>", 2_000_000), "</a>"...)...), "more than 1000000 elements"},
		{"XML of nothing but attributes", "xml", append([]byte("<a "), append(text(`a="" `, 3_000_000), "/>"...)...), "more than 1000000 elements"},
		{"as much XML as is allowed", "xml", append([]byte("<a>"), append(text("<b/>", 950_000), "</a>"...)...), ""},
		{"as much JSON as is allowed", "json", append([]byte("["), append(text("0,", 1_900_000), "0]"...)...), ""},
		{"a jq query that gathers texts", `json by [range(1e9) | "x" * 10000 + tostring]`, []byte("{}"), "more than 256 MiB of memory"},
		{"a jq query whose results are long", `json by repeat("x" * 1000000)`, []byte("{}"), "more than 256 MiB of memory"},
		{"a jq query of much garbage", `json by [range(400) | "x" * 1000000 | utf8bytelength] | length`, []byte("{}"), ""},
		{"nested RTF", "rtf", append([]byte(`{\rtf1`), text("{", 1_000_000)...), "nested more than"},
		{"a long CSV", "delimited", append([]byte("a;b\n"), text("1;2\n", 16<<20)...), ""},
		{"a CSV whose quote is never closed", "delimited", append([]byte("a;b\n\""), text("1;2\n", 8<<20)...), ""},
		{"a CSV of one line", "delimited", text("a;", 8<<20), "columns"},
		{"a CSV in UTF-16", "delimited", append([]byte("\xff\xfe"), text("1\x00;\x002\x00\n\x00", 4<<20)...), ""},
		{"dated lines without end", "dated", text("30/11/2026 x\n", 1<<20), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hostile")
			if err := os.WriteFile(path, c.b, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), must(os.Executable()))
			cmd.Env = append(os.Environ(), hostileFile+"="+path, hostileType+"="+c.kind)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("the process ends with %v: %.2000s", err, out)
			}
			said, status, _ := strings.Cut(string(out), "\n")
			if c.says == "" && (!strings.HasSuffix(said, "<nil>") || strings.HasPrefix(said, "0 rows")) || !strings.Contains(said, c.says) {
				t.Errorf("it says %q, not %q", said, c.says)
			}
			used := int64(0)
			if _, after, ok := strings.Cut(status, "VmHWM:"); ok {
				must(fmt.Sscan(after, &used))
			}
			if used <<= 10; used == 0 {
				t.Fatal("this kernel does not tell the most memory that a process had")
			}
			if limit := int64(mostMemory * memoryFactor); used > limit {
				t.Errorf("it took %d MiB of memory, %d are allowed", used>>20, limit>>20)
			}
			t.Logf("%d MiB of memory, a file of %d KiB", used>>20, len(c.b)>>10)
		})
	}
}

func TestWhatGoesOnWithoutEndEndsWithItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		o format.Options
		b string
	}{
		"a jq query":              {format.Options{Type: "json", Query: "last(range(1e15))"}, "{}"},
		"a jq query that recurs":  {format.Options{Type: "json", Query: "def f: f; f"}, "{}"},
		"an XPath of all for all": {format.Options{Type: "xml", XPath: "//*[count(//*[count(//*) > 1]) > 1]"}, "<a>" + strings.Repeat("<b/>", 30_000) + "</a>"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := format.Parse(ctx, c.o, []byte(c.b), 10)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v; want that its time is over", name, err)
		}
	}
}
