package pipe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxLine is the longest line in bytes that either side reads; a table with ten thousand cells is well below it.
const MaxLine = 8 << 20

// ReadCommands hands each command of r to do, until r ends (nil), or do or the reading fails. A line that is no command
// is given to bad and passed over.
func ReadCommands(r io.Reader, do func(Command) error, bad func(error)) error {
	return lines(r, func(line []byte) error {
		c, err := ParseCommand(line)
		if err != nil {
			bad(err)
			return nil
		}
		return do(c)
	})
}

// ParseCommand reads one line and refuses a command that lacks what its operation needs.
func ParseCommand(line []byte) (Command, error) {
	var c Command
	if err := json.Unmarshal(line, &c); err != nil {
		return Command{}, fmt.Errorf("a command is one JSON object a line: %w", err)
	}
	return c, c.check()
}

func (c Command) check() error {
	switch c.Op {
	case OpQueue, OpUpdate:
		if c.Scene == nil {
			return fmt.Errorf("command %q has no scene; give it in \"scene\"", c.Op)
		}
		if c.ID == 0 {
			return fmt.Errorf("command %q has no id; give each showing a number above 0", c.Op)
		}
	case OpShot:
		if c.Path == "" {
			return errors.New("command \"shot\" has no path; name the file to write, .png or .jpg")
		}
	case OpVolume:
		if c.Volume < 0 || c.Volume > 100 {
			return fmt.Errorf("command \"volume\" has volume %d; give 0 to 100 per cent", c.Volume)
		}
	case OpOverlay, OpSettings, OpScreen, OpPicture, OpQuit:
	default:
		return fmt.Errorf("command %q is not known; known are queue, update, overlay, settings, screen, volume, picture, shot and quit", c.Op)
	}
	return nil
}

func lines(r io.Reader, do func([]byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), MaxLine)
	for s.Scan() {
		if len(s.Bytes()) == 0 {
			continue
		}
		if err := do(s.Bytes()); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes; the two sides no longer understand each other", MaxLine)
	}
	return s.Err()
}

// Reporter writes reports, one a line; it may be used from several goroutines.
type Reporter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewReporter writes to w.
func NewReporter(w io.Writer) *Reporter { return &Reporter{w: w} }

// Report writes one report.
func (r *Reporter) Report(rep Report) error {
	b, err := json.Marshal(rep)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
