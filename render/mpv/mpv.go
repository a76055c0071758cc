// Package mpv turns video files into frames, by libmpv.
//
//	Load ──> paused on its first frame ── Ready ──> Play ──> frames ── Fresh, Render ──> the caller's pixels
//	                                                           └────── Ended: the last frame stays
//
// libmpv draws nothing by itself here (vo=libmpv, software render API): it scales and converts each frame straight into
// memory that the caller owns. It reads one local file and nothing else: no configuration, no scripts, no network.
//
// Where the time of 1080p30 H.264 goes without a GPU, by profile: 88 % into libavcodec, 5 % into swscale's conversion to
// RGB, 4 % into the kernel. VLC's profile is the same (89 %, 6 %, 2 %): what it saves against plain mpv is the conversion,
// which mpv's own window does exactly and with a bicubic filter, and late frames, which it leaves out. sws-fast is that
// saving here; a frame is decoded and shown whole all the same.
//
// Not set is video-latency-hacks, though a waiting file would hold one frame less (6 MiB of 1080p): with it libmpv reports
// that it plays before its first frame has been rendered, and what comes would now and then begin black.
//
// The real thing needs the build tag mpv and libmpv's headers. Without the tag New says that video cannot be played.
package mpv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"vitrine/render/scene"
)

// Config is what all files of a Core have in common.
type Config struct {
	Wake  func() // called from foreign threads when there may be something new; must not block nor call the Core
	Hwdec string // as mpv's option; "" = Hwdec()
	// Live cores play addresses of live streams, and those alone. They do not wait on the first frame, and begin silent.
	Live bool
}

// protocols are what libav may use for an address, by its scheme; nil for one that is not live. None of them opens files.
func protocols(address string) []string {
	scheme, _, _ := strings.Cut(address, "://")
	switch scheme {
	case "https", "http":
		return []string{"http", "https", "tcp", "tls", "crypto"} // HLS names segments, and keys
	case "udp":
		return []string{"udp"}
	case "rtp":
		return []string{"rtp", "udp"}
	case "rtsp":
		return []string{"rtsp", "rtp", "udp", "tcp"}
	case "srt":
		return []string{"srt"}
	}
	return nil
}

// plainAddress is an address as libmpv takes it: others write udp://@group:port for a group to be joined.
func plainAddress(address string) string {
	for _, scheme := range []string{"udp://", "rtp://"} {
		if rest, ok := strings.CutPrefix(address, scheme+"@"); ok {
			return scheme + rest
		}
	}
	return address
}

// liveOptions are those of a libmpv that plays live streams: the same walls but for the network, and next to no cache.
func liveOptions(hwdec string) [][2]string {
	o := append(options(hwdec), [][2]string{
		{"access-references", "yes"}, // HLS is nothing but references; protocols walls them in
		{"pause", "no"}, {"volume", "0"}, {"network-timeout", "10"}, {"user-agent", "Vitrine"}, {"tls-verify", "yes"},
		{"cache", "yes"}, {"cache-pause", "no"}, {"cache-secs", "10"}, {"demuxer-max-bytes", "32MiB"}, {"demuxer-readahead-secs", "3"},
		{"demuxer-lavf-analyzeduration", "3"}, {"rtsp-transport", "tcp"}, {"framedrop", "decoder+vo"},
	}...)
	const authorities = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(authorities); err == nil {
		o = append(o, [2]string{"tls-ca-file", authorities})
	}
	return o
}

// errAddress says why an address cannot be a live stream before libmpv is asked.
func errAddress(address string) error {
	if protocols(address) == nil {
		return fmt.Errorf("%q is not the address of a live stream", address)
	}
	return nil
}

// errFile says why a path cannot be a video before libmpv is asked.
func errFile(path string) error {
	if !filepath.IsAbs(path) || strings.Contains(path, "://") {
		return fmt.Errorf("%q is not the absolute path of a local file; the renderer plays nothing else", path)
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the video %s is not there; publish the bundle again", path)
	case err != nil:
		return fmt.Errorf("the video cannot be opened: %w", err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case st.Size() == 0:
		return fmt.Errorf("the video %s is empty; publish the bundle again", path)
	}
	return nil
}

// Hwdec says what to ask libmpv for: "no" on a machine without a device that could decode, so that no file pays for
// the search, else "auto-copy-safe".
func Hwdec() string {
	for _, pattern := range []string{"/dev/dri/renderD*", "/dev/video1[0-9]", "/dev/nvidia0"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return "auto-copy-safe"
		}
	}
	return "no"
}

// threads of a decoder: one for each processor, at most four.
func threads() string { return strconv.Itoa(min(4, runtime.NumCPU())) }

// options are set before libmpv starts. Each is one that a signage player must not leave to a default.
func options(hwdec string) [][2]string {
	if hwdec == "" {
		hwdec = Hwdec()
	}
	return [][2]string{
		{"vo", "libmpv"}, {"config", "no"}, {"terminal", "no"}, {"idle", "yes"},
		{"load-scripts", "no"}, {"ytdl", "no"}, {"osc", "no"}, {"load-stats-overlay", "no"}, {"load-osd-console", "no"},
		{"load-auto-profiles", "no"}, {"input-default-bindings", "no"}, {"input-vo-keyboard", "no"},
		{"osd-level", "0"}, {"sid", "no"}, {"sub-auto", "no"}, {"audio-file-auto", "no"}, {"cover-art-auto", "no"},
		{"audio-display", "no"}, {"autoload-files", "no"},
		// One file is one file: nothing it names is opened, and no playlist is taken from it.
		{"demuxer", "lavf"}, {"demuxer-lavf-o", "protocol_whitelist=file"}, {"access-references", "no"},
		{"load-unsafe-playlists", "no"}, {"ordered-chapters", "no"}, {"resume-playback", "no"},
		{"video-rotate", "no"}, // see setUpright
		{"keep-open", "always"}, {"pause", "yes"}, {"force-window", "no"}, {"audio-fallback-to-null", "yes"},
		// A frame is handed over when it is due, not 50 ms before: the compositor shows it at once.
		{"video-timing-offset", "0"}, {"video-sync", "audio"}, {"framedrop", "vo"},
		{"hwdec", hwdec}, {"vd-lavc-threads", threads()}, {"vd-lavc-dr", "yes"},
		{"cache", "no"}, {"demuxer-max-bytes", "8MiB"}, {"demuxer-max-back-bytes", "0"},
		{"sws-fast", "yes"}, {"sws-allow-zimg", "no"},
	}
}

// soundOptions are those of a libmpv that plays sound alone: the same walls, no picture, and one file after the other.
func soundOptions() [][2]string {
	return append(options("no"), [][2]string{
		{"vo", "null"}, {"vid", "no"}, {"pause", "no"}, {"keep-open", "no"}, {"volume", "0"},
		{"loop-playlist", "inf"}, {"gapless-audio", "yes"}, {"prefetch-playlist", "yes"}, {"vd-lavc-threads", "1"},
	}...)
}

// fitting are the two properties that make libmpv fill its rectangle as the fit says.
func fitting(f scene.Fit) (panscan float64, keepAspect bool) {
	switch f {
	case scene.Contain, scene.Stretch: // for the one the caller gives a rectangle of the picture's own shape
		return 0, false
	default:
		return 1, true
	}
}
