package folder

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// itemDoc is "media/a.mp4", or an object that says what it is.
type itemDoc struct {
	Path string // the short form: its content tells what it is

	Image, Video, Document, Web, Stream, Audio string

	For        scene.Duration
	Fit        scene.Fit
	Volume     int
	Transition *transitionDoc
	StandIn    string
	Pages      pagesDoc
	Each       scene.Duration
	Source     string
	Hosts      []string
}

func (i *itemDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &i.Path)
	}
	type fields itemDoc
	return json.Unmarshal(b, (*fields)(i))
}

// word is how an item names its medium; "" is the short form.
func (i *itemDoc) word() (word, src string) {
	for _, w := range []struct{ word, src string }{{"image", i.Image}, {"video", i.Video}, {"document", i.Document},
		{"web", i.Web}, {"stream", i.Stream}, {"audio", i.Audio}} {
		if w.src != "" {
			return w.word, w.src
		}
	}
	return "", i.Path
}

// transitionDoc is "fade", or an object.
type transitionDoc struct{ scene.Transition }

func (t *transitionDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, &t.Kind)
	}
	return json.Unmarshal(b, &t.Transition)
}

// pagesDoc is 3, or "1-3,5".
type pagesDoc string

func (p *pagesDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		return json.Unmarshal(b, (*string)(p))
	}
	*p = pagesDoc(b)
	return nil
}

// bedDoc is a sound file, or an object.
type bedDoc struct {
	Playlist []itemDoc
	Volume   int
	Duck     int
}

func (d *bedDoc) UnmarshalJSON(b []byte) error {
	if isString(b) {
		d.Playlist = make([]itemDoc, 1)
		return json.Unmarshal(b, &d.Playlist[0])
	}
	type fields bedDoc
	return json.Unmarshal(b, (*fields)(d))
}

// kindsOf are what a word may name.
func kindsOf(word string) []scene.Kind {
	switch word {
	case "image":
		return []scene.Kind{scene.Image, scene.Animation}
	case "document":
		return []scene.Kind{scene.Page}
	case "":
		return []scene.Kind{scene.Image, scene.Animation, scene.Video, scene.Page, scene.Web}
	}
	return []scene.Kind{scene.Kind(word)}
}

// wordOf is the word for a kind.
func wordOf(k scene.Kind) string {
	switch k {
	case scene.Animation:
		return "image"
	case scene.Page:
		return "document"
	}
	return string(k)
}

// length says where an item's length is to be written, and how.
type length struct {
	at  string // a pointer; "" = it needs none
	fix string
}

// items resolves one entry of a playlist: one item, but for a document, which is one for each page.
func (l *loader) items(pointer string, d itemDoc, wanted length) []scene.Item {
	word, src := d.word()
	item := scene.Item{Kind: scene.Kind(word), Src: src, For: d.For, Fit: d.Fit, Volume: d.Volume, StandIn: d.StandIn, Source: d.Source, Hosts: d.Hosts}
	item.Transition = l.transition(pointer, d.Transition)
	l.tooLong(pointer, d.For)
	if word != "" {
		pointer = below(pointer, word)
	}
	if src == "" {
		return []scene.Item{item}
	}
	address := strings.Contains(src, "://")
	switch {
	case word == "stream" || word == "web" && address:
		l.address(pointer, word, src)
		l.near(pointer, d, item.Kind)
	case address:
		l.fault(pointer, false, fmt.Sprintf("%s is an address, not a file", short(src)),
			fmt.Sprintf("write {stream: %s, for: 5m} for a live stream, {web: %s, for: 30s} for a page", short(src), short(src)))
		return []scene.Item{item}
	default:
		f := l.file(pointer, src)
		if f == nil || !l.fits(pointer, f, word, &item) {
			return []scene.Item{item}
		}
		l.near(pointer, d, item.Kind)
		if item.Kind == scene.Page {
			return l.pages(pointer, d, f, item, wanted)
		}
		if item.Kind == scene.Web {
			l.pageFolder(pointer, src)
		}
		l.tooShort(pointer, f, item, wanted)
	}
	if (item.Kind.Still() || item.Kind.Endless()) && item.For == 0 && wanted.at != "" {
		l.fault(wanted.at, wanted.at != pointer, fmt.Sprintf("%s is %s and has no length", short(src), article(item.Kind)), "write "+wanted.fix)
	}
	return []scene.Item{item}
}

// fits gives an item the kind that its file's content has; false when that is none that may be here.
func (l *loader) fits(pointer string, f *medium, word string, item *scene.Item) bool {
	kind := f.kind()
	wanted := kindsOf(word)
	switch {
	case kind == "" || kind == scene.Audio && word == "":
		what, fix := "neither a picture nor a video", "use PNG, JPEG, WebP, GIF, SVG, MP4, MOV, WebM, MKV, MPEG-TS or PDF"
		if kind == scene.Audio {
			fix = "write audio: " + f.path + " in the scene, outside of the playlist"
		} else if f.fix != "" {
			fix = f.fix
		}
		if word == "audio" {
			what, fix = "no sound file", "use MP3, AAC, FLAC, Ogg, Opus or WAV"
		}
		l.fault(pointer, false, fmt.Sprintf("%s is %s, it is %s", f.path, what, f.what), fix)
		return false
	case !slices.Contains(wanted, kind):
		item.Kind = kind
		l.fault(pointer, false, fmt.Sprintf("%s is %s", f.path, f.what), fmt.Sprintf("write %s: %s", wordOf(kind), f.path))
		return false
	}
	item.Kind = kind
	return true
}

// article is what a kind is, for people.
func article(k scene.Kind) string {
	switch k {
	case scene.Web:
		return "a page"
	case scene.Stream:
		return "a live stream"
	case scene.Animation:
		return "an animation"
	}
	return "a picture"
}

// near looks at what stands beside an item's medium: only some kinds have pages, sources and the like.
func (l *loader) near(pointer string, d itemDoc, kind scene.Kind) {
	object := pointer
	if word, _ := d.word(); word != "" {
		object, _ = parent(pointer)
	}
	for _, f := range []struct {
		field string
		has   bool
		kinds []scene.Kind
		whose string
	}{
		{"pages", d.Pages != "", []scene.Kind{scene.Page}, "a document"},
		{"each", d.Each != 0, []scene.Kind{scene.Page}, "a document"},
		{"source", d.Source != "", []scene.Kind{scene.Web}, "a page"},
		{"hosts", len(d.Hosts) > 0, []scene.Kind{scene.Web}, "a page"},
		{"standIn", d.StandIn != "", []scene.Kind{scene.Web, scene.Stream}, "a page or a stream"},
	} {
		if f.has && !slices.Contains(f.kinds, kind) {
			l.fault(object+"/"+f.field, true, fmt.Sprintf("only %s has %q", f.whose, f.field), "take it out")
		}
	}
	l.source(object+"/source", d.Source)
	for i, h := range d.Hosts {
		if bundle.CheckHost(h) != nil {
			l.fault(fmt.Sprintf("%s/hosts/%d", object, i), false, fmt.Sprintf("%q is not the name of a host", short(h)), "write it without https:// and without a path, such as www.example.com")
		}
	}
	if d.StandIn != "" {
		if f := l.file(object+"/standIn", d.StandIn); f != nil && f.kind() != scene.Image && f.kind() != scene.Animation {
			l.fault(object+"/standIn", false, fmt.Sprintf("%s is not a picture, it is %s", d.StandIn, f.what), "use PNG, JPEG, WebP, GIF or SVG")
		}
	}
}

func (l *loader) address(pointer, word, src string) {
	if word == "stream" {
		if err := bundle.CheckStream(src); err != nil {
			l.fault(pointer, false, err.Error(), "write the address in full, such as https://example.com/live/index.m3u8, udp://239.0.0.1:5004, rtsp://camera/1 or srt://encoder:9000")
		}
		return
	}
	if plain, ok := strings.CutPrefix(src, "http://"); ok {
		l.fault(pointer, false, fmt.Sprintf("%s would come over the network as anybody likes to change it", short(src)), "write https://"+short(plain))
	} else if err := bundle.CheckPage(src); err != nil {
		l.fault(pointer, false, err.Error(), "write the address in full, such as https://www.example.com/board")
	}
}

// maxPageFiles bounds the folder of a page.
const maxPageFiles = 2000

// pageFolder takes the whole folder of a page into the bundle: pictures, scripts and styles that it loads.
func (l *loader) pageFolder(pointer, src string) {
	dir := bundle.PageFolder(src)
	if dir == "" {
		l.fault(pointer, false, fmt.Sprintf("%s lies in the bundle's own folder, and all that is beside a page belongs to it", src), "move it into a folder of its own, such as web/board/index.html")
		return
	}
	n := 0
	for _, p := range l.listing() {
		if !strings.HasPrefix(p, dir+"/") {
			continue
		}
		if n++; n > maxPageFiles {
			l.fault(pointer, false, fmt.Sprintf("the page's folder %s has more than %d files", dir, maxPageFiles), "move what the page does not need elsewhere")
			return
		}
		l.part(pointer, p)
	}
}

// part takes a file into the bundle whose content is nobody's business but the page's.
func (l *loader) part(pointer, p string) {
	if l.files[p] != nil {
		return
	}
	m, err := glance(l.root, p)
	if err == nil {
		err = bundle.CheckPath(p)
	}
	if err != nil {
		l.fault(pointer, false, fmt.Sprintf("%s belongs to the page and cannot be taken: %v", short(p), err), "give it another name, or move it elsewhere")
		return
	}
	if m.size > 0 { // an empty one is as good as none
		l.files[p] = m
	}
}

// listing are the plain files of the folder, hidden ones left out.
func (l *loader) listing() []string {
	if l.all == nil {
		l.all = filesBelow(l.root, 10_000)
	}
	return l.all
}

// tooShort refuses an animation whose own length is next to nothing where nothing else says how long it stays.
func (l *loader) tooShort(pointer string, f *medium, item scene.Item, wanted length) {
	if item.Kind == scene.Animation && item.For == 0 && wanted.at != "" && f.length < 100*time.Millisecond {
		l.fault(wanted.at, wanted.at != pointer, fmt.Sprintf("%s is an animation of %s", f.path, f.length), "write "+wanted.fix)
	}
}

// transition is nil for a cut. The pointer is that of the object that has it.
func (l *loader) transition(pointer string, d *transitionDoc) *scene.Transition {
	if d == nil || d.Kind == "" {
		return nil
	}
	pointer += "/transition"
	if bundle.CheckTransition(&scene.Transition{Kind: "fade", For: d.For}) != nil {
		l.fault(pointer+"/for", false, fmt.Sprintf("a transition of %s is too long", time.Duration(d.For)), "write 5s at most")
	}
	if d.Toward != "" && d.Kind != "slide" && d.Kind != "wipe" {
		l.fault(pointer+"/toward", true, fmt.Sprintf("a %s does not go toward anything", d.Kind), "take it out, or write kind: slide")
	}
	if d.Kind == "cut" {
		return nil
	}
	t := d.Transition
	return &t
}

// tooLong refuses lengths that players would.
func (l *loader) tooLong(pointer string, d scene.Duration) {
	if time.Duration(d) > bundle.MaxFor {
		l.fault(pointer+"/for", false, fmt.Sprintf("a length of %s is too long", time.Duration(d)), fmt.Sprintf("write %dh at most", int(bundle.MaxFor.Hours())))
	}
}

// bed is the sound of a scene. Its items are as loud as it is, unless they say otherwise.
func (l *loader) bed(pointer string, d *bedDoc) *scene.Bed {
	if d == nil {
		return nil
	}
	bed := &scene.Bed{Volume: d.Volume, Duck: d.Duck}
	for i, one := range d.Playlist {
		at := fmt.Sprintf("%s/playlist/%d", pointer, i)
		if _, long := l.tree.values[pointer+"/playlist"]; !long {
			at = pointer
		}
		if one.Path != "" {
			one.Audio, one.Path = one.Path, ""
			if f := l.file(at, one.Audio); f != nil {
				item := scene.Item{Src: one.Audio}
				if !l.fits(at, f, "audio", &item) {
					continue
				}
			}
		}
		if one.Volume == 0 {
			one.Volume = 100
		}
		bed.Playlist = append(bed.Playlist, l.items(at, one, length{})...)
	}
	return bed
}

// pictures takes the pictures of a folder into the bundle: rows name them.
func (l *loader) pictures(pointer, dir string) string {
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		return ""
	}
	taken := 0
	for _, p := range l.listing() {
		if !strings.HasPrefix(p, dir+"/") {
			continue
		}
		_, used := l.files[p]
		if f := l.file(pointer, p); f != nil && f.kind() == scene.Image {
			taken++
		} else if !used {
			delete(l.files, p)
		}
	}
	if taken == 0 {
		l.fault(pointer, false, fmt.Sprintf("there is no picture in the folder %s", short(dir)), "write a folder with PNG, JPEG, WebP, GIF or SVG files, such as media/dishes")
	}
	return path.Clean(dir)
}
