package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/cloud/api"
)

// trickle gives some bytes each time that an interval has passed.
type trickle struct {
	ctx   context.Context
	bytes int
	every time.Duration
	left  int
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	t := time.NewTimer(b.every)
	defer t.Stop()
	select {
	case <-t.C:
		n := min(b.bytes, len(p), b.left)
		b.left -= n
		return n, nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func (b *trickle) Close() error { return nil }

// RoundTrip implements http.RoundTripper.
func (b *trickle) RoundTrip(r *http.Request) (*http.Response, error) {
	b.ctx = r.Context()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: b, Request: r}, nil
}

func TestABlobThatDoesNotMoveIsGivenUp(t *testing.T) {
	cases := []struct {
		name  string
		bytes int
		every time.Duration
		pause time.Duration // of who reads
		stall bool
	}{
		{"one byte in 59 s is a stuck relay", 1, 59 * time.Second, 0, true},
		{"nothing for more than a minute is a stuck relay", 1 << 20, 61 * time.Second, 0, true},
		{"256 bytes/s is a stuck relay", 256, time.Second, 0, true},
		{"300 bytes/s is a slow line", 300, time.Second, 0, false},
		{"a burst each 50 s is a slow line", 32 << 10, 50 * time.Second, 0, false},
		{"a slow disk here is not the relay's fault", 1 << 10, time.Millisecond, time.Hour, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const size = 100 << 10
				client := &api.Client{Base: "https://relay.example", HTTP: &http.Client{Transport: &trickle{bytes: c.bytes, every: c.every, left: size}}}
				r, err := client.Blob(t.Context(), strings.Repeat("ab", 32), 0, size, size)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				got, buf := 0, make([]byte, 64<<10)
				for err == nil {
					var n int
					n, err = r.Read(buf)
					got += n
					time.Sleep(c.pause)
				}
				if errors.Is(err, api.ErrStalled) != c.stall || !c.stall && (err != io.EOF || got != size) {
					t.Errorf("%d bytes came, then %v", got, err)
				}
			})
		})
	}
}
