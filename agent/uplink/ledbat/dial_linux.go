package ledbat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timestamps is TCPI_OPT_TIMESTAMPS of linux/tcp.h, in TCP_INFO's options.
const timestamps = 1

// lowerEffort is DSCP LE (000001) as it stands in the byte of IPv4's type of service and IPv6's traffic class (RFC 8622).
const lowerEffort = 1 << 2

// Dialer makes connections that take only what is free of the line. Its methods may be called from several goroutines.
type Dialer struct {
	Dialer net.Dialer
	// Lame hears of each connection on which the kernel cannot do it, and why; nil = nobody does. Such a connection is an
	// ordinary one, marked as lower effort if that can be.
	Lame func(error)

	mu    sync.Mutex
	begun time.Time
	bases map[string]*history // by remote address, without the port
}

// DialContext connects, and looks after the connection until it is closed.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := d.Dialer
	dialer.Control = func(_, _ string, raw syscall.RawConn) error { return raw.Control(mark) }
	c, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	t := &tended{TCPConn: tcp, raw: raw, done: make(chan struct{})}
	t.begun, t.base = d.place(c.RemoteAddr())
	if err := t.able(); err != nil {
		if d.Lame != nil {
			d.Lame(fmt.Errorf("this machine cannot let a download take only what is free of the line, so it takes its share: %w", err))
		}
		return tcp, nil
	}
	go t.tend()
	return t, nil
}

// place is what is known of the way to an address.
func (d *Dialer) place(to net.Addr) (time.Time, *history) {
	host, _, err := net.SplitHostPort(to.String())
	if err != nil {
		host = to.String()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bases == nil {
		d.begun, d.bases = time.Now(), map[string]*history{}
	}
	h := d.bases[host]
	if h == nil {
		h = &history{}
		d.bases[host] = h
	}
	return d.begun, h
}

// mark asks for lower effort before connect, so that the first packet says so too: a server with tcp_reflect_tos answers
// alike. A socket of the other family, or a kernel that will not, does without.
func mark(fd uintptr) {
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TOS, lowerEffort)
	_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_TCLASS, lowerEffort)
}

// tended is a connection whose window follows what is free.
type tended struct {
	*net.TCPConn
	raw   syscall.RawConn
	begun time.Time
	base  *history
	once  sync.Once
	done  chan struct{}
}

// Close implements net.Conn.
func (t *tended) Close() error {
	t.once.Do(func() { close(t.done) })
	return t.TCPConn.Close()
}

// look asks the kernel how the connection is.
func (t *tended) look() (info *unix.TCPInfo, err error) {
	cerr := t.raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	return info, errors.Join(cerr, err)
}

// clamp bounds the window that the other side is given, bytes. The kernel takes no less than half of its smallest buffer, and
// never takes back what it has given.
func (t *tended) clamp(bytes int) (err error) {
	cerr := t.raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, bytes) })
	return errors.Join(cerr, err)
}

// able tries whether the kernel has what is needed: round trips at the receiver's end come from timestamps (RFC 7323).
func (t *tended) able() error {
	info, err := t.look()
	switch {
	case err != nil:
		return fmt.Errorf("ask for TCP_INFO: %w", err)
	case info.Options&timestamps == 0:
		return errors.New("the connection has no timestamps: allow them here and at the relay (net.ipv4.tcp_timestamps)")
	}
	t.base.note(time.Since(t.begun), time.Duration(info.Rtt)*time.Microsecond)
	if err := t.clamp(begin * int(info.Advmss)); err != nil {
		return fmt.Errorf("set TCP_WINDOW_CLAMP: %w", err)
	}
	return nil
}

// tend lets the window follow what is free, until the connection is closed.
func (t *tended) tend() {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	var w *window
	var before unix.TCPInfo
	moved, clamped := time.Now(), 0
	for {
		select {
		case <-t.done:
			return
		case <-timer.C:
		}
		info, err := t.look()
		if err != nil {
			return // it is closed
		}
		if w == nil {
			w = newWindow(t.base, int(info.Advmss))
			before = *info
		}
		s := sample{at: time.Since(t.begun), rtt: time.Duration(info.Rcv_rtt) * time.Microsecond, moved: int64(info.Bytes_received - before.Bytes_received),
			lost: info.Rcv_ooopack != before.Rcv_ooopack, mss: int(info.Advmss)}
		t.base.note(s.at, time.Duration(info.Min_rtt)*time.Microsecond)
		before = *info
		if size := w.step(s); size != clamped {
			if t.clamp(size) != nil {
				return
			}
			clamped = size
		}
		if s.moved > 0 {
			moved = time.Now()
		}
		pause := tick
		if time.Since(moved) > time.Second { // nobody asks for anything
			pause = 10 * tick
		}
		timer.Reset(pause)
	}
}
