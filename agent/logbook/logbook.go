// Package logbook keeps the player's last events on its own disk, for a player whose log nobody can read over a network.
//
//	slog ──> Handler ──┬──> the log that people see
//	                   └──> ring: four files of lines, the oldest goes ──> Lines ──> export
//
// Lines wait in memory for half a minute, so that a card is not worn out by its log; a warning brings them to the disk at once,
// but not more than one does in five seconds. A disk that takes nothing costs the lines, nothing else.
package logbook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	files      = 4
	mostOfFile = 512 << 10 // bytes
	mostWaits  = 256 << 10 // bytes in memory
	longest    = 8 << 10   // bytes of a line
	writeEvery = 30 * time.Second
	hurryEvery = 5 * time.Second
)

// Book is the ring. Its methods may be called from several goroutines.
type Book struct {
	dir string

	mu    sync.Mutex
	waits bytes.Buffer
	lost  int // lines that did not fit into memory
	hurry chan struct{}
}

// Open keeps a ring of files in a folder, which is made when the first lines are written.
func Open(dir string) *Book { return &Book{dir: dir, hurry: make(chan struct{}, 1)} }

// Handler gives events to a handler and to the ring. What the first leaves out, such as debug, the ring leaves out too.
func (b *Book) Handler(to slog.Handler) slog.Handler {
	return both{to, slog.NewJSONHandler(line{b}, &slog.HandlerOptions{Level: slog.LevelDebug}), b}
}

type both struct {
	slog.Handler
	ring slog.Handler
	book *Book
}

// Handle implements slog.Handler.
func (h both) Handle(ctx context.Context, r slog.Record) error {
	err := h.ring.Handle(ctx, r.Clone())
	if r.Level >= slog.LevelWarn {
		select {
		case h.book.hurry <- struct{}{}:
		default:
		}
	}
	return errors.Join(err, h.Handler.Handle(ctx, r))
}

// WithAttrs implements slog.Handler.
func (h both) WithAttrs(a []slog.Attr) slog.Handler {
	return both{h.Handler.WithAttrs(a), h.ring.WithAttrs(a), h.book}
}

// WithGroup implements slog.Handler.
func (h both) WithGroup(name string) slog.Handler {
	return both{h.Handler.WithGroup(name), h.ring.WithGroup(name), h.book}
}

type line struct{ b *Book }

// Write takes one line.
func (l line) Write(p []byte) (int, error) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if len(p) > longest || l.b.waits.Len()+len(p) > mostWaits {
		l.b.lost++
		return len(p), nil
	}
	return l.b.waits.Write(p)
}

// Run brings lines to the disk until ctx ends, and then those that are left.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_ = b.Flush() // the disk may be what ended the player
			return nil
		case <-tick.C:
		case <-b.hurry:
			select { // what comes with it
			case <-ctx.Done():
			case <-time.After(hurryEvery):
			}
		}
		_ = b.Flush() // a disk that takes nothing is told by the store
	}
}

// Flush brings to the disk what waits.
func (b *Book) Flush() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits.Len() == 0 {
		return nil
	}
	if b.lost > 0 {
		fmt.Fprintf(&b.waits, "{\"level\":\"WARN\",\"msg\":\"lines of the log were lost\",\"lines\":%d}\n", b.lost)
	}
	b.lost = 0
	defer b.waits.Reset()
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	if st, err := os.Stat(b.path(0)); err == nil && st.Size()+int64(b.waits.Len()) > mostOfFile {
		for n := files - 1; n > 0; n-- {
			if err := os.Rename(b.path(n-1), b.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("keep the log: %w", err)
			}
		}
	}
	f, err := os.OpenFile(b.path(0), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	_, err = f.Write(b.waits.Bytes())
	return errors.Join(err, f.Close())
}

func (b *Book) path(n int) string { return filepath.Join(b.dir, fmt.Sprintf("log.%d.jsonl", n)) }

// Lines gives every line that is kept, oldest first. One that a cut has torn is left out.
func (b *Book) Lines(each func(line []byte) error) error {
	if err := b.Flush(); err != nil {
		return err
	}
	for n := files - 1; n >= 0; n-- {
		f, err := os.Open(b.path(n))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		err = lines(f, each)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func lines(r io.Reader, each func([]byte) error) error {
	s := bufio.NewScanner(io.LimitReader(r, 2*mostOfFile))
	s.Buffer(make([]byte, 0, 4096), mostOfFile)
	for s.Scan() {
		if one := s.Bytes(); json.Valid(one) {
			if err := each(one); err != nil {
				return err
			}
		}
	}
	return s.Err()
}
