package folder

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/child"
	"vitrine/render/media"
	"vitrine/render/scene"
)

// converted is where documents lie that were made of others, by the digest of what they were made of.
const converted = Own + "/converted"

// officeTypes are the endings of office documents that become pages; the content says whether it is one.
func officeTypes() []string {
	return []string{".odt", ".odp", ".ods", ".docx", ".pptx", ".xlsx", ".doc", ".ppt", ".xls", ".rtf"}
}

// pages makes an item of each page of a document.
func (l *loader) pages(pointer string, d itemDoc, f *medium, item scene.Item, wanted length) []scene.Item {
	if item.For = d.Each; d.Each == 0 {
		item.For = d.For
	}
	if item.For == 0 && wanted.at != "" {
		l.fault(wanted.at, wanted.at != pointer, fmt.Sprintf("%s is a document, and how long each page stays is missing", f.path), fmt.Sprintf("write {document: %s, each: 8s}", f.path))
	}
	object := pointer
	if word, _ := d.word(); word != "" {
		object, _ = parent(pointer)
	}
	if !l.paper(pointer, f) {
		return []scene.Item{item}
	}
	numbers, err := pageNumbers(string(d.Pages), f.pages)
	if err != nil {
		l.fault(object+"/pages", false, err.Error(), fmt.Sprintf("write pages: \"1-%d\", or leave pages out for all of them", max(1, f.pages)))
		return []scene.Item{item}
	}
	item.Src = f.bundlePath()
	if item.Fit == "" {
		item.Fit = scene.Contain // a page is to be read
	}
	var all []scene.Item
	for _, n := range numbers {
		item.Page = n
		all = append(all, item)
	}
	return all
}

// maxPages bounds how many pages of a document a playlist takes.
const maxPages = 500

// pageNumbers reads "1-3,5" for a document of total pages; "" is all of them, "4-" all from the fourth on.
func pageNumbers(text string, total int) ([]int, error) {
	if text == "" {
		text = "1-"
		if total > maxPages {
			return nil, fmt.Errorf("the document has %d pages; %d are the most for a playlist", total, maxPages)
		}
	}
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(from)
		b := a
		if ranged && to == "" {
			b = total
		} else if ranged && err == nil {
			b, err = strconv.Atoi(to)
		}
		switch {
		case err != nil || a < 1 || b < a:
			return nil, fmt.Errorf("%q is not a list of pages", short(text))
		case b > total:
			return nil, fmt.Errorf("there is no page %d: the document has %d", b, total)
		case len(all)+b-a+1 > maxPages:
			return nil, fmt.Errorf("these are more than %d pages", maxPages)
		}
		for n := a; n <= b; n++ {
			all = append(all, n)
		}
	}
	return all, nil
}

// office tells whether a file is an office document, and which: OpenDocument and Office Open XML by what is in them,
// their elders by how they begin and what they are called.
func office(f io.ReaderAt, size int64, p string) (what string) {
	head := make([]byte, 8)
	if _, err := f.ReadAt(head, 0); err != nil {
		return ""
	}
	named := slices.Contains(officeTypes(), strings.ToLower(path.Ext(p)))
	switch {
	case string(head) == "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" && named, strings.HasPrefix(string(head), `{\rtf`) && named:
		return "an office document"
	case !strings.HasPrefix(string(head), "PK\x03\x04"):
		return ""
	}
	z, err := zip.NewReader(f, size)
	if err != nil || len(z.File) > 10_000 {
		return ""
	}
	for _, one := range z.File {
		switch {
		case one.Name == "mimetype" && one.UncompressedSize64 < 200:
			r, err := one.Open()
			if err != nil {
				return ""
			}
			kind, err := io.ReadAll(io.LimitReader(r, 200))
			if errors.Join(err, r.Close()) == nil && strings.HasPrefix(string(kind), "application/vnd.oasis.opendocument.") {
				return "an OpenDocument file"
			}
		case one.Name == "word/document.xml", one.Name == "ppt/presentation.xml", one.Name == "xl/workbook.xml":
			return "an Office document"
		}
	}
	return ""
}

// paper counts a document's pages, making a PDF of an office document first. What is wrong is noted; false.
func (l *loader) paper(pointer string, m *medium) bool {
	if m.pages > 0 {
		return true
	}
	err := l.count(m)
	var missing *child.MissingError
	switch {
	case err == nil:
		return true
	case errors.As(err, &missing) && m.office:
		l.fault(pointer, false, fmt.Sprintf("%s is %s, and LibreOffice, which makes pages of it, is not installed here", m.path, m.what),
			"save it as PDF and write that, or install LibreOffice (apt install libreoffice)")
	case errors.As(err, &missing):
		l.fault(pointer, false, fmt.Sprintf("the pages of %s cannot be counted: %v", m.path, missing), "then try again")
	default:
		l.fault(pointer, false, fmt.Sprintf("%s: %v", m.path, err), "open it in another program and save it as PDF again")
	}
	return false
}

func (l *loader) count(m *medium) error {
	at := m.path
	if m.office {
		made, err := l.convert(m)
		if err != nil {
			return err
		}
		at = made
	}
	f, err := openRegular(l.root, at)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	n, err := media.Pages(context.Background(), f)
	if err != nil {
		return err
	}
	m.pages = n
	if m.office {
		m.made, m.madeSize = at, st.Size()
	}
	return nil
}

// convert makes a PDF of an office document, or finds the one that was made of the same bytes before.
func (l *loader) convert(m *medium) (string, error) {
	f, err := openRegular(l.root, m.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	made := path.Join(converted, hex.EncodeToString(sum.Sum(nil))[:32]+".pdf")
	if st, err := l.root.Stat(made); err == nil && st.Size() > 0 {
		return made, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	pdf, err := libreOffice(f, strings.ToLower(path.Ext(m.path)))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(l.root.Name(), filepath.FromSlash(converted)), 0o755); err != nil {
		return "", fmt.Errorf("keep the pages that were made of it: %w", err)
	}
	return made, bundle.WriteAtomically(filepath.Join(l.root.Name(), filepath.FromSlash(made)), pdf)
}

// libreOffice turns a document into a PDF, in a folder and with settings of its own, without a network.
func libreOffice(f io.Reader, ext string) (pdf []byte, err error) {
	if err := child.Available("soffice", "libreoffice"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "vitrine-office-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in := filepath.Join(dir, "document"+ext)
	copied, err := os.Create(in)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(copied, f)
	if err := errors.Join(err, copied.Close()); err != nil {
		return nil, err
	}
	_, err = child.Run(context.Background(), child.Job{Program: "soffice", Package: "libreoffice", Dir: dir, Home: dir, Writes: true, Time: 3 * time.Minute, Memory: 8 << 30,
		Args: []string{"-env:UserInstallation=file://" + filepath.ToSlash(dir) + "/profile", "--headless", "--norestore", "--nolockcheck", "--convert-to", "pdf", "--outdir", dir, in}})
	if err != nil {
		return nil, fmt.Errorf("LibreOffice could not make pages of it: %w", err)
	}
	out, err := os.Open(filepath.Join(dir, "document.pdf"))
	if err != nil {
		return nil, errors.New("LibreOffice made no pages of it: it is damaged, or wants a password")
	}
	defer out.Close()
	return io.ReadAll(io.LimitReader(out, 512<<20))
}
