package main_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// sender is a real program that sends one colour to an address, and can be killed and started again. One that ends by
// itself begins again, as senders do: ffmpeg's SRT takes a single caller.
type sender struct {
	name    string
	address string
	begin   func(ctx context.Context, colour string) *exec.Cmd
	stop    func()
}

func (s *sender) start(t *testing.T, colour string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over, begun := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			cmd := s.begin(ctx, colour)
			cmd.Stderr = testWriter{t}
			err := cmd.Start()
			select {
			case begun <- err:
			default:
			}
			if err != nil {
				return
			}
			_ = cmd.Wait() // killed, or begun again
		}
	}()
	s.stop = func() { cancel(); <-over }
	if err := <-begun; err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
}

func (s *sender) kill() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// port is one that nobody uses now.
func port(t *testing.T, network string) int {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.LocalAddr().(*net.UDPAddr).Port
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// ports are two in a row that nobody uses now, the first one even: RTP's and RTCP's (RFC 3550, section 11).
func ports(t *testing.T) int {
	t.Helper()
	for {
		p := port(t, "udp")
		c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", p+1))
		if err != nil {
			continue
		}
		if _ = c.Close(); p%2 == 0 {
			return p
		}
	}
}

// rtspServer is GStreamer's, in a few lines of Python; colour is what it shows.
const rtspServer = `import sys, gi
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer(); server.set_address('127.0.0.1'); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory(); factory.set_shared(True)
factory.set_launch('( videotestsrc is-live=true pattern=solid-color foreground-color=%s ! video/x-raw,format=I420,width=320,height=180,framerate=10/1 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )' % sys.argv[2])
server.get_mount_points().add_factory('/1', factory); server.attach(None)
GLib.MainLoop().run()
`

func ffmpegOf(ctx context.Context, dir, colour string, out ...string) *exec.Cmd {
	args := []string{"-v", "error", "-nostdin", "-y", "-re", "-f", "lavfi", "-i", "color=c=" + colour + ":s=320x180:r=10", "-f", "lavfi", "-i", "sine=440",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac"}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, out...)...)
	cmd.Dir = dir
	return cmd
}

// senders are one for each way that a stream comes, as far as this machine has what it takes.
func senders(t *testing.T, dir string) []*sender {
	t.Helper()
	udp, rtp, srt, rtsp := port(t, "udp"), ports(t), port(t, "udp"), port(t, "tcp")
	for udp == rtp+1 || srt == rtp+1 || srt == udp {
		udp, srt = port(t, "udp"), port(t, "udp")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	all := []*sender{
		{name: "UDP multicast", address: fmt.Sprintf("udp://@239.255.7.9:%d?localaddr=127.0.0.1", udp), begin: func(ctx context.Context, c string) *exec.Cmd {
			return ffmpegOf(ctx, dir, c, "-f", "mpegts", fmt.Sprintf("udp://239.255.7.9:%d?pkt_size=1316&localaddr=127.0.0.1&ttl=0", udp))
		}},
		{name: "RTP", address: fmt.Sprintf("rtp://127.0.0.1:%d", rtp), begin: func(ctx context.Context, c string) *exec.Cmd {
			return ffmpegOf(ctx, dir, c, "-f", "rtp_mpegts", fmt.Sprintf("rtp://127.0.0.1:%d", rtp))
		}},
		{name: "HLS", address: server.URL + "/live.m3u8", begin: func(ctx context.Context, c string) *exec.Cmd {
			return ffmpegOf(ctx, dir, c, "-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_segment_filename", c[2:]+"%d.ts", "live.m3u8")
		}},
	}
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "quiet", "-protocols").Output(); err == nil && strings.Contains(string(out), "srt\n") {
		all = append(all, &sender{name: "SRT", address: fmt.Sprintf("srt://127.0.0.1:%d", srt), begin: func(ctx context.Context, c string) *exec.Cmd {
			return ffmpegOf(ctx, dir, c, "-f", "mpegts", fmt.Sprintf("srt://127.0.0.1:%d?mode=listener", srt))
		}})
	}
	if err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer").Run(); err == nil {
		all = append(all, &sender{name: "RTSP", address: fmt.Sprintf("rtsp://127.0.0.1:%d/1", rtsp), begin: func(ctx context.Context, c string) *exec.Cmd {
			return exec.CommandContext(ctx, "/usr/bin/python3", "-c", rtspServer, fmt.Sprint(rtsp), "0xff"+c[2:])
		}})
	} else {
		t.Log("RTSP is not tested: python3-gi and gir1.2-gst-rtsp-server-1.0 are not installed")
	}
	return all
}

func TestStreamsStandInAndComeBack(t *testing.T) {
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if !p.video {
		t.Skip("libmpv's headers are not on this machine")
	}
	need(t, "ffmpeg")
	dir := t.TempDir()
	standIn := filepath.Join(dir, "blue.png")
	blue := image.NewRGBA(image.Rect(0, 0, 32, 18))
	draw.Draw(blue, blue.Rect, image.NewUniform(color.RGBA{0, 0, 0xff, 0xff}), image.Point{}, draw.Src)
	f, err := os.Create(standIn)
	if err == nil {
		err = png.Encode(f, blue)
	}
	if err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	all := senders(t, dir)
	t.Cleanup(func() {
		for _, s := range all {
			s.kill()
		}
	})
	s := scene.Scene{}
	for i, one := range all {
		one.start(t, "0xff0000")
		s.Zones = append(s.Zones, scene.Zone{At: scene.Rect{i % 3 * 210, i / 3 * 180, 210, 180},
			Playlist: []scene.Item{{Kind: scene.Stream, Src: one.address, StandIn: standIn, Volume: 50, For: scene.Duration(time.Hour)}}})
	}
	r := headless(t, p.path)
	hear(t, r, pipe.EvReady)
	if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: 1, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
		t.Fatal(err)
	}
	hear(t, r, pipe.EvStarted)
	black := 0
	// until looks at the screen again and again, until all zones have a colour.
	until := func(what string, c color.RGBA) {
		t.Helper()
		end := time.Now().Add(2 * time.Minute)
		for {
			shot := filepath.Join(dir, what+".png")
			if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
				t.Fatal(err)
			}
			if rep := hear(t, r, pipe.EvShot); rep.Error != "" {
				t.Fatal(rep.Error)
			}
			m := read(t, shot)
			var missing []string
			for i, one := range all {
				got := m.RGBAAt(s.Zones[i].At[0]+105, s.Zones[i].At[1]+90)
				if got.R < 16 && got.G < 16 && got.B < 16 {
					black++
					t.Errorf("%s: the zone is black", one.name)
				}
				if !near(got, c, 24) {
					missing = append(missing, fmt.Sprintf("%s is %v", one.name, got))
				}
			}
			if len(missing) == 0 || black > 0 {
				keep(t, shot)
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: not within two minutes: %s", what, strings.Join(missing, ", "))
			}
			hear(t, r, pipe.EvPulse)
		}
	}
	until("they come", color.RGBA{0xff, 0, 0, 0xff})
	for _, one := range all {
		one.kill()
	}
	until("the stand-in", color.RGBA{0, 0, 0xff, 0xff})
	for _, one := range all {
		one.start(t, "0x00ff00")
	}
	until("they are back", color.RGBA{0, 0xff, 0, 0xff})
}
