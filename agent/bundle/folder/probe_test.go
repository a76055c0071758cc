package folder_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
	"vitrine/render/scene"
)

func moving(t testing.TB, delay int) string {
	t.Helper()
	var b bytes.Buffer
	p := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White})
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{p, p}, Delay: []int{delay, delay}}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// pngOf begins as a picture of a size, and ends as one.
func pngOf(w, h uint32) string {
	c := []byte("IHDR")
	c = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(c, w), h)
	c = append(c, 8, 2, 0, 0, 0)
	return "\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + string(binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c))) + "\x00\x00\x00\x00IEND\xaeB`\x82"
}

func packed(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mp4 is a video whose index says that it has a track of this kind and codec.
func mp4(handler, codec string, width, height uint16) string {
	in := func(name, body string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8))) + name + body
	}
	entry := make([]byte, 78)
	binary.BigEndian.PutUint16(entry[24:], width)
	binary.BigEndian.PutUint16(entry[26:], height)
	stsd := in("stsd", "\x00\x00\x00\x00\x00\x00\x00\x01"+in(codec, string(entry)))
	trak := in("trak", in("mdia", in("hdlr", "\x00\x00\x00\x00\x00\x00\x00\x00"+handler+strings.Repeat("\x00", 12))+in("minf", in("stbl", stsd))))
	return in("ftyp", "isom\x00\x00\x00\x00isom") + in("moov", trak) + in("mdat", "x")
}

func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
}

func TestAMediumIsWhatItsContentSays(t *testing.T) {
	need(t, "rsvg-convert", "pdfinfo")
	svg := `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>`
	for name, c := range map[string]struct {
		content string
		kind    scene.Kind
		length  time.Duration // that the item says
		says    string        // "" = taken
		warns   string
	}{
		"an animated GIF":             {moving(t, 50), scene.Animation, 0, "", ""},
		"an animated GIF of no time":  {moving(t, 2), scene.Animation, 0, "x.bin is an animation of 40ms; write", ""},
		"an animated GIF for a while": {moving(t, 2), scene.Animation, time.Minute, "", ""},
		"an animated GIF, damaged":    {strings.Replace(moving(t, 50), "\x04\x00\x04\x00", "\xff\xff\xff\xff", 1), "", time.Minute, "it has 65535 x 65535 pixels", ""},
		"a still picture":             {media(t)["media/c.png"], scene.Image, time.Minute, "", ""},
		"a PNG of 30,000 pixels":      {pngOf(30000, 30000), "", time.Minute, "it has 30000 x 30000 pixels", ""},
		"a PNG of too many pixels":    {pngOf(12000, 12000), "", time.Minute, "100 million are the most; reduce it", ""},
		"a drawing":                   {svg, scene.Image, time.Minute, "", ""},
		"a compressed drawing":        {packed(t, svg), scene.Image, time.Minute, "", ""},
		"a drawing that is none":      {"<svg <<<<", "", time.Minute, "export it again", ""},
		"a compressed bomb":           {packed(t, "<svg>"+strings.Repeat(" ", 40<<20)), "", time.Minute, "more than 32 MiB", ""},
		"a compressed text":           {packed(t, "hello"), "", time.Minute, "of a kind that is not known", ""},
		"a photograph of a phone's":   {"\x00\x00\x00\x18ftypheic" + strings.Repeat("\x00", 99), "", time.Minute, "it is a HEIC picture", ""},
		"H.264":                       {mp4("vide", "avc1", 1920, 1080), scene.Video, 0, "", ""},
		"HEVC":                        {mp4("vide", "hvc1", 3840, 2160), scene.Video, 0, "", ""},
		"a video that is locked":      {mp4("vide", "encv", 1920, 1080), "", 0, "copy protection", ""},
		"a video of sound":            {mp4("soun", "mp4a", 0, 0), "", 0, "it is a sound file", ""},
		"a video without tracks":      {mp4("hint", "rtp ", 0, 0), "", 0, "it has no picture in it", ""},
		"a video of 10,000 pixels":    {mp4("vide", "avc1", 10000, 5000), "", 0, "10000 x 5000 pixels", ""},
		"a video of an odd codec":     {mp4("vide", "zz99", 1920, 1080), scene.Video, 0, "", `the codec "zz99", which may not play`},
		"Matroska":                    {"\x1a\x45\xdf\xa3" + strings.Repeat("\x01", 40) + "\x86\x8fV_MPEG4/ISO/AVC" + strings.Repeat("\x01", 99), scene.Video, 0, "", ""},
		"Matroska of an odd codec":    {"\x1a\x45\xdf\xa3" + strings.Repeat("\x01", 40) + "\x86\x86V_REAL" + strings.Repeat("\x01", 99), scene.Video, 0, "", `codec "V_REAL"`},
		"a ZIP archive":               {zipped(t, map[string]string{"a.txt": "hello"}), "", time.Minute, "it is a ZIP archive", ""},
		"a document that is damaged":  {"%PDF-1.7\nhello", "", time.Minute, "cannot be read", ""},
	} {
		t.Run(name, func(t *testing.T) {
			item := "media/x.bin"
			if c.length > 0 {
				item = "{image: media/x.bin, for: " + c.length.String() + "}"
			}
			if strings.Contains(c.content, "%PDF") {
				item = "{document: media/x.bin, each: 5s}"
			}
			dir := folderOf(t, "id: x\nscenes:\n  a: {playlist: ["+item+"]}\nfallback: [a]\n")
			put(t, dir, map[string]string{"media/x.bin": c.content})
			f, err := folder.Load(dir)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v; want it to say %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Manifest.Scenes["a"].Zones[0].Playlist[0]; got.Kind != c.kind || time.Duration(got.For) != c.length {
				t.Errorf("%+v; want %s for %s", got, c.kind, c.length)
			}
			if got := strings.Join(f.Warnings, "\n"); c.warns == "" && got != "" || !strings.Contains(got, c.warns) {
				t.Errorf("warnings %q; want %q", got, c.warns)
			}
		})
	}
}

func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for n := range files {
			if !yield(n) {
				return
			}
		}
	}) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// pdf is a document of n empty pages.
func pdf(n int) string {
	var b bytes.Buffer
	var at []int
	object := func(text string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), text)
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids strings.Builder
	for i := range n {
		fmt.Fprintf(&kids, "%d 0 R ", i+3)
	}
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), n))
	for range n {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>")
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.String()
}

func TestADocumentBecomesItsPages(t *testing.T) {
	need(t, "pdfinfo")
	for name, c := range map[string]struct {
		item  string
		pages int
		want  []int
		says  string
	}{
		"all of them":               {"{document: media/x.pdf, each: 8s}", 3, []int{1, 2, 3}, ""},
		"a list":                    {`{document: media/x.pdf, each: 8s, pages: "1-3, 5"}`, 9, []int{1, 2, 3, 5}, ""},
		"one":                       {"{document: media/x.pdf, for: 8s, pages: 2}", 9, []int{2}, ""},
		"from one on":               {`{document: media/x.pdf, each: 8s, pages: "7-"}`, 9, []int{7, 8, 9}, ""},
		"one twice":                 {`{document: media/x.pdf, each: 8s, pages: "1,2,1"}`, 9, []int{1, 2, 1}, ""},
		"one that is not there":     {`{document: media/x.pdf, each: 8s, pages: "2,12"}`, 9, nil, `5:57: there is no page 12: the document has 9; write pages: "1-9", or leave pages out for all of them`},
		"backwards":                 {`{document: media/x.pdf, each: 8s, pages: "3-1"}`, 9, nil, `"3-1" is not a list of pages`},
		"too many":                  {"{document: media/x.pdf, each: 8s}", 501, nil, "the document has 501 pages; 500 are the most"},
		"without a time for each":   {"{document: media/x.pdf}", 3, nil, "5:16: media/x.pdf is a document, and how long each page stays is missing; write {document: media/x.pdf, each: 8s}"},
		"by its name alone":         {"media/x.pdf", 3, nil, "write {document: media/x.pdf, each: 8s}"},
		"as a picture":              {"{image: media/x.pdf, for: 8s}", 3, nil, "media/x.pdf is a PDF document; write document: media/x.pdf"},
		"what no document can have": {"{document: media/x.pdf, each: 8s, hosts: [a.example]}", 3, nil, `only a page has "hosts"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, "id: x\nscenes:\n  a:\n    # pages\n    playlist: ["+c.item+"]\nfallback: [a]\n")
			put(t, dir, map[string]string{"media/x.pdf": pdf(c.pages)})
			f, err := folder.Load(dir)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v; want it to say %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, i := range f.Manifest.Scenes["a"].Zones[0].Playlist {
				if i.Kind != scene.Page || i.Src != "media/x.pdf" || time.Duration(i.For) != 8*time.Second {
					t.Errorf("%+v", i)
				}
				got = append(got, i.Page)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("pages %v; want %v", got, c.want)
			}
		})
	}
}

func TestAPageCanBeAZone(t *testing.T) {
	need(t, "pdfinfo")
	dir := folderOf(t, "id: x\nscenes:\n  a: {zones: [{at: [0, 0, 9, 9], document: media/x.pdf}]}\nfallback: [a]\n")
	put(t, dir, map[string]string{"media/x.pdf": pdf(2)})
	if list := load(t, dir).Manifest.Scenes["a"].Zones[0].Playlist; len(list) != 2 || time.Duration(list[1].For) != 10*time.Second || list[0].Fit != scene.Contain {
		t.Errorf("%+v", list)
	}
}

const letter = `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>One</w:t></w:r></w:p><w:p><w:r><w:br w:type="page"/><w:t>Two</w:t></w:r></w:p></w:body></w:document>`

func TestAnOfficeDocumentBecomesPages(t *testing.T) {
	need(t, "pdfinfo", "soffice")
	docx := zipped(t, map[string]string{
		"[Content_Types].xml": `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
		"_rels/.rels":         `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   letter,
	})
	dir := folderOf(t, "id: x\nscenes:\n  a: {playlist: [{document: media/x.docx, each: 8s}]}\nfallback: [a]\n")
	put(t, dir, map[string]string{"media/x.docx": docx})
	m := built(t, dir)
	list := m.Scenes["a"].Zones[0].Playlist
	if len(list) != 2 || list[0].Src != "media/x.docx.pdf" || m.Files["media/x.docx.pdf"] == "" || m.Files["media/x.docx"] != "" {
		t.Fatalf("%+v of %v", list, m.Files)
	}
	if b, _ := m.Blob(m.Files["media/x.docx.pdf"]); b.Type != "application/pdf" {
		t.Errorf("its type is %q", b.Type)
	}
	// It is made once: the second time nobody asks LibreOffice.
	t.Setenv("PATH", onlyPDFInfo(t))
	if again := built(t, dir); again.Files["media/x.docx.pdf"] != m.Files["media/x.docx.pdf"] {
		t.Error("the pages were made again")
	}
}

// onlyPDFInfo is a PATH on which that is all there is.
func onlyPDFInfo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range []string{"pdfinfo", "prlimit"} {
		if full, err := exec.LookPath(p); err == nil {
			if err := os.Symlink(full, filepath.Join(dir, p)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestWithoutTheProgramsTheErrorSaysWhatToInstall(t *testing.T) {
	odt := zipped(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.text"})
	for name, c := range map[string]struct{ content, path, says string }{
		"LibreOffice": {odt, "media/x.odt", "media/x.odt is an OpenDocument file, and LibreOffice, which makes pages of it, is not installed here; save it as PDF and write that, or install LibreOffice (apt install libreoffice)"},
		"poppler":     {pdf(1), "media/x.pdf", "the pages of media/x.pdf cannot be counted: the program pdfinfo is not installed: install the package poppler-utils (apt install poppler-utils)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, "id: x\nscenes:\n  a: {playlist: [{document: "+c.path+", each: 8s}]}\nfallback: [a]\n")
			put(t, dir, map[string]string{c.path: c.content})
			t.Setenv("PATH", t.TempDir())
			_, err := folder.Load(dir)
			var problems folder.Problems
			if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want it to say %q alone", err, c.says)
			}
		})
	}
	dir := folderOf(t, "id: x\nscenes:\n  a: {playlist: [{image: media/x.svg, for: 8s}]}\nfallback: [a]\n")
	put(t, dir, map[string]string{"media/x.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`})
	t.Setenv("PATH", t.TempDir())
	if f := load(t, dir); len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "librsvg2-bin") {
		t.Errorf("warnings: %v", f.Warnings)
	}
}
