// Package errand is what the player tells a child process that asks a database through ODBC, and what comes back.
//
//	player ──Request, one line on stdin──> vitrine-odbc ──> libodbc ──> a driver
//	       <──columns, rows, end: a line each on stdout──
//
// The connection string has the password in it: it is on no command line and in no environment. What comes back was made
// by foreign C code: it is bounded, and must be in order.
package errand

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"vitrine/agent/connect/rows"
)

// maxLine is the length of a row, bytes.
const maxLine = 64 << 20

// Request is one query.
type Request struct {
	Connection string `json:"connection"` // ODBC's connection string, with the password
	Query      string `json:"query"`
	Rows       int    `json:"rows"`    // at most, and one more to show that there are more
	Bytes      int64  `json:"bytes"`   // of all cells, at most about
	Seconds    int    `json:"seconds"` // until the child is killed; the driver is told, too
}

// Line is one line of an answer: columns first, then rows, at last End or a Fault.
type Line struct {
	Columns []string     `json:"columns,omitempty"`
	Row     []rows.Value `json:"row,omitempty"`
	End     bool         `json:"end,omitempty"`
	Fault   *Fault       `json:"fault,omitempty"`
}

// Fault is why there are no rows.
type Fault struct {
	State   string `json:"state"` // SQLSTATE (ODBC's appendix A); "" = not from a driver
	Native  int    `json:"native,omitempty"`
	Message string `json:"message"`
	Step    string `json:"step"` // library, connect, query, read
}

// Error says what failed, without advice.
func (f *Fault) Error() string {
	if f.State == "" {
		return f.Message
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", f.Message, f.State)
}

// ReadRequest reads what the player wants.
func ReadRequest(in io.Reader) (Request, error) {
	var r Request
	err := json.NewDecoder(io.LimitReader(in, 1<<20)).Decode(&r)
	if err == nil && (r.Connection == "" || r.Query == "" || r.Rows < 1 || r.Bytes < 1 || r.Seconds < 1) {
		err = errors.New("the request is not whole")
	}
	if err != nil {
		return Request{}, fmt.Errorf("read the request: %w", err)
	}
	return r, nil
}

// Writer writes an answer.
type Writer struct {
	out *bufio.Writer
	enc *json.Encoder
}

// NewWriter begins an answer.
func NewWriter(out io.Writer) *Writer {
	b := bufio.NewWriterSize(out, 64<<10)
	return &Writer{out: b, enc: json.NewEncoder(b)}
}

// Write adds a line; the last must be an end or a fault.
func (w *Writer) Write(l Line) error {
	if err := w.enc.Encode(l); err != nil {
		return err
	}
	if l.End || l.Fault != nil {
		return w.out.Flush()
	}
	return nil
}

// ErrBroken is an answer that is not as it must be, or ends too soon: the child died.
var ErrBroken = errors.New("the answer breaks off")

// Read gives an answer's columns and rows to whoever wants them, until one of them returns an error or the answer ends.
// It is a *Fault when the database has said no.
func Read(in io.Reader, columns func([]string) error, row func([]rows.Value) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	wide := -1
	for lines.Scan() {
		var l Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("%w: it is not as it must be", ErrBroken)
		}
		switch {
		case l.Fault != nil:
			return l.Fault
		case l.End && wide >= 0:
			return nil
		case l.Columns != nil && wide < 0:
			if wide = len(l.Columns); wide > rows.MaxColumns {
				return fmt.Errorf("%w: %d columns", ErrBroken, wide)
			}
			if err := columns(l.Columns); err != nil {
				return err
			}
		case l.Row != nil && len(l.Row) == wide:
			if err := known(l.Row); err != nil {
				return err
			}
			if err := row(l.Row); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: a line is out of order", ErrBroken)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return ErrBroken
}

// known takes only kinds of value that there are.
func known(row []rows.Value) error {
	for i, v := range row {
		switch v.Kind {
		case rows.Null, rows.Text, rows.Decimal, rows.Bool, rows.Date, rows.Time, rows.DateTime:
			row[i] = rows.Of(v.Kind, v.Text)
		default:
			return fmt.Errorf("%w: a value of the kind %.20q", ErrBroken, v.Kind)
		}
	}
	return nil
}
