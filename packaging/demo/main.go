// Command demo shows the main job on this machine: a bundle is built, published, fetched, scheduled and shown, and what was
// really on the screen is read back from its pixels.
//
//	ffmpeg ──> media ──vitrine build──> relay ──> player ──> renderer ──> display or Xvfb
//	                                                                          │
//	                              demo.json, contact-sheet.png <── witness <──┘
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	bin, out string
	seconds  int
	drills   bool
	bench    bool
}

func run(ctx context.Context, args []string) error {
	o := options{out: "out"}
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.StringVar(&o.bin, "bin", "bin", "`folder` with the four programs")
	fs.StringVar(&o.out, "out", "out", "`folder` for demo.json, contact-sheet.png and the programs' logs")
	fs.IntVar(&o.seconds, "seconds", 0, "end by itself after so many `seconds` of content, and say whether all was seen; 0 = until Ctrl-C")
	fs.BoolVar(&o.drills, "drills", false, "kill relay, player and renderer, publish anew, and try what must be refused")
	fs.BoolVar(&o.bench, "bench", false, "measure instead, beside what a person would use")
	if err := fs.Parse(args); err != nil {
		return err
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return err
	}
	// Short and not under -out: a socket's path has at most 107 bytes.
	dir, err := os.MkdirTemp("", "vitrine-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	if o.bench {
		return bench(ctx, &stage{bin: bin, dir: dir}, o)
	}
	return show(ctx, &stage{bin: bin, dir: dir}, o)
}
