//go:build mpv

package mpv

import (
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"github.com/gen2brain/go-mpv"
)

// listen turns libmpv's events into the state of the present file, until Close or libmpv's end.
func (c *Core) listen() {
	defer close(c.ended)
	for {
		ev := c.m.WaitEvent(-1)
		c.mu.Lock()
		closing := c.closing
		c.mu.Unlock()
		if closing || ev.EventID == mpv.EventShutdown {
			return
		}
		if c.note(ev) {
			c.wake()
		}
	}
}

// note says whether the compositor should look.
func (c *Core) note(ev *mpv.Event) bool {
	switch ev.EventID {
	case mpv.EventStart:
		c.mu.Lock()
		c.dropped += c.file.dropped
		c.file = file{entry: ev.StartFile().EntryID}
		c.mu.Unlock()
		return false
	case mpv.EventFileLoaded:
		if v := c.m.GetPropertyString("vid"); v == "no" || v == "" {
			c.fail(errors.New("the file has no picture that can be decoded; is it a video, and is its codec one that libmpv was built with?"))
			return true
		}
		return false
	case mpv.EventPlaybackRestart: // comes when the first frame has been rendered
		c.noteFirst()
		return true
	case mpv.EventHook:
		c.setUpright()
		c.chooseStart()
		_ = c.m.HookContinue(ev.Hook().ID) // of no consequence once libmpv is ending
		return false
	case mpv.EventEnd:
		end := ev.EndFile()
		if end.Reason == mpv.EndFileError {
			c.fail(sentence(end.Error))
			return true
		}
		return false
	case mpv.EventPropertyChange:
		return c.noteProperty(ev)
	}
	return false
}

// setUpright has a filter turn what a flag in the file says is to be turned: libmpv's software renderer, unlike its others,
// takes no notice of it and then reads outside of the picture.
func (c *Core) setUpright() {
	v, _ := c.m.GetProperty("track-list/count", mpv.FormatInt64)
	n, _ := v.(int64)
	for i := range n {
		track := fmt.Sprintf("track-list/%d/", i)
		if c.m.GetPropertyString(track+"type") != "video" || c.m.GetPropertyString(track+"albumart") == "yes" {
			continue
		}
		v, _ := c.m.GetProperty(track+"demux-rotation", mpv.FormatInt64)
		quarters, _ := v.(int64)
		if filter := turning(quarters); filter != "" {
			_ = c.m.SetPropertyString("file-local-options/vf", filter)
		}
		return
	}
}

// turning is the filter for so many degrees clockwise, "" where there is nothing to turn.
func turning(degrees int64) string {
	switch (degrees%360 + 360) % 360 {
	case 90:
		return "lavfi=[transpose=clock]"
	case 180:
		return "lavfi=[hflip,vflip]"
	case 270:
		return "lavfi=[transpose=cclock]"
	}
	return ""
}

// chooseStart is asked between the opening of a file and its first frame.
func (c *Core) chooseStart() {
	c.mu.Lock()
	start := c.start
	c.mu.Unlock()
	if start <= 0 {
		return
	}
	v, _ := c.m.GetProperty("duration", mpv.FormatDouble)
	if d, _ := v.(float64); d > 0 {
		at := fmt.Sprintf("%.3f", math.Mod(start.Seconds(), d))
		_ = c.m.SetPropertyString("file-local-options/start", at) // else it begins at its beginning
	}
}

// noteFirst takes what is known once there is a frame; a file that ends before it has one comes here too.
func (c *Core) noteFirst() {
	w, err := c.m.GetProperty("video-out-params/dw", mpv.FormatInt64)
	if err != nil {
		c.fail(errors.New("not one picture in the file can be decoded; it is damaged or cut short: publish it again"))
		return
	}
	h, _ := c.m.GetProperty("video-out-params/dh", mpv.FormatInt64)
	x, _ := w.(int64)
	y, _ := h.(int64)
	hwdec := c.m.GetPropertyString("hwdec-current")
	d, _ := c.m.GetProperty("duration", mpv.FormatDouble) // a file as long as the one before is no change, and not told
	seconds, _ := d.(float64)
	aid := c.m.GetPropertyString("aid")
	c.mu.Lock()
	c.file.sounds = aid != "no" && aid != ""
	c.file.shown, c.file.size, c.hwdec = true, image.Pt(int(x), int(y)), hwdec
	if seconds > 0 {
		c.file.length = time.Duration(seconds * float64(time.Second))
	}
	c.mu.Unlock()
}

func (c *Core) noteProperty(ev *mpv.Event) bool {
	p := ev.Property()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch ev.ReplyUserdata {
	case eofReached:
		v, _ := p.Data.(int)
		c.file.eof = v == 1
		return c.file.eof
	case length:
		v, _ := p.Data.(float64)
		c.file.length = time.Duration(v * float64(time.Second))
		return v > 0
	case position:
		if v, ok := p.Data.(float64); ok {
			c.file.at, c.file.since = time.Duration(v*float64(time.Second)), time.Now()
		}
	case lateFrames:
		v, _ := p.Data.(int64)
		c.file.dropped = uint64(max(0, v))
	}
	return false
}

func (c *Core) fail(err error) {
	c.mu.Lock()
	c.file.err = err
	c.mu.Unlock()
}

// sentence says what libmpv's error means for whoever published the file.
func sentence(err error) error {
	switch {
	case errors.Is(err, mpv.ErrLoadingFailed):
		return errors.New("the file cannot be read; check that it is whole and publish it again")
	case errors.Is(err, mpv.ErrUnknownFormat):
		return errors.New("the file is no video that libmpv knows, or it is damaged; play it on another machine, and publish it again")
	case errors.Is(err, mpv.ErrNothingToPlay):
		return errors.New("nothing in the file can be decoded; convert it to H.264 in MP4 and publish it again")
	case err == nil:
		return errors.New("libmpv gave the file up and did not say why; play it on another machine")
	default:
		return fmt.Errorf("libmpv gave the file up: %w", err)
	}
}
