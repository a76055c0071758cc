// Package pipe starts, feeds and watches the renderer process.
//
//	playout ──Command──> stdin  ┌─────────────────┐
//	                            │ vitrine-render  │──> screen
//	playout <──Report─── stdout └─────────────────┘
//
// Both ways are JSON, one object a line. The screen never shows nothing in between: what was shown last stays until the
// first frame of the next scene is ready, also when the renderer dies and is started again.
package pipe

import (
	"time"

	"vitrine/render/scene"
)

// Command is what the player tells the renderer.
type Command struct {
	Op string `json:"op"` // one of the Op constants

	// ID names one showing of a scene (not the scene: each turn of a loop has a new one). Queue and Update.
	ID     uint64       `json:"id,omitempty"`
	Canvas scene.Size   `json:"canvas,omitzero"`
	Scene  *scene.Scene `json:"scene,omitempty"`
	// Now: change as soon as the first frame is ready; otherwise at the end of what is shown.
	Now bool `json:"now,omitempty"`
	// Start is where in its own time the scene begins.
	Start scene.Duration `json:"start,omitempty"`
	// Reels is where each playlist begins, as a pulse of an earlier showing of the scene told; those it leaves out begin
	// where Start says.
	Reels []Reel `json:"reels,omitempty"`
	// Epoch is when the scene's own time is 0, by the system's clock, where screens agree on it: the scene waits for its time, its
	// lengths count from there, and its videos are held to it. Zero: from when the scene comes.
	Epoch time.Time `json:"epoch,omitzero"`

	Overlays []scene.Scene `json:"overlays,omitempty"` // Overlay: painted above everything, in this order
	Zone     string        `json:"zone,omitempty"`     // Settings: IANA, for clocks that name none
	Locale   string        `json:"locale,omitempty"`   // Settings
	On       bool          `json:"on,omitempty"`       // Screen
	Volume   int           `json:"volume,omitempty"`   // Volume: per cent of what the items say, 0 to 100
	Picture  *Picture      `json:"picture,omitempty"`  // Picture; nil = as it is

	Path  string `json:"path,omitempty"`  // Shot: file to write, .png or .jpg
	Width int    `json:"width,omitempty"` // Shot: pixels; 0 = as shown
}

// The commands.
const (
	OpQueue    = "queue"    // show a scene, now or next; a later Queue replaces one that waits
	OpUpdate   = "update"   // the same showing with other widget contents; media go on undisturbed
	OpOverlay  = "overlay"  // replace all overlays
	OpSettings = "settings" // clock zone and locale
	OpScreen   = "screen"   // on or off
	OpVolume   = "volume"   // of all sound; 100 at the start
	OpPicture  = "picture"  // brightness, contrast and gamma of all that is shown
	OpShot     = "shot"     // write a picture of what is really shown
	OpQuit     = "quit"     // leave the screen and end
)

// Report is what the renderer tells the player.
type Report struct {
	Ev string    `json:"ev"` // one of the Ev constants
	At time.Time `json:"at"`
	ID uint64    `json:"id,omitempty"`

	// Ready
	Output  string     `json:"output,omitempty"` // x11, memory
	Size    scene.Size `json:"size,omitzero"`
	Refresh float64    `json:"refresh,omitempty"` // hertz
	MPV     string     `json:"mpv,omitempty"`     // libmpv's version; "" = without video
	Hwdec   string     `json:"hwdec,omitempty"`   // Pulse: what decodes: "no" = software
	PID     int        `json:"pid,omitempty"`     // the renderer's process

	// Ended, Failed
	Reason string `json:"reason,omitempty"` // Ended: eof, time, replaced, failed. Failed: ReasonGone, or none
	Src    string `json:"src,omitempty"`    // Failed: the file
	Error  string `json:"error,omitempty"`  // Failed, Shot: a sentence
	Killed bool   `json:"killed,omitempty"` // Failed, ReasonGone: somebody else ended it (SIGKILL, SIGTERM), no fault of what it showed

	// Ended (of this showing), Pulse (since the start)
	Presented uint64 `json:"presented,omitempty"` // frames put on the screen
	Dropped   uint64 `json:"dropped,omitempty"`   // video frames that came too late
	Memory    int64  `json:"memory,omitempty"`    // Pulse: proportional bytes (proc(5), Pss), looked up every 10 s
	Reels     []Reel `json:"reels,omitempty"`     // Pulse: where the playlists of the showing ID are

	Path string `json:"path,omitempty"` // Shot

	Input     *Input    `json:"input,omitempty"`     // Input
	Monitors  []Monitor `json:"monitors,omitempty"`  // Ready, Monitors
	Unplugged bool      `json:"unplugged,omitempty"` // Ready, Monitors: the output is for displays, and none is connected
}

// Reel is where a playlist is.
type Reel struct {
	Zone int            `json:"zone"`           // its place in the scene's list
	Item int            `json:"item"`           // in the playlist, from 0
	At   scene.Duration `json:"at"`             // since the item's beginning
	Of   scene.Duration `json:"of,omitempty"`   // how long the item is; 0 = not known
	Skew *float64       `json:"skew,omitempty"` // seconds by which an aligned video is ahead of its time; nil = not known
}

// Picture is how everything that is shown is corrected for the screen it is shown on. The zero value changes nothing.
type Picture struct {
	Brightness int     `json:"brightness,omitempty"` // -100 to 100 per cent
	Contrast   int     `json:"contrast,omitempty"`   // -100 to 100 per cent
	Gamma      float64 `json:"gamma,omitempty"`      // 0.2 to 5; 0 = 1
	Warmth     int     `json:"warmth,omitempty"`     // 0 to 100: less blue
}

// Input is something that a person in front of the screen did.
type Input struct {
	Key   string  `json:"key,omitempty"`   // its X name with its modifiers: "F12", "ctrl+alt+s"; "" = a touch or click
	Point *[2]int `json:"point,omitempty"` // of a touch, pixels of what is composed
}

// Monitor is a connected display.
type Monitor struct {
	Name    string     `json:"name"` // the connector: HDMI-1
	At      [2]int     `json:"at"`   // on the X screen
	Size    scene.Size `json:"size"`
	Refresh float64    `json:"refresh"` // hertz
}

// The reports.
const (
	EvReady    = "ready"    // once, after the start
	EvStarted  = "started"  // the first frame of a showing is on the screen
	EvEnded    = "ended"    // a showing has left the screen
	EvFailed   = "failed"   // a medium of a showing cannot be shown; the showing goes on without it, or ends if it was all. ID 0: the renderer itself
	EvPulse    = "pulse"    // each second, and when an item begins: presented frames, memory, where playlists are
	EvInput    = "input"    // a key or a touch
	EvMonitors = "monitors" // displays came or went, or changed their mode
	EvShot     = "shot"     // a picture is written, or Error says why not
)

// ReasonAnew is that of an EvMonitors when the renderer ends so that it is started for other displays; its last frame
// stays until then, and its end is no failure.
const ReasonAnew = "anew"

// ReasonGone is that of an EvFailed when the renderer's process has ended; another one is started.
const ReasonGone = "gone"
