package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
)

// wire is the DevTools protocol over the browser's two pipes: JSON messages, each ended by a zero byte. What a page can
// make the browser say has a limit in size, and nothing of it is kept that nobody waits for.
type wire struct {
	w *os.File

	mu       sync.Mutex
	last     int64
	waiting  map[int64]chan reply
	sessions map[string]func(method string, params jsonv2.Value)
	gone     chan struct{} // closed when nothing more will be read
	err      error         // why

	writing sync.Mutex
}

const maxMessage = 64 << 20 // bytes; the largest are pictures of the whole page

var errGone = errors.New("the browser has ended")

type message struct {
	ID      int64         `json:"id,omitzero"`
	Session string        `json:"sessionId,omitzero"`
	Method  string        `json:"method,omitzero"`
	Params  jsonv2.Value  `json:"params,omitzero"`
	Result  jsonv2.Value  `json:"result,omitzero"`
	Error   *protocolFail `json:"error,omitzero"`
}

type protocolFail struct {
	Code    int64  `json:"code"`
	Message string `json:"message"`
}

type reply struct {
	result jsonv2.Value
	err    error
}

func newWire(r io.Reader, w *os.File) *wire {
	c := &wire{w: w, waiting: map[int64]chan reply{}, sessions: map[string]func(string, jsonv2.Value){}, gone: make(chan struct{})}
	go c.read(r)
	return c
}

// read hands out what the browser says until it says no more.
func (c *wire) read(r io.Reader) {
	br := bufio.NewReaderSize(r, 1<<18)
	var err error
	for err == nil {
		var b []byte
		if b, err = until(br, 0, maxMessage); err != nil {
			break
		}
		var m message
		if err = jsonv2.Unmarshal(b, &m, jsonv2.AllowInvalidUTF8(true)); err == nil {
			c.hand(m)
		}
	}
	c.mu.Lock()
	c.err = err
	for id, ch := range c.waiting {
		delete(c.waiting, id)
		ch <- reply{err: errGone}
	}
	c.mu.Unlock()
	close(c.gone)
	_ = c.w.Close()
}

// until reads up to a byte, which is left out.
func until(br *bufio.Reader, end byte, most int) ([]byte, error) {
	var out []byte
	for {
		part, err := br.ReadSlice(end)
		if len(out)+len(part) > most {
			return nil, fmt.Errorf("a message of the browser is longer than %d MiB", most>>20)
		}
		out = append(out, part...)
		switch {
		case err == nil:
			return out[:len(out)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func (c *wire) hand(m message) {
	c.mu.Lock()
	if m.ID == 0 {
		on := c.sessions[m.Session]
		c.mu.Unlock()
		if on != nil {
			on(m.Method, m.Params)
		}
		return
	}
	ch := c.waiting[m.ID]
	delete(c.waiting, m.ID)
	c.mu.Unlock()
	if ch == nil {
		return
	}
	a := reply{result: m.Result}
	if m.Error != nil {
		a.err = errors.New(m.Error.Message)
	}
	ch <- a
}

// listen has the events of a session, "" is the browser's own, handed to on, which must not block.
func (c *wire) listen(session string, on func(method string, params jsonv2.Value)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on == nil {
		delete(c.sessions, session)
		return
	}
	c.sessions[session] = on
}

// send writes a command and returns where its answer will be.
func (c *wire) send(session, method string, params any) (int64, chan reply, error) {
	p, err := jsonv2.Marshal(params)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", method, err)
	}
	ch := make(chan reply, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	select {
	case <-c.gone:
		c.mu.Unlock()
		return 0, nil, errGone
	default:
	}
	if c.err != nil {
		c.mu.Unlock()
		return 0, nil, errGone
	}
	c.waiting[id] = ch
	c.mu.Unlock()
	b, err := jsonv2.Marshal(message{ID: id, Session: session, Method: method, Params: p})
	if err == nil {
		c.writing.Lock()
		_ = c.w.SetWriteDeadline(time.Now().Add(patience)) // a browser that does not read is as good as dead
		_, err = c.w.Write(append(b, 0))
		c.writing.Unlock()
	}
	if err != nil {
		c.forget(id)
		_ = c.w.Close() // half a command may be on its way; the browser ends when its pipe does
		return 0, nil, errors.Join(errGone, err)
	}
	return id, ch, nil
}

func (c *wire) forget(id int64) {
	c.mu.Lock()
	delete(c.waiting, id)
	c.mu.Unlock()
}

// session is one page's part of a wire, or the browser's own.
type session struct {
	wire *wire
	id   string
}

// call gives a command and waits for its result.
func call[P, R any](ctx context.Context, s session, c cdp.Command[P, R], params P) (R, error) {
	var out R
	id, ch, err := s.wire.send(s.id, c.Method, params)
	if err != nil {
		return out, fmt.Errorf("%s: %w", c.Method, err)
	}
	select {
	case a := <-ch:
		if a.err == nil && len(a.result) > 0 {
			a.err = jsonv2.Unmarshal(a.result, &out, jsonv2.AllowInvalidUTF8(true))
		}
		if a.err != nil {
			return out, fmt.Errorf("%s: %w", c.Method, a.err)
		}
		return out, nil
	case <-ctx.Done():
		s.wire.forget(id)
		return out, fmt.Errorf("%s: %w", c.Method, ctx.Err())
	}
}

// tell gives a command whose result nobody needs.
func tell[P, R any](s session, c cdp.Command[P, R], params P) {
	if id, _, err := s.wire.send(s.id, c.Method, params); err == nil {
		s.wire.forget(id)
	}
}
