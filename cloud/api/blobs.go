package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A transfer in which fewer than leastMoved bytes move in stallTimeout is given up. That is 273 bytes/s, a tenth of what the
// slowest line in use (GPRS in a bad place) gives: slower is a line that is stuck, or a relay that wants to be waited for.
const (
	stallTimeout = 60 * time.Second
	leastMoved   = 16 << 10
)

// ErrStalled means that a transfer (nearly) stood still for a minute.
var ErrStalled = errors.New("the transfer stood still for 60 s, or moved less than 16 KiB: the network or the relay is stuck; try again from where it stopped")

// Blob opens the bytes of a blob of size bytes from one up to another that is not among them; a size below 0 is not known,
// and believed as the answer says it, and to below 0 is the blob's end. What the answer says of itself must agree with that, or it is an
// *AnswerError; a relay or proxy that sends the whole blob all the same is read from its beginning, and what was not asked
// for is thrown away. Reading ends with ErrStalled when less than 16 KiB come in 60 s of waiting, and after the last byte
// however many more would come. None of the bytes are verified here: see bundle.Blob's Verify.
func (c *Client) Blob(ctx context.Context, digest string, from, to, size int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(stallTimeout, func() { cancel(ErrStalled) })
	var body io.ReadCloser
	code := 0
	h, err := c.do(ctx, call{method: http.MethodGet, path: at(PathBlob, digest), header: asking(digest, from, to, size), stream: true, body: &body, code: &code})
	skip := int64(0)
	if err == nil {
		if size < 0 {
			size = saidSize(code, h)
		}
		if to < 0 {
			to = size
		}
		skip, err = checkAnswer(code, h, digest, from, to, size)
	} else {
		err = explainAnswer(err, digest, from)
	}
	watch.Stop()
	if err != nil {
		err = causeOf(ctx, err)
		cancel(nil)
		if body != nil {
			body.Close()
		}
		return nil, err
	}
	w := &watched{body: body, ctx: ctx, watch: watch, left: stallTimeout, cancel: cancel, digest: digest, want: to - from + skip}
	if _, err := io.CopyN(io.Discard, w, skip); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// watched is a body that may neither stand still nor trickle, nor end early.
type watched struct {
	body   io.ReadCloser
	ctx    context.Context
	watch  *time.Timer   // runs during Read only: a slow reader is not a stalled transfer
	left   time.Duration // to wait until leastMoved bytes have come
	moved  int           // of them
	cancel context.CancelCauseFunc
	digest string
	want   int64 // bytes that are still to come
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	if w.want <= 0 {
		return 0, io.EOF
	}
	begun := time.Now()
	w.watch.Reset(w.left)
	n, err := w.body.Read(p[:min(int64(len(p)), w.want)])
	w.watch.Stop()
	w.left -= time.Since(begun)
	if w.moved += n; w.moved >= leastMoved {
		w.left, w.moved = stallTimeout, 0
	}
	w.want -= int64(n)
	switch {
	case err == nil || w.want == 0 && errors.Is(err, io.EOF):
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = causeOf(w.ctx, &AnswerError{Digest: w.digest, Reason: fmt.Sprintf("the connection ended %d bytes before the blob did: the relay, or something on the way, cuts transfers off", w.want)})
	default:
		err = causeOf(w.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (w *watched) Close() error {
	w.watch.Stop()
	w.cancel(nil)
	return w.body.Close()
}

// HasBlob asks whether the relay has a blob, and its size, bytes.
func (c *Client) HasBlob(ctx context.Context, digest string) (bool, int64, error) {
	code := 0
	h, err := c.do(ctx, call{method: http.MethodHead, path: at(PathBlob, digest), code: &code})
	if code == http.StatusNotFound {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, err
	}
	var size int64
	if _, err := fmt.Sscanf(h.Get("Content-Length"), "%d", &size); err != nil {
		return false, 0, fmt.Errorf("the relay did not say how long blob %s is: %w", digest, err)
	}
	return true, size, nil
}

// PutBlob sends a blob of size bytes; a relay that has it already answers before it is sent. progress, unless nil, is told
// how many bytes have gone.
func (c *Client) PutBlob(ctx context.Context, digest string, size int64, r io.Reader, progress func(sent int64)) error {
	if c.Token != nil { // a token that has just ended would be noticed only after the body is gone
		if _, err := c.Token(ctx, ""); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stallTimeout, func() { cancel(ErrStalled) })
	defer watch.Stop()
	body := &counted{r: r, tell: func(n int64) {
		watch.Reset(stallTimeout)
		if progress != nil {
			progress(n)
		}
	}}
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathBlob, digest), raw: body, size: size, stream: true,
		header: http.Header{"Content-Type": {"application/octet-stream"}, "Expect": {"100-continue"}}})
	return causeOf(ctx, err)
}

// counted tells how much has been read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

func causeOf(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), ErrStalled) {
		return ErrStalled
	}
	return err
}
