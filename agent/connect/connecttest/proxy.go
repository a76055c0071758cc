package connecttest

import (
	"net"
	"sync"
	"sync/atomic"
)

// Proxy is between a client and a server, and can fail in the middle of an answer.
type Proxy struct {
	Port int

	to    string
	l     net.Listener
	after atomic.Int64 // bytes of answers to let through; then how
	how   atomic.Int32
	seen  atomic.Int64 // bytes of answers since the last change

	mu    sync.Mutex
	conns map[net.Conn]bool
	tape  []byte // the answers, as far as they are kept
	tapes bool
	bites chan struct{} // closed when an answer has failed since Fail
}

// How a proxy fails.
const (
	Well  = int32(iota)
	Stall // gives nothing more, and keeps the connection
	Reset // resets the connection
	Cut   // closes it
	Spoil // changes one bit of what follows, and goes on
)

// NewProxy listens on loopback and passes on to addr.
func (s *Stage) NewProxy(addr string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Port: l.Addr().(*net.TCPAddr).Port, to: addr, l: l, conns: map[net.Conn]bool{}, bites: make(chan struct{})}
	done := make(chan struct{})
	go func() { defer close(done); p.serve() }()
	s.Defer(func() { l.Close(); p.closeAll(); <-done })
	return p, nil
}

// Fail makes it fail once so many bytes of answers have gone through; how is Well to go on as it should.
func (p *Proxy) Fail(how int32, after int64) {
	p.how.Store(Well)
	p.closeAll()
	p.begin(how, after)
}

func (p *Proxy) begin(how int32, after int64) {
	p.mu.Lock()
	p.bites = make(chan struct{})
	p.mu.Unlock()
	p.seen.Store(0)
	p.after.Store(after)
	p.how.Store(how)
}

// Failed is closed when an answer has failed in the way that Fail or Hang asked for.
func (p *Proxy) Failed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bites
}

func (p *Proxy) bite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.bites:
	default:
		close(p.bites)
	}
}

// Hang makes what is connected stall from now on, without an end to it, and what connects later too.
func (p *Proxy) Hang() { p.begin(Stall, 0) }

// Record keeps what goes through from now on, at most 1 MiB; Tape gives it and ends that.
func (p *Proxy) Record() { p.mu.Lock(); p.tape, p.tapes = nil, true; p.mu.Unlock() }

// Tape is what was recorded.
func (p *Proxy) Tape() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tapes = false
	return p.tape
}

func (p *Proxy) keep(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tapes && len(p.tape) < 1<<20 {
		p.tape = append(p.tape, b...)
	}
}

// Seen is how many bytes of answers went through since Fail.
func (p *Proxy) Seen() int64 { return p.seen.Load() }

func (p *Proxy) serve() {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.to)
		if err != nil {
			c.Close()
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[up] = true, true
		p.mu.Unlock()
		all.Go(func() { p.ask(up, c) })
		all.Go(func() { p.answer(c, up) })
	}
}

// ask passes a question on.
func (p *Proxy) ask(up, c net.Conn) {
	defer up.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := c.Read(buf)
		p.keep(buf[:n])
		if _, bad := up.Write(buf[:n]); err != nil || bad != nil {
			return
		}
	}
}

// answer passes an answer on, as far as it is to go.
func (p *Proxy) answer(c, up net.Conn) {
	defer func() {
		c.Close()
		up.Close()
		p.mu.Lock()
		delete(p.conns, c)
		delete(p.conns, up)
		p.mu.Unlock()
	}()
	buf := make([]byte, 4<<10)
	for {
		n, err := up.Read(buf)
		if how := p.how.Load(); p.seen.Add(int64(n)) > p.after.Load() && how != Well {
			p.bite()
			switch how {
			case Stall:
				for err == nil { // until one side hangs up
					_, err = up.Read(buf)
				}
			case Reset:
				_ = c.(*net.TCPConn).SetLinger(0)
			case Spoil:
				if n > 0 {
					buf[n/2] ^= 1
				}
			}
			if how != Spoil {
				return
			}
		}
		p.keep(buf[:n])
		if _, bad := c.Write(buf[:n]); err != nil || bad != nil {
			return
		}
	}
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}
