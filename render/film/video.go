package film

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vitrine/render/child"
	"vitrine/render/scene"
)

// video is a file that ffmpeg decodes, frame by frame at the film's rate.
type video struct {
	film   *Film
	item   scene.Item
	length time.Duration // its own, 0 = not known
	info   info
	out    *image.RGBA
	round  int // how often it has begun again
	shown  int // frame of this round, -1 = none
	run    *decoder
}

// info is what must be known of a file before it is decoded.
type info struct {
	length        time.Duration
	width, height int
	matrix        string // of its colours, for files that do not say
}

// probeVideo asks ffprobe.
func probeVideo(ctx context.Context, path string) (info, error) {
	if err := child.Available("ffprobe", "ffmpeg"); err != nil {
		return info{}, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return info{}, err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height,color_space:format=duration",
		"-of", "json", "file:"+path)
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil {
		return info{}, fmt.Errorf("%s cannot be read: %s", filepath.Base(path), firstLine(said.String(), err))
	}
	var v struct {
		Streams []struct {
			Width, Height int
			ColorSpace    string `json:"color_space"`
		}
		Format struct{ Duration string }
	}
	if err := json.Unmarshal(b, &v); err != nil || len(v.Streams) == 0 {
		return info{}, fmt.Errorf("%s has no picture", filepath.Base(path))
	}
	s := v.Streams[0]
	out := info{width: s.Width, height: s.Height}
	if d, err := strconv.ParseFloat(v.Format.Duration, 64); err == nil && d > 0 {
		out.length = time.Duration(d * float64(time.Second))
	}
	if s.ColorSpace == "" || s.ColorSpace == "unknown" {
		out.matrix = "bt601" // as players take it
		if s.Width >= 1280 || s.Height > 576 {
			out.matrix = "bt709"
		}
	}
	return out, nil
}

func firstLine(text string, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); line != "" {
		return line
	}
	return err.Error()
}

func (f *Film) newVideo(ctx context.Context, it scene.Item, size image.Point, length time.Duration) (*video, error) {
	if err := child.Available("ffmpeg", "ffmpeg"); err != nil {
		return nil, err
	}
	in, err := probeVideo(ctx, it.Src)
	if err != nil {
		return nil, err
	}
	return &video{film: f, item: it, length: length, info: in, out: image.NewRGBA(image.Rectangle{Max: size}), shown: -1}, nil
}

// at decodes up to the frame that shows d after the beginning. A video that is shorter than its time begins again, one
// that is broken off keeps its last frame.
func (v *video) at(ctx context.Context, d time.Duration) (*image.RGBA, error) {
	rate := time.Duration(v.film.cfg.Rate)
	frame := int((d*rate + time.Second/2) / time.Second)
	if v.length > 0 && v.item.For > 0 {
		per := max(1, int((v.length*rate+time.Second-1)/time.Second)) // frames of a round: it begins again with one of them
		if round := frame / per; round != v.round {
			v.close()
			v.round, v.shown = round, -1
		}
		frame %= per
	}
	if v.run == nil && v.shown < 0 {
		run, err := v.start(ctx)
		if err != nil {
			return nil, err
		}
		v.run = run
	}
	for v.run != nil && v.shown < frame {
		err := v.run.read(v.out.Pix)
		if err == nil {
			v.shown++
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		why := v.run.end()
		v.run = nil
		if v.shown < 0 {
			return nil, fmt.Errorf("%s has no frame that can be decoded: %s", filepath.Base(v.item.Src), firstLine(why, err))
		}
	}
	return v.out, nil
}

// filters bring the film's frames about: the last one whose time has come at each instant, in the zone's size.
func (v *video) filters() string {
	size := v.out.Rect.Size()
	scale := fmt.Sprintf("scale=%d:%d:flags=bicubic+accurate_rnd+full_chroma_int", size.X, size.Y)
	matrix := ""
	if v.info.matrix != "" {
		matrix = ":in_color_matrix=" + v.info.matrix
	}
	square := "scale='max(1,round(iw*if(sar,sar,1)))':ih,setsar=1"
	// Many files give times in whole milliseconds: a frame that is late by less than two is on time.
	list := []string{"setpts=PTS-STARTPTS-0.002/TB", fmt.Sprintf("fps=fps=%d:round=up", v.film.cfg.Rate)}
	switch v.item.Fit {
	case scene.Stretch:
		list = append(list, scale+matrix, "format=rgba")
	case scene.Contain:
		list = append(list, square, scale+":force_original_aspect_ratio=decrease"+matrix, "format=rgba",
			fmt.Sprintf("pad=%d:%d:(ow-iw)/2:(oh-ih)/2:color=black@0", size.X, size.Y))
	default:
		list = append(list, square, scale+":force_original_aspect_ratio=increase"+matrix, "format=rgba", fmt.Sprintf("crop=%d:%d", size.X, size.Y))
	}
	return strings.Join(list, ",")
}

func (v *video) start(ctx context.Context) (*decoder, error) {
	path, err := filepath.Abs(v.item.Src)
	if err != nil {
		return nil, err
	}
	return newDecoder(ctx, "-v", "error", "-nostdin", "-threads", "2", "-i", "file:"+path, "-map", "0:v:0", "-vf", v.filters(), "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1")
}

func (v *video) close() {
	if v.run != nil {
		v.run.end()
		v.run = nil
	}
}

// decoder is ffmpeg at work.
type decoder struct {
	cmd  *exec.Cmd
	from io.ReadCloser
	said bytes.Buffer
	stop context.CancelFunc
}

func newDecoder(ctx context.Context, args ...string) (*decoder, error) {
	ctx, stop := context.WithCancel(ctx)
	d := &decoder{cmd: exec.CommandContext(ctx, "ffmpeg", args...), stop: stop}
	d.cmd.Stderr = &d.said
	var err error
	if d.from, err = d.cmd.StdoutPipe(); err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("ffmpeg cannot be started: %w", err)
	}
	return d, nil
}

func (d *decoder) read(frame []byte) error {
	_, err := io.ReadFull(d.from, frame)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return err
}

// end stops it and gives what it said.
func (d *decoder) end() string {
	d.stop()
	_ = d.cmd.Wait() // that it was stopped is no news
	return d.said.String()
}
