package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"vitrine/cloud/account"
)

// Bounds of the queue before TLS. A fleet that comes back at once is served at the rate at which handshakes can be made;
// whoever does not fit is closed at once and comes again with jitter, instead of waiting behind others that have given up.
const (
	handshakeTime  = 10 * time.Second
	maxHandshakes  = 512
	maxFromNetwork = 64
)

// Listener makes TLS connections of accepted ones, at most maxHandshakes at once and maxFromNetwork from one network.
type Listener struct {
	net.Listener
	cfg   *tls.Config
	meter *Meter
	ready chan *tls.Conn
	done  chan struct{}
	fail  error

	mu    sync.Mutex
	all   int
	of    map[string]int
	close sync.Once
}

// Listen puts TLS on a listener; Run must run.
func Listen(l net.Listener, cfg *tls.Config, m *Meter) *Listener {
	return &Listener{Listener: l, cfg: cfg, meter: m, ready: make(chan *tls.Conn), done: make(chan struct{}), of: map[string]int{}}
}

// Run accepts until the listener is closed.
func (l *Listener) Run(ctx context.Context) error {
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	pause := 5 * time.Millisecond
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of file descriptors, most likely: some will come back
			select {
			case <-time.After(pause):
				pause = min(2*pause, time.Second)
				continue
			case <-ctx.Done():
				return nil
			}
		}
		pause = 5 * time.Millisecond
		from := network(conn)
		if !l.enter(from) {
			l.meter.Refused.Add(1)
			conn.Close()
			continue
		}
		go l.shake(ctx, conn, from)
	}
}

func network(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return ""
	}
	return account.Network(host)
}

func (l *Listener) enter(from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxHandshakes || l.of[from] >= maxFromNetwork {
		return false
	}
	l.all++
	l.of[from]++
	return true
}

func (l *Listener) leave(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[from]--; l.of[from] == 0 {
		delete(l.of, from)
	}
}

func (l *Listener) shake(ctx context.Context, conn net.Conn, from string) {
	defer l.leave(from)
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	c := tls.Server(conn, l.cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		conn.Close()
		return
	}
	select {
	case l.ready <- c:
	case <-l.done:
		conn.Close()
	}
}

// Accept gives a connection whose handshake is done.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends accepting.
func (l *Listener) Close() error {
	l.close.Do(func() {
		close(l.done)
		l.fail = l.Listener.Close()
	})
	return l.fail
}
