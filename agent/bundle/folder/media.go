package folder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	_ "image/gif"  // picture formats whose size is read
	_ "image/jpeg" //
	_ "image/png"  //
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "golang.org/x/image/webp" // a picture format whose size is read

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// maxSide is the most pixels that a picture may have in a line or a column.
const maxSide = 16384

// medium is a file that a bundle uses, judged by its content.
type medium struct {
	path string // within the folder
	size int64
	mime string
	what string // for people: "a PNG picture", "an HTML page"

	moves  bool          // a picture that has more than one frame
	length time.Duration // of one that moves, once through
	pages  int           // of a document
	office bool          // a document that pages must be made of first
	made   string        // the file within the folder that was made of this one, and plays instead of it
	doubt  string        // what may not be right with it

	madeSize int64
	unseen   bool // taken without a look

	err string // what is wrong with it, "" = nothing
	fix string
}

// kind is what the file is for a playlist; "" = nothing.
func (m *medium) kind() scene.Kind {
	switch {
	case strings.HasPrefix(m.mime, "image/") && m.moves:
		return scene.Animation
	case strings.HasPrefix(m.mime, "image/"):
		return scene.Image
	case strings.HasPrefix(m.mime, "video/"):
		return scene.Video
	case strings.HasPrefix(m.mime, "audio/"):
		return scene.Audio
	case m.mime == "application/pdf" || m.office:
		return scene.Page
	case m.mime == "text/html" && slices.Contains([]string{".html", ".htm"}, strings.ToLower(path.Ext(m.path))):
		return scene.Web // a video's name on a page is a portal's: "sign in"
	}
	return ""
}

// bundlePath is the path that the medium has in the bundle.
func (m *medium) bundlePath() string {
	if m.made != "" {
		return m.path + ".pdf"
	}
	return m.path
}

// inspect opens a file of the folder and looks at what it really is.
func inspect(root *os.Root, p string) (*medium, error) {
	f, err := openRegular(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m := &medium{path: p, size: st.Size()}
	if m.size == 0 {
		m.what, m.err, m.fix = "empty", fmt.Sprintf("%s is empty", p), "copy it again"
		return m, nil
	}
	if m.size > bundle.MaxBlob {
		m.err, m.fix = fmt.Sprintf("%s has %d GiB", p, m.size>>30), fmt.Sprintf("a file can have %d GiB at most", bundle.MaxBlob>>30)
		return m, nil
	}
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	m.mime, m.what = sniff(head[:n], p)
	if what := office(f, m.size, p); what != "" {
		m.office, m.what, m.mime = true, what, "application/octet-stream"
	} else if is, err := m.drawing(f, head[:n]); is {
		if err != nil {
			m.err, m.fix = err.Error(), "export it again, or save it as PNG"
		}
		return m, nil
	}
	if err := m.whole(f); err != nil {
		m.err, m.fix = fmt.Sprintf("%s is damaged: %v", p, err), "copy or export it again"
		if strings.Contains(err.Error(), ": ") { // the error says what to do
			what, fix, _ := strings.Cut(err.Error(), ": ")
			m.err, m.fix = fmt.Sprintf("%s cannot be shown: %s", p, what), fix
		}
	}
	return m, nil
}

// glance is inspect for a file that only a page uses: it is not looked into.
func glance(root *os.Root, p string) (*medium, error) {
	f, err := openRegular(root, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	m := &medium{path: p, size: st.Size(), unseen: true}
	m.mime, m.what = sniff(head[:n], p)
	return m, nil
}

// openRegular opens a plain file below a root; links may lead to other places of the folder, not out of it.
func openRegular(root *os.Root, p string) (*os.File, error) {
	f, err := root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a plain file", p), err, f.Close())
	}
	return f, nil
}

// magic is how files begin, with their media type and a name for people.
type magic struct {
	offset     int
	bytes      string
	mime, what string
}

func magics() []magic {
	return []magic{
		{0, "\x89PNG\r\n\x1a\n", "image/png", "a PNG picture"},
		{0, "\xff\xd8\xff", "image/jpeg", "a JPEG picture"},
		{0, "GIF87a", "image/gif", "a GIF picture"},
		{0, "GIF89a", "image/gif", "a GIF picture"},
		{8, "WEBP", "image/webp", "a WebP picture"},
		{4, "ftypqt", "video/quicktime", "a QuickTime video"},
		{4, "ftypheic", "application/octet-stream", "a HEIC picture"},
		{4, "ftypavif", "application/octet-stream", "an AVIF picture"},
		{4, "ftypM4A", "audio/mp4", "a sound file"},
		{4, "ftyp", "video/mp4", "an MP4 video"},
		{0, "\x1a\x45\xdf\xa3", "video/matroska", "a Matroska or WebM video"},
		{8, "AVI ", "video/x-msvideo", "an AVI video"},
		{0, "OggS", "video/ogg", "an Ogg video"},
		{0, "fLaC", "audio/flac", "a FLAC file"},
		{0, "ID3", "audio/mpeg", "an MP3 file"},
		{8, "WAVE", "audio/wav", "a WAV file"},
		{0, "\x00\x00\x01\xba", "video/mpeg", "an MPEG video"},
		{0, "\x00\x00\x01\xb3", "video/mpeg", "an MPEG video"},
		{0, "\x00\x01\x00\x00", "font/ttf", "a TrueType font"},
		{0, "true", "font/ttf", "a TrueType font"},
		{0, "OTTO", "font/otf", "an OpenType font"},
		{0, "ttcf", "font/collection", "a font collection"},
		{0, "wOFF", "application/octet-stream", "a WOFF web font"},
		{0, "wOF2", "application/octet-stream", "a WOFF2 web font"},
		{0, "%PDF-", "application/pdf", "a PDF document"},
		{0, "PK\x03\x04", "application/zip", "a ZIP archive or an office document"},
	}
}

// sniff tells a file by how it begins; its name only decides between kinds of text.
func sniff(head []byte, p string) (mimeType, what string) {
	for _, m := range magics() {
		if len(head) >= m.offset+len(m.bytes) && string(head[m.offset:m.offset+len(m.bytes)]) == m.bytes {
			if m.mime == "video/ogg" && !bytes.Contains(head, []byte("theora")) {
				return "audio/ogg", "an Ogg or Opus sound file"
			}
			return m.mime, m.what
		}
	}
	if len(head) > 3 && head[0] == 0xff && head[1]&0xe6 == 0xe2 { // layer III
		return "audio/mpeg", "an MP3 file"
	}
	if len(head) > 3 && head[0] == 0xff && head[1]&0xf6 == 0xf0 {
		return "audio/aac", "an AAC file"
	}
	if len(head) > 376 && head[0] == 0x47 && head[188] == 0x47 && head[376] == 0x47 {
		return "video/mp2t", "an MPEG transport stream"
	}
	guess := http.DetectContentType(head)
	switch {
	case strings.HasPrefix(guess, "text/html"):
		return "text/html", "an HTML page"
	case strings.HasPrefix(guess, "text/"):
		if byName, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(p))); err == nil && strings.HasPrefix(byName, "text/") {
			return byName, "a text"
		}
		return "text/plain", "a text"
	}
	return "application/octet-stream", "of a kind that is not known"
}

// whole finds files that were cut off on their way, as far as their formats tell without decoding all of them.
func (m *medium) whole(f io.ReadSeeker) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	switch m.mime {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return m.picture(f)
	}
	return m.video(f)
}

// pictureEnd looks for the end marks of PNG and JPEG, and for the length that WebP writes at its beginning.
func pictureEnd(f io.ReadSeeker, mimeType string, size int64) error {
	tail := make([]byte, min(size, 64<<10))
	if _, err := f.Seek(size-int64(len(tail)), io.SeekStart); err != nil {
		return err
	}
	if _, err := io.ReadFull(f, tail); err != nil {
		return err
	}
	missing := false
	switch mimeType {
	case "image/png":
		missing = !bytes.Contains(tail, []byte("IEND\xaeB`\x82"))
	case "image/jpeg":
		missing = !bytes.Contains(tail, []byte("\xff\xd9"))
	case "image/webp":
		head := make([]byte, 8)
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.ReadFull(f, head); err != nil {
			return err
		}
		missing = int64(binary.LittleEndian.Uint32(head[4:]))+8 > size
	}
	if missing {
		return errors.New("its end is missing")
	}
	return nil
}

// mp4Boxes walks the outermost boxes of an MP4 file (ISO/IEC 14496-12): they must fill it, and its index, which it gives,
// must be there. Of a file in fragments it gives what is there.
func mp4Boxes(f io.ReadSeeker, size int64) (moov []byte, err error) {
	index := false
	for at := int64(0); at < size; {
		head := make([]byte, 16)
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(f, head)
		if n < 8 {
			return nil, fmt.Errorf("its last %d bytes are cut off", size-at)
		}
		if err != nil && n < 16 && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		length, name := int64(binary.BigEndian.Uint32(head)), string(head[4:8])
		switch {
		case length == 1 && n == 16:
			length = int64(binary.BigEndian.Uint64(head[8:]) & (1<<63 - 1))
		case length == 0:
			length = size - at
		}
		if length < 8 || length > size-at {
			return nil, fmt.Errorf("it ends before its part %q does", name)
		}
		index = index || name == "moov" || name == "moof"
		if name == "moov" && moov == nil && length > 8 && length <= maxIndex {
			if moov, err = body(f, at+8, length-8); err != nil {
				return nil, err
			}
		}
		at += length
	}
	if !index {
		return nil, errors.New("its index (moov) is missing: the recording or the copy was not finished")
	}
	return moov, nil
}

func body(f io.ReadSeeker, at, n int64) ([]byte, error) {
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(f, b)
	return b, err
}

// filesBelow lists the plain files of a folder, for "did you mean"; hidden ones are left out.
func filesBelow(root *os.Root, limit int) []string {
	var found []string
	_ = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || len(found) >= limit {
			return fs.SkipAll
		}
		if strings.HasPrefix(path.Base(p), ".") && p != "." {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			found = append(found, p)
		}
		return nil
	})
	return found
}
