package main

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"slices"
	"strconv"
	"strings"

	"vitrine/render/output"
	"vitrine/render/output/layout"
)

const help = `vitrine-render draws scenes on a screen. The player starts it; commands come in on stdin, reports go out on stdout.

  vitrine-render --display :0                   on an X screen (the default is $DISPLAY)
  vitrine-render --headless 1920x1080           into memory, for machines without a screen
  vitrine-render --probe --json                 say what this machine can, and end

Example, one image for a minute on an invisible screen, then a picture of it:
  { echo '{"op":"queue","id":1,"canvas":{"width":1280,"height":720},"scene":{"zones":[{"at":[0,0,1280,720],
     "playlist":[{"kind":"image","src":"/usr/share/pixmaps/debian-logo.png","for":"1m","fit":"contain"}]}]}}' | tr -d '\n'; echo
    sleep 1; echo '{"op":"shot","path":"/var/tmp/shot.png"}'; sleep 1; echo '{"op":"quit"}'; } | vitrine-render --headless 1280x720

`

type usageError struct{ error }

// settings are the command line.
type settings struct {
	display, output, hwdec, cache string
	size                          image.Point
	probe, json                   bool
	layout                        layout.Spec
	keys                          []string
	mode                          output.Mode
}

// parse reads the command line. It returns flag.ErrHelp after printing the help.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	var headless, keys, mode string
	var arranged layout.Flags
	fs := flag.NewFlagSet("vitrine-render", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&s.display, "display", "", "X `display`, like :0; empty is $DISPLAY")
	fs.StringVar(&s.output, "output", "", "`kind` of screen: x11, gl (through a graphics card), auto (gl where there is one, else x11) or memory; empty is memory with --headless, else x11")
	fs.StringVar(&headless, "headless", "", "draw into memory, `WIDTHxHEIGHT` pixels")
	fs.StringVar(&s.hwdec, "hwdec", "", "video `decoding` as mpv names it; empty finds out what this machine can")
	fs.StringVar(&s.cache, "cache", "", "`directory` for the index of fonts; empty is the user's cache directory")
	fs.BoolVar(&s.probe, "probe", false, "say what this machine can, and end")
	fs.BoolVar(&s.json, "json", false, "with --probe: as JSON")
	fs.StringVar(&keys, "keys", "", "report these `keys` whatever window has the focus, like F12,ctrl+alt+s; others are reported while none has it")
	fs.StringVar(&mode, "mode", "", "set connected displays to a `mode`: auto (the largest that this machine can paint), 1920x1080 or 1920x1080@50; empty leaves them")
	arranged.Register(fs)
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help, layout.Help, "\nFlags:\n")
		fs.SetOutput(stdout)
		fs.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, usageError{err}
	}
	if fs.NArg() > 0 {
		return s, usageError{fmt.Errorf("nothing is expected after the flags, but there is %q", fs.Arg(0))}
	}
	if s.layout, err = arranged.Read(); err != nil {
		return s, usageError{err}
	}
	if err := s.input(keys, mode); err != nil {
		return s, usageError{err}
	}
	return s, s.screen(headless)
}

// input settles which keys are heard and what the displays are set to.
func (s *settings) input(keys, mode string) (err error) {
	if keys != "" {
		s.keys = strings.Split(keys, ",")
	}
	for _, k := range s.keys {
		if err := output.CheckKey(k); err != nil {
			return err
		}
	}
	s.mode, err = output.ParseMode(mode)
	return err
}

// screen settles which output is meant.
func (s *settings) screen(headless string) error {
	if s.output == "" {
		s.output = "x11"
		if headless != "" {
			s.output = "memory"
		}
	}
	switch {
	case !slices.Contains([]string{"x11", "gl", "auto", "memory"}, s.output):
		return usageError{fmt.Errorf("output %q is not known; known are x11, gl, auto and memory", s.output)}
	case s.output != "memory" && headless != "":
		return usageError{fmt.Errorf("--headless draws into memory and cannot go with --output %s; leave one out", s.output)}
	case s.output == "memory" && headless == "":
		headless = "1920x1080"
	}
	if headless == "" {
		return nil
	}
	w, h, ok := strings.Cut(headless, "x")
	x, err1 := strconv.Atoi(w)
	y, err2 := strconv.Atoi(h)
	if !ok || err1 != nil || err2 != nil || x < 1 || y < 1 {
		return usageError{fmt.Errorf("a size is written like 1920x1080, not %q", headless)}
	}
	s.size = image.Pt(x, y)
	return nil
}
