package playout

import (
	"cmp"
	"encoding/json"
	"path/filepath"
	"strings"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/store"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// bind makes of an item a scene that the renderer can show: bundle paths become files, sources become rows. false: a
// file is not here, or nothing of the scene is left.
func (p *Playout) bind(item string) (scene.Scene, scene.Size, bool) {
	if item == CardItem {
		sc, canvas := p.cardScene()
		return sc, canvas, true
	}
	if sc, ok := p.alerts.scenes[item]; ok {
		return sc, p.alerts.canvas, true
	}
	src, ok := p.sceneOf(item)
	if !ok {
		return scene.Scene{}, scene.Size{}, false
	}
	b := binder{live: p.live, feeds: p.cfg.Feeds}
	sc := scene.Scene{For: src.For, Background: src.Background, Transition: src.Transition, Audio: b.bed(src.Audio)}
	left := 0
	for _, z := range src.Zones {
		bound, ok := b.zone(z)
		if ok {
			left++
		} else { // the renderer knows zones by their place in the list
			bound = scene.Zone{At: z.At, Z: z.Z}
		}
		sc.Zones = append(sc.Zones, bound)
	}
	return sc, p.live.Manifest.Canvas, !b.broken && left > 0
}

// cardScene is the player's own page, in the size of the screen. It stays until something else is queued.
func (p *Playout) cardScene() (scene.Scene, scene.Size) {
	p.mu.Lock()
	c := p.card
	p.mu.Unlock()
	canvas := p.size()
	if c.Name == "" {
		c.Name = p.live.Settings.Name
	}
	c.Language = p.lang()
	return scene.Scene{For: scene.Duration(24 * 60 * 60 * 1e9), Zones: []scene.Zone{{At: scene.Rect{0, 0, canvas.Width, canvas.Height}, Card: &c}}}, canvas
}

// print is what an item looks like, but for rows: equal prints are the same picture.
func (p *Playout) print(item string) string {
	if sc, ok := p.alerts.scenes[item]; ok {
		return text([]any{sc, p.alerts.canvas})
	}
	m := p.live.Manifest
	if m == nil || item == CardItem {
		return item
	}
	var of struct {
		Canvas  scene.Size
		Scene   scene.Scene
		Files   []bundle.Digest
		Sources map[string]bundle.SourceSpec
	}
	of.Canvas, of.Scene, of.Files, of.Sources = m.Canvas, m.Scenes[item], m.SceneFiles(item), map[string]bundle.SourceSpec{}
	for _, name := range m.SceneSources(item) {
		of.Sources[name] = m.Sources[name]
	}
	return text(of)
}

// outgrown says that the card was drawn for a screen of another size.
func (p *Playout) outgrown() bool {
	s := cmp.Or(p.waiting, p.on)
	return s != nil && s.item == CardItem && s.canvas != p.size()
}

// rebind tells the renderer when rows or the card have changed under what is on or waits.
func (p *Playout) rebind() {
	for _, s := range []*showing{p.on, p.waiting} {
		if s == nil || s.item != CardItem && s.print != p.print(s.item) {
			continue
		}
		sc, canvas, ok := p.bind(s.item)
		if !ok || canvas != s.canvas || text(sc) == s.told { // an update does not change the canvas
			continue
		}
		s.scene, s.told = sc, text(sc)
		p.tell(pipe.Command{Op: pipe.OpUpdate, ID: s.id, Scene: &sc})
	}
}

// tellOverlays tells the renderer what is painted above everything, when that has changed.
func (p *Playout) tellOverlays() {
	scenes := []scene.Scene{}
	for _, id := range p.decision.Overlays {
		for _, e := range p.events() {
			if e.ID != id {
				continue
			}
			for _, item := range e.Items {
				if sc, _, ok := p.bind(item); ok {
					scenes = append(scenes, sc)
				}
			}
		}
	}
	canvas := p.size()
	if p.live.Manifest != nil {
		canvas = p.live.Manifest.Canvas
	}
	if page, ok := p.servicePage(canvas); ok {
		scenes = append(scenes, page)
	}
	if strip, ok := p.strip(canvas); ok {
		scenes = append(scenes, strip)
	}
	told := text(scenes)
	if told == p.overlays || p.overlays == "" && len(scenes) == 0 {
		return
	}
	p.overlays = told
	p.tell(pipe.Command{Op: pipe.OpOverlay, Overlays: scenes, Canvas: canvas})
}

// binder fills one scene.
type binder struct {
	live   *store.Live
	feeds  feeds
	broken bool // a file is not here
}

// zone copies a zone with its files and rows; false leaves it out: its rows are not to be shown.
func (b *binder) zone(z scene.Zone) (scene.Zone, bool) {
	z = cloneZone(z)
	for i := range z.Playlist {
		b.item(&z.Playlist[i])
	}
	switch {
	case z.Text != nil:
		b.style(&z.Text.Style)
		for i := range z.Text.Spans {
			b.fonts(z.Text.Spans[i].Font)
		}
	case z.Countdown != nil:
		b.style(&z.Countdown.Style)
	case z.Clock != nil:
		b.style(&z.Clock.Style)
	case z.Ticker != nil:
		b.style(&z.Ticker.Style)
	case z.Table != nil:
		b.style(&z.Table.Style)
	case z.Chart != nil:
		b.style(&z.Chart.Style)
	case z.Cards != nil:
		b.style(&z.Cards.Style)
	case z.Weather != nil:
		b.style(&z.Weather.Style)
	case z.Calendar != nil:
		b.style(&z.Calendar.Style)
	}
	ok := connect.Filler{Rows: b.rows, Page: b.paging, Picture: b.picture}.Zone(&z)
	return z, ok
}

func (b *binder) file(name string) string {
	path, ok := b.live.Path(name)
	if !ok {
		b.broken = true
		return name
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// style resolves fonts that are files of the bundle; the others are names of families.
func (b *binder) style(s *scene.Style) { b.fonts(s.Font) }

func (b *binder) fonts(fonts []string) {
	for i, f := range fonts {
		if _, own := b.live.Manifest.Files[f]; own && strings.Contains(f, ".") {
			fonts[i] = b.file(f)
		}
	}
}

// rows are those of a source, unless they are too old to be shown.
func (b *binder) rows(source string) (connect.Result, bool) {
	if b.feeds == nil {
		return connect.Result{}, false
	}
	r, ok := b.feeds.Result(source)
	expired := r.Expired && b.live.Manifest.Sources[source].Keep.WhenExpired != "show"
	if expired && b.live.Manifest.Sources[source].Keep.WhenExpired == "fallback" {
		b.broken = true // another item stands in
	}
	return r, ok && (len(r.Rows) > 0 || !r.FetchedAt.IsZero()) && !expired
}

// paging is how a source turns its rows over.
func (b *binder) paging(source string) bundle.RowPage { return b.live.Manifest.Sources[source].Page }

// cloneZone copies a zone deeply: a manifest is shared and never changed.
func cloneZone(z scene.Zone) scene.Zone {
	var c scene.Zone
	b, err := json.Marshal(z)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return z // cannot be: it was read from JSON
	}
	return c
}
