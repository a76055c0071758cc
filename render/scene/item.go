package scene

// Kind says what an Item is.
type Kind string

// The kinds of item.
const (
	Video     Kind = "video"
	Image     Kind = "image"     // one still picture: JPEG, PNG, WebP, GIF, SVG
	Animation Kind = "animation" // a picture that moves: GIF, APNG, WebP; without sound, with alpha
	Page      Kind = "page"      // one page of a PDF
	Stream    Kind = "stream"    // live: HLS, MPEG-TS over UDP or RTP, RTSP, SRT
	Web       Kind = "web"       // a page that a browser draws, from the bundle or by https
	Audio     Kind = "audio"     // sound alone; in a Bed
)

// Still says that a picture of the kind is drawn once and has no length of its own.
func (k Kind) Still() bool { return k == Image || k == Page }

// Endless says that the kind goes on until its time is over.
func (k Kind) Endless() bool { return k == Stream || k == Web }

// Fit says how an item fills its zone.
type Fit string

// The ways to fit; the zero value stands for Cover.
const (
	Cover   Fit = "cover"   // fill the zone, crop what sticks out
	Contain Fit = "contain" // all of the picture, bars beside it
	Stretch Fit = "stretch" // fill the zone, proportions lost
)

// Item is one medium of a playlist.
type Item struct {
	Kind Kind `json:"kind"`
	// Src is a path, or the address of a stream or page.
	Src string `json:"src"`
	// For is how long the item stays. Zero: a video's or an animation's own length; all others need one.
	For        Duration    `json:"for,omitempty"`
	Fit        Fit         `json:"fit,omitempty"`
	Volume     int         `json:"volume,omitempty"`     // per cent, 0 (silent, the default) to 100
	Transition *Transition `json:"transition,omitempty"` // how the item comes; nil = cut
	Page       int         `json:"page,omitempty"`       // Page: which, from 1
	// StandIn is the path of a picture to be shown while a stream or page cannot be; "" = the last frame stays.
	StandIn string `json:"standIn,omitempty"`
	// Web: a name of a source whose rows the page gets, and whether it may see pages of other hosts than Src's.
	Source string   `json:"source,omitempty"`
	Hosts  []string `json:"hosts,omitempty"`

	// Web, bound by playout: path within the page's folder -> file. Src is one of its keys then; without Files it is an address.
	Files map[string]string   `json:"files,omitempty"`
	Rows  []map[string]string `json:"rows,omitempty"` // Web, bound by playout: column -> text
}

// Transition is how something comes onto the screen in the place of what was there.
type Transition struct {
	Kind   string   `json:"kind"`             // cut, fade, slide, wipe
	For    Duration `json:"for,omitempty"`    // 0 = 600 ms; 5 s at most
	Toward string   `json:"toward,omitempty"` // slide, wipe: left, right, up, down; "" = left
}

// Bed is sound below a scene, round and round for as long as the scene stays; it goes on without a gap where the next
// scene has the same one.
type Bed struct {
	Playlist []Item `json:"playlist"`         // of Kind Audio
	Volume   int    `json:"volume,omitempty"` // per cent; 0 = 100
	Duck     int    `json:"duck,omitempty"`   // per cent of Volume while an item on the screen has sound; 0 = 50
}
