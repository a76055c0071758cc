package ledbat_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// line is what lies between two machines: a rate and a queue that drops what does not fit, towards the near one; a delay both
// ways.
type line struct {
	rate  float64       // bytes/s
	delay time.Duration // one way
	queue int           // bytes
}

// bed is two machines, each a network namespace of this process with one TUN device, and a line between them.
//
//	far ── tun ── read ── queue, rate ── delay ── write ── tun ── near
type bed struct {
	line
	t         *testing.T
	near, far int // namespaces
	tuns      [2]*os.File
	lines     sync.WaitGroup

	mu    sync.Mutex
	marks map[int]map[byte]int // how many packets of the near machine had which type of service, by version of IP
}

const (
	nearIP, farIP   = "10.9.8.1", "10.9.8.2"
	nearIP6, farIP6 = "fd00:9:8::1", "fd00:9:8::2"
)

// newBed lays a line. It needs to be root, with /dev/net/tun.
func newBed(t *testing.T, l line) *bed {
	t.Helper()
	b := &bed{line: l, t: t, marks: map[int]map[byte]int{4: {}, 6: {}}}
	var err error
	for i, ip := range []string{nearIP, farIP} {
		ns := []*int{&b.near, &b.far}[i]
		if *ns, b.tuns[i], err = namespace(ip); err != nil {
			t.Skipf("no network of its own can be made here (root and /dev/net/tun are needed): %v", err)
		}
	}
	b.lines.Go(func() { b.carry(b.tuns[1], b.tuns[0], l.rate, l.queue) })
	b.lines.Go(func() { b.carry(b.tuns[0], b.tuns[1], l.rate, l.queue) })
	t.Cleanup(func() {
		for _, f := range b.tuns {
			f.Close()
		}
		b.lines.Wait()
		unix.Close(b.near)
		unix.Close(b.far)
	})
	return b
}

// namespace makes a network namespace with a TUN device, on a thread that ends with it.
func namespace(ip string) (ns int, tun *os.File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if ns, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		var fd int
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		var ifr [40]byte
		copy(ifr[:], "bed")
		*(*uint16)(unsafe.Pointer(&ifr[16])) = unix.IFF_TUN | unix.IFF_NO_PI
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&ifr))); e != 0 {
			err = e
			return
		}
		tun = os.NewFile(uintptr(fd), "tun")
		ip6 := map[string]string{nearIP: nearIP6, farIP: farIP6}[ip]
		for _, args := range []string{"link set lo up", "addr add " + ip + "/24 dev bed", "link set bed up mtu 1500", "-6 addr add " + ip6 + "/64 dev bed nodad"} {
			if out, e := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); e != nil {
				err = fmt.Errorf("ip %s: %w: %s", args, e, out)
				return
			}
		}
		err = os.WriteFile("/proc/sys/net/ipv4/tcp_rmem", []byte("4096 131072 6291456"), 0) // as Debian has it
	}()
	<-done
	return ns, tun, err
}

// in runs a function on a thread of a namespace; sockets that it makes stay there.
func in(ns int, do func() error) error {
	err := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		if e := unix.Setns(ns, unix.CLONE_NEWNET); e != nil {
			err <- e
			return
		}
		err <- do()
	}()
	return <-err
}

// packet is on its way.
type packet struct {
	due   time.Time
	bytes []byte
}

// carry moves packets from one device to the other until they are closed.
func (b *bed) carry(from, to *os.File, rate float64, queue int) {
	pipe := make(chan packet, 1<<16)
	b.lines.Go(func() {
		for p := range pipe {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.bytes); err != nil && !errors.Is(err, unix.EIO) {
				for range pipe { // closed: drain
				}
				return
			}
		}
	})
	defer close(pipe)
	buf := make([]byte, 65536)
	free := time.Now() // when the line has sent all that is in its queue
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if from == b.tuns[0] && n > 1 {
			b.mu.Lock()
			if version := buf[0] >> 4; version == 4 {
				b.marks[4][buf[1]]++
			} else if version == 6 {
				b.marks[6][buf[0]<<4|buf[1]>>4]++
			}
			b.mu.Unlock()
		}
		now := time.Now()
		if free.Before(now) {
			free = now
		}
		if waits := free.Sub(now).Seconds() * rate; int(waits)+n > queue {
			continue
		}
		free = free.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		pipe <- packet{free.Add(b.delay), append([]byte(nil), buf[:n]...)}
	}
}

// serve sends zeros to whoever connects to the far machine, at the pace of one kind of congestion control.
func (b *bed) serve(control string) net.Listener { return b.serveAt(farIP, control) }

func (b *bed) serveAt(ip, control string) net.Listener {
	b.t.Helper()
	var l net.Listener
	if err := in(b.far, func() (err error) { l, err = net.Listen("tcp", net.JoinHostPort(ip, "0")); return err }); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			raw, err := c.(*net.TCPConn).SyscallConn()
			if err == nil {
				err = raw.Control(func(fd uintptr) {
					if err := unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, control); err != nil {
						b.t.Errorf("the kernel has no %s: %v", control, err)
					}
				})
			}
			if err != nil {
				b.t.Error(err)
			}
			go func() {
				defer c.Close()
				for zeros := make([]byte, 32<<10); ; {
					if _, err := c.Write(zeros); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l
}

// dialer is what a connection is made with.
type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// load reads from a connection for as long as it is let, and counts.
type load struct {
	mu    sync.Mutex
	bytes int64
	conn  net.Conn
	ended chan struct{}
}

// pull begins to download; limit is the most that it reads in a second, 0 = all that comes.
func (b *bed) pull(l net.Listener, with dialer, limit int64) *load {
	b.t.Helper()
	d := &load{ended: make(chan struct{})}
	if err := in(b.near, func() (err error) {
		d.conn, err = with.DialContext(b.t.Context(), "tcp", l.Addr().String())
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		begun, all := time.Now(), int64(0)
		for buf := make([]byte, 16<<10); ; {
			n, err := d.conn.Read(buf)
			d.mu.Lock()
			d.bytes += int64(n)
			d.mu.Unlock()
			if err != nil {
				return
			}
			if all += int64(n); limit > 0 {
				time.Sleep(time.Duration(float64(all)/float64(limit)*float64(time.Second)) - time.Since(begun))
			}
		}
	}()
	return d
}

func (d *load) count() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes
}

func (d *load) stop() {
	d.conn.Close()
	<-d.ended
}
