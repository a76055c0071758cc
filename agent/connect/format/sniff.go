package format

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"vitrine/agent/connect/format/biff"
	"vitrine/agent/connect/format/pack"
)

// kind is what bytes are, by themselves.
type kind struct {
	id   string // a type, or a word of ours
	name string // what a person calls it
	fix  string // what to do when something else was wanted
}

const saveXLSX = "open it in Excel or LibreOffice and save it as .xlsx"

// magics are the first bytes of what is often given in place of a table.
var magics = []struct {
	magic string
	kind
}{
	{"%PDF-", kind{"pdf", "a PDF", "export the table from the program that made it"}},
	{"\x89PNG", kind{"picture", "a picture", "export the table from the program that made it"}},
	{"\xff\xd8\xff", kind{"picture", "a picture", "export the table from the program that made it"}},
	{"\x1f\x8b", kind{"gzip", "a file compressed with gzip", "give it uncompressed"}},
	{"7z\xbc\xaf", kind{"7z", "a 7-Zip archive", "give the file that is in it"}},
	{"Rar!", kind{"rar", "a RAR archive", "give the file that is in it"}},
	{"SQLite format 3\x00", kind{"sqlite", "an SQLite database", "write type: sql with its driver sqlite"}},
	{"\x00\x01\x00\x00Standard Jet DB", kind{"access", "an Access database", "write type: access"}},
	{"\x00\x01\x00\x00Standard ACE DB", kind{"access", "an Access database", "write type: access"}},
	{`{\rtf`, kind{"rtf", "an RTF document", "write type: rtf"}},
	{"BEGIN:VCALENDAR", kind{"calendar", "an iCalendar file", "write type: ical"}},
}

// sniff says what bytes are.
func sniff(b []byte) kind {
	if len(bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))) == 0 {
		return kind{"empty", "an empty file", "look whether the program that writes it has failed"}
	}
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return zipped(b)
	case bytes.HasPrefix(b, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return compound(b)
	case bytes.HasPrefix(b, []byte{0x09, 0x08}) && len(b) > 8 && b[3] == 0:
		return kind{"xls", "an Excel workbook (.xls)", "write type: xls"}
	case len(b) > 8 && b[0] == 0x09 && (b[1] == 0 || b[1] == 2 || b[1] == 4) && b[3] == 0 && b[2] < 16:
		return kind{"old", "a workbook of Excel 4 or older", saveXLSX}
	}
	return written(b)
}

func zipped(b []byte) kind {
	p, err := pack.Open(b)
	switch {
	case err != nil:
		return kind{"damaged", "a damaged zip, perhaps not copied whole", "copy it again"}
	case p.Has("xl/workbook.bin"):
		return kind{"xlsb", "a binary workbook (.xlsb)", saveXLSX}
	case p.Has("xl/workbook.xml"), p.Has("_rels/.rels") && p.Has("[content_types].xml") && len(p.Names("word/")) == 0 && len(p.Names("ppt/")) == 0:
		return kind{"xlsx", "an Excel workbook (.xlsx)", "write type: xlsx"}
	case len(p.Names("word/")) > 0:
		return kind{"docx", "a Word document", "copy its table into a workbook, or save it as .rtf and write type: rtf"}
	case len(p.Names("ppt/")) > 0:
		return kind{"pptx", "a PowerPoint presentation", "show it as a document; it is no table"}
	case p.Has("index/document.iwa"), p.Has("index.zip"):
		return kind{"iwork", "a document of Apple's iWork", "export it as .xlsx"}
	case p.Has("content.xml"):
		return openDocument(b)
	}
	return kind{"zip", "a zip archive without a workbook in it", "give the file that is in it"}
}

// openDocument tells the kinds of OpenDocument by the first part, which names them (part 2, 3.3).
func openDocument(b []byte) kind {
	head := b[:min(len(b), 200)]
	switch {
	case bytes.Contains(head, []byte("opendocument.text")):
		return kind{"odt", "a text document of LibreOffice", "copy its table into a spreadsheet, or save it as .rtf and write type: rtf"}
	case bytes.Contains(head, []byte("opendocument.presentation")), bytes.Contains(head, []byte("opendocument.graphics")):
		return kind{"odp", "a presentation or drawing of LibreOffice", "show it as a document; it is no table"}
	}
	return kind{"ods", "an OpenDocument spreadsheet (.ods)", "write type: ods"}
}

func compound(b []byte) kind {
	streams, err := biff.Streams(b)
	has := func(name string) bool {
		for _, s := range streams {
			if strings.EqualFold(s, name) {
				return true
			}
		}
		return false
	}
	switch {
	case has("EncryptedPackage"):
		return kind{"locked", "locked with a password", "save it without one"}
	case has("Workbook"), has("Book"):
		return kind{"xls", "an Excel workbook (.xls)", "write type: xls"}
	case has("WordDocument"):
		return kind{"doc", "a Word document", "copy its table into a workbook, or save it as .rtf and write type: rtf"}
	case has("PowerPoint Document"):
		return kind{"ppt", "a PowerPoint presentation", "show it as a document; it is no table"}
	case err != nil, len(streams) == 0:
		return kind{"damaged", "a damaged Office file, perhaps not copied whole", "copy it again"}
	}
	return kind{"ole", "an Office file without a workbook in it", saveXLSX}
}

var (
	tagHTML = regexp.MustCompile(`(?i)^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style|div)\b`)
	tagXML  = regexp.MustCompile(`^\s*<(\?xml|[A-Za-z_!])`)
)

// written tells the kinds of text.
func written(b []byte) kind {
	text := decode(b[:min(len(b), 4096)], "")
	switch {
	case tagHTML.Match(text):
		return kind{"html", "a web page (HTML)", saveXLSX}
	case bytes.Contains(text, []byte("urn:schemas-microsoft-com:office:spreadsheet")):
		return kind{"xml2003", "an XML spreadsheet of Excel 2003", saveXLSX}
	case tagXML.Match(text):
		return kind{"xml", "XML", "write type: xml, or type: feed if it is news"}
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")), bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")):
		return kind{"json", "JSON", "write type: json"}
	case !plainText(text):
		return kind{"unknown", "something that this player does not know", saveXLSX}
	case strings.ContainsAny(string(text), ";\t,"):
		return kind{"delimited", "delimited text (CSV)", "write type: delimited"}
	}
	return kind{"text", "plain text", "write type: text"}
}

// plainText says whether there are no control characters but those of text.
func plainText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != 0x1a {
			return false
		}
		b = b[n:]
	}
	return true
}
