package format_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"vitrine/agent/connect/format"
)

func TestFormats(t *testing.T) {
	no := false
	cases := []struct {
		name string
		o    format.Options
		body string
		want string
	}{
		{"lines of text, empty ones left out", format.Options{Type: "text"}, "un\r\n\n  deux \n", "text\nun\ndeux"},
		{"text with a byte order mark", format.Options{Type: "text"}, "\ufeffété", "text\nété"},
		{"text in UTF-16", format.Options{Type: "text"}, "\xff\xfeo\x00u\x00i\x00", "text\noui"},
		{"text in UTF-16 without a mark", format.Options{Type: "text"}, "o\x00u\x00i\x00", "text\noui"},
		{"text that is not UTF-8 is taken as declared", format.Options{Type: "text", Charset: "iso-8859-15"}, "5 \xa4", "text\n5 €"},
		{"text that is not UTF-8 and not declared is taken as Windows'", format.Options{Type: "text"}, "5 \x80", "text\n5 €"},

		{"a table with a header", format.Options{Type: "delimited"}, "a,b\n1,2\n3\n4,5,6\n", "a|b\n1|2\n3|\n4|5"},
		{"a table whose cells hold line breaks, quotes and separators", format.Options{Type: "delimited"}, "a;b\n\"x\ny;\"\"z\"\"\";2\n", "a|b\nx⏎y;\"z\"|2"},
		{"a table without a header", format.Options{Type: "delimited", Header: &no}, "1,2\n3,4", "c1|c2\n1|2\n3|4"},
		{"a header with doubles and gaps", format.Options{Type: "delimited"}, "a,a,,c2\n1,2,3,4", "a|c2_|c3|c2\n1|2|3|4"},
		{"a separator that is not named", format.Options{Type: "delimited"}, "nom;prix\nthé, vert;1,50\ncafé, noir;2,00", "nom|prix\nthé, vert|1,50\ncafé, noir|2,00"},
		{"tabs", format.Options{Type: "delimited"}, "a\tb,c\n1\t2", "a|b,c\n1|2"},
		{"a separator that the file names as Excel wants it", format.Options{Type: "delimited"}, "sep=|\r\na|b;c\r\n1|2", "a|b;c\n1|2"},
		{"one column", format.Options{Type: "delimited"}, "a\nx\ny", "a\nx\ny"},
		{"a header in the third row", format.Options{Type: "delimited", HeaderRow: 3}, "Menu\nde la semaine;;\njour;plat\nlundi;soupe", "jour|plat\nlundi|soupe"},

		{"dated lines in both languages", format.Options{Type: "dated"}, "# salle A\n2026-11-30 09:00-10:30 Board meeting\n30/11/2026 14h-15h30 ; Visite du site\nlundi 30 novembre 2026 : Saint-André\n1er décembre 2026 à 9h : Conseil\n\n24/12/2026 - 01/01/2027\tFermé\n30.11.2026 23:30–0:15 Nuit\n2026-11-30T08:00:05 | a\n2026-12-01 18h au 2026-12-02 8h Astreinte\n3 Dec 2026 9:30 pm - 11 pm ends\n",
			"start|end|text\nI:2026-11-30T09:00:00|I:2026-11-30T10:30:00|Board meeting\nI:2026-11-30T14:00:00|I:2026-11-30T15:30:00|Visite du site\nD:2026-11-30|-|Saint-André\n" +
				"I:2026-12-01T09:00:00|-|Conseil\nD:2026-12-24|D:2027-01-01|Fermé\nI:2026-11-30T23:30:00|I:2026-12-01T00:15:00|Nuit\nI:2026-11-30T08:00:05|-|a\n" +
				"I:2026-12-01T18:00:00|I:2026-12-02T08:00:00|Astreinte\nI:2026-12-03T21:30:00|-|11 pm ends"},
		{"dated lines whose text begins with a number", format.Options{Type: "dated"}, "30/11/2026 12 personnes\n30/11/2026 8:30 - 9 rooms\n30/11/26: 3 × 4", "start|end|text\nD:2026-11-30|-|12 personnes\nI:2026-11-30T08:30:00|-|9 rooms\nD:2026-11-30|-|3 × 4"},
		{"dated lines that go on", format.Options{Type: "dated"}, "2026-11-30 a\n  b\n  c\n", "start|end|text\nD:2026-11-30|-|a⏎b⏎c"},
		{"American dates", format.Options{Type: "dated", Locale: "en-US"}, "11/30/2026 x", "start|end|text\nD:2026-11-30|-|x"},
		{"dated lines with a separator of their own", format.Options{Type: "dated", Separator: "=>"}, "2026-11-30 9:00 => a => b", "start|end|text\nI:2026-11-30T09:00:00|-|a => b"},

		{"JSON objects", format.Options{Type: "json", Path: "data.rows"}, `{"data":{"rows":[{"a":1,"b":"x"},{"a":12345678901234567890.10,"c":true}]}}`, "a|b|c\nd:1|x|-\nd:12345678901234567890.10|-|b:true"},
		{"JSON lists", format.Options{Type: "json"}, `[[1,2],[3]]`, "c1|c2\nd:1|d:2\nd:3|-"},
		{"JSON values", format.Options{Type: "json", Path: "0"}, `[["a","b"]]`, "value\na\nb"},
		{"JSON lines", format.Options{Type: "json"}, "{\"a\":1}\n{\"a\":2}\n", "a\nd:1\nd:2"},
		{"JSON by jq", format.Options{Type: "json", Query: `.days[] | .date as $d | .meals[] | {date: $d, dish: .name, price}`},
			`{"days":[{"date":"2026-11-30","meals":[{"name":"x","price":1.10},{"name":"y","price":12345678901234567890}]}]}`,
			"date|dish|price\n2026-11-30|x|d:1.10\n2026-11-30|y|d:12345678901234567890"},
		{"JSON by jq that gives one list", format.Options{Type: "json", Query: `map(select(.n > 1))`}, `[{"n":1},{"n":2}]`, "n\nd:2"},
		{"JSON within a cell", format.Options{Type: "json"}, `[{"a":{"b":["<",1]}}]`, "a\n" + `{"b":["<",1]}`},

		{"XML by XPath", format.Options{Type: "xml", XPath: "//plat[@jour='lundi']"},
			`<?xml version="1.0" encoding="iso-8859-1"?><menu><plat jour="lundi"><nom>Caf` + "\xe9" + `</nom><prix devise="EUR">1,50</prix><a>1</a><a>2</a></plat><plat jour="mardi"/></menu>`,
			"@jour|nom|prix/@devise|prix|a|a[2]\nlundi|Café|EUR|1,50|1|2"},
		{"XML with name spaces and CDATA", format.Options{Type: "xml"}, `<x:r xmlns:x="u"><x:i><x:n><![CDATA[a<b]]></x:n></x:i><x:i><x:n>c</x:n></x:i><o/></x:r>`, "n\na<b\nc"},
		{"XML attributes", format.Options{Type: "xml", XPath: "//@n"}, `<r><i n="1"/><i n="2"/></r>`, "value\n1\n2"},
		{"XML texts", format.Options{Type: "xml", XPath: "//i/text()"}, `<r><i>a</i><i>b</i></r>`, "value\na\nb"},
		{"XML counted", format.Options{Type: "xml", XPath: "count(//i)"}, `<r><i>a</i><i>b</i></r>`, "value\n2"},

		{"a feed with pictures", format.Options{Type: "feed"}, `<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>F</title>
<item><title>A &amp; B</title><guid>g1</guid><pubDate>Mon, 30 Nov 2026 09:00:00 +0100</pubDate><media:content url="http://x/a.jpg" medium="image"/><category>c1</category></item>
<item><title>C</title><enclosure url="http://x/c.mp3" type="audio/mpeg" length="1"/><description>&lt;p&gt;x &lt;img src="http://x/c.png"&gt;&lt;/p&gt;</description></item></channel></rss>`,
			"title|description|link|published|author|image|feed|id|updated|categories|media|mediaType\nA & B||u:|I:2026-11-30T08:00:00Z||u:http://x/a.jpg|F|g1|-|c1|u:|\nC|x|u:|-||u:http://x/c.png|F||-||u:http://x/c.mp3|audio/mpeg"},
		{"a feed with an old document type", format.Options{Type: "feed"}, `<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x/rss-0.91.dtd"><rss version="0.91"><channel><title>F</title><item><title>t</title></item></channel></rss>`,
			"title|description|link|published|author|image|feed|id|updated|categories|media|mediaType\nt||u:|-||u:|F||-||u:|"},
		{"a JSON feed", format.Options{Type: "feed"}, `{"version":"https://jsonfeed.org/version/1.1","title":"F","items":[{"id":"1","content_text":"x","image":"http://x/i.png"}]}`,
			"title|description|link|published|author|image|feed|id|updated|categories|media|mediaType\n|x|u:|-||u:http://x/i.png|F|1|-||u:|"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := written(parse(t, c.o, []byte(c.body), 100)); got != c.want {
				t.Errorf("the table is\n%q, not\n%q", got, c.want)
			}
		})
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	x := menu(t, false)
	html := "<html><head><meta charset=utf-8></head><body><table><tr><td>a</td></tr></table></body></html>"
	cases := []struct {
		name string
		o    format.Options
		body string
		says string
	}{
		{"a type that is not known", format.Options{Type: "lotus"}, "x", "it knows text, dated, delimited"},
		{"a charset that is not known", format.Options{Type: "text", Charset: "klingon"}, "x", "write utf-8"},
		{"a separator that is too long", format.Options{Type: "delimited", Separator: ";;"}, "x", "not one character"},
		{"a workbook that is a web page", format.Options{Type: "xls"}, html, "a web page (HTML): open it in Excel or LibreOffice and save it as .xlsx"},
		{"a workbook that is CSV", format.Options{Type: "xls"}, "a;b\n1;2", "delimited text (CSV): write type: delimited"},
		{"a workbook that is the XML of 2003", format.Options{Type: "xls"}, `<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>`, "Excel 2003"},
		{"a workbook that is a PDF", format.Options{Type: "xlsx"}, "%PDF-1.7", "a PDF: export the table"},
		{"a workbook that is empty", format.Options{Type: "xlsx"}, "", "an empty file"},
		{"a workbook that was cut", format.Options{Type: "xlsx"}, string(x[:len(x)/2]), "not copied whole"},
		{"a workbook of Excel 3", format.Options{Type: "xls"}, "\x09\x02\x06\x00\x00\x00\x10\x00\x00\x00", "Excel 4 or older"},
		{"a CSV that is a workbook", format.Options{Type: "delimited"}, string(x), "an Excel workbook (.xlsx): write type: xlsx"},
		{"a CSV that is a page to log in", format.Options{Type: "delimited"}, html, "a web page"},
		{"a text that is RTF", format.Options{Type: "text"}, `{\rtf1 x}`, "write type: rtf"},
		{"an RTF that is text", format.Options{Type: "rtf"}, "x", "plain text: write type: text"},
		{"a JSON that is a web page", format.Options{Type: "json"}, html, "a web page"},
		{"an XML that is JSON", format.Options{Type: "xml"}, "{}", "write type: json"},
		{"an XML that ends too early", format.Options{Type: "xml"}, "<a><b>", "the XML cannot be read"},
		{"an XML with nothing at the path", format.Options{Type: "xml", XPath: "//x"}, "<a/>", `nothing is at the XPath "//x"`},
		{"an XPath with a mistake", format.Options{Type: "xml", XPath: "//x["}, "<a/>", "cannot be understood"},
		{"a feed that is a web page", format.Options{Type: "feed"}, html, "no feed but a web page"},
		{"a jq query with a mistake", format.Options{Type: "json", Query: ".a["}, "{}", "cannot be understood"},
		{"a jq query that fails", format.Options{Type: "json", Query: ".a.b"}, `{"a":1}`, "fails on this document"},
		{"a jq query that looks at its surroundings", format.Options{Type: "json", Query: "env.PATH | length | error"}, "{}", "fails on this document"},
		{"a database that is text", format.Options{Type: "access"}, "a,b", "no Access database but delimited text"},
		{"dated lines without dates", format.Options{Type: "dated"}, "Menu\nlundi soupe", `line 1: it begins with "Menu", not with a date`},
		{"a sheet that is not there", format.Options{Type: "sheet", Sheet: "Plats"}, string(x), "its sheets are Menu, Été, Secret"},
		{"an area that is not there", format.Options{Type: "sheet", Range: "Plats"}, string(x), `no area named "Plats"`},
		{"a range of another sheet", format.Options{Type: "sheet", Sheet: "Menu", Range: "Été!A1:B2"}, string(x), "take one of the two out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			table, err := format.Parse(t.Context(), c.o, []byte(c.body), 100)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, not %q; the table %+v", err, c.says, table)
			}
		})
	}
}

func TestWhatIsLeftOutIsTold(t *testing.T) {
	table := parse(t, format.Options{Type: "dated"}, []byte("2026-11-30 a\nnothing\n2026-02-30 b\n2026-11-30 10:00-2026-11-29 c"), 100)
	if len(table.Rows) != 1 || len(table.Dropped) != 3 || table.Dropped[1].Place != "line 3" || !strings.Contains(table.Dropped[1].Why, "no date") {
		t.Errorf("%+v", table)
	}
	table = parse(t, format.Options{Type: "delimited"}, []byte("a,b\n1,2,3\n\""+strings.Repeat("x", 70_000)+"\n"), 100)
	if len(table.Dropped) != 2 || !strings.Contains(table.Dropped[0].Why, "3 cells") || !strings.Contains(table.Dropped[1].Why, "a quote missing") {
		t.Errorf("%+v", table.Dropped)
	}
	table = parse(t, format.Options{Type: "sheet"}, menu(t, false), 100)
	if len(table.Dropped) != 4 || table.Dropped[0].Place != "H2" || !strings.Contains(table.Dropped[0].Why, "no value yet") {
		t.Errorf("%+v", table.Dropped)
	}
}

func TestSheetsAndRanges(t *testing.T) {
	x := menu(t, false)
	no := false
	files := map[string][]byte{"xlsx": x, "xls": convert(t, x, "Gnumeric_Excel:excel_biff8", "xls"), "xls 95": convert(t, x, "Gnumeric_Excel:excel_biff7", "xls"), "ods": convert(t, x, "Gnumeric_OpenCalc:odf", "ods")}
	for _, c := range []struct {
		name string
		o    format.Options
		want string
	}{
		{"a sheet by its name, its empty edges left out", format.Options{Sheet: "été"}, "x|y\nd:1|d:2"},
		{"a sheet by its number", format.Options{Sheet: "2"}, "x|y\nd:1|d:2"},
		{"a hidden sheet", format.Options{Sheet: "Secret", Header: &no}, "c1\nsecret"},
		{"a range keeps its columns", format.Options{Sheet: "Été", Range: "B4:D5"}, "c1|x|y\n-|d:1|d:2"},
		{"a range that names its sheet", format.Options{Range: "'Été'!$C$4:$C$5"}, "x\nd:1"},
		{"whole columns", format.Options{Range: "B:C", Header: &no, Cells: "values"}, "c1|c2\nPlat|Prix\nBœuf bourguignon|d:12.5\nCrème brûlée|d:4.005\nŒufs \"mimosa\"; salade|d:1234.5\nSoupe⏎à l'oignon|d:0.1"},
		{"a named area", format.Options{Range: "platsdujour", Cells: "values"}, "Plat|Prix\nBœuf bourguignon|d:12.5\nCrème brûlée|d:4.005"},
		{"a header in a later row", format.Options{Sheet: "Été", HeaderRow: 4}, "x|y\nd:1|d:2"},
		{"a header in a later row of a range", format.Options{Sheet: "Été", Range: "C3:D5", HeaderRow: 2}, "x|y\nd:1|d:2"},
	} {
		for name, b := range files {
			t.Run(c.name+", "+name, func(t *testing.T) {
				c.o.Type = "sheet"
				if got := written(parse(t, c.o, b, 100)); got != c.want {
					t.Errorf("the table is\n%s\nnot\n%s", got, c.want)
				}
			})
		}
	}
	for name, b := range files {
		table := parse(t, format.Options{Type: "sheet"}, b, 2)
		if len(table.Rows) != 2 || !table.Truncated || table.Rows[1][0].Text != "Lundi" {
			t.Errorf("%s: two rows of it are %+v", name, table)
		}
	}
}

func TestACancelledReadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, kind := range format.Types() {
		if _, err := format.Parse(ctx, format.Options{Type: kind}, menu(t, false), 10); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
