package uplink_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
)

// wire is a network of pipes, so that a relay and its players can be in a bubble where hours take no time.
type wire struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.closed) }); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case w.conns <- there:
		return here, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a test with a relay on a wire, by a clock that only goes on when everybody waits.
func inBubble(t *testing.T, test func(t *testing.T, r *relay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRelayOn(t, newWire())) })
}
