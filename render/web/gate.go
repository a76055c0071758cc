package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// reach is what of the network a page may see. The zero value is nothing.
type reach struct {
	hosts []string // names or addresses of machines, any port of them
	own   bool     // this machine too, and plain http to it: for tests
}

// may says whether a host is one of those that the page may see.
func (r reach) may(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(r.hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// gate is the one way from a page to the network: a proxy on this machine that connects to the page's hosts and to no
// others. It looks a name up itself and connects to the very address that it has looked at, so that no name can lead to
// this machine, its neighbours by cable or a cloud's metadata (RFC 6890).
type gate struct {
	reach    reach
	ln       net.Listener
	ctx      context.Context // ends with the gate
	end      context.CancelFunc
	mu       sync.Mutex
	why      map[string]error // by host: why the last attempt failed
	open     map[net.Conn]bool
	closed   bool
	handlers sync.WaitGroup
}

const (
	dialTime  = 10 * time.Second
	maxTunnel = 128 // at a time; a page of many parts has some 30
)

func newGate(r reach) (*gate, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the page's way to the network: %w", err)
	}
	g := &gate{reach: r, ln: ln, why: map[string]error{}, open: map[net.Conn]bool{}}
	g.ctx, g.end = context.WithCancel(context.Background())
	g.handlers.Add(1)
	go g.serve()
	return g, nil
}

// proxy is the address to give to the browser.
func (g *gate) proxy() string { return "http://" + g.ln.Addr().String() }

func (g *gate) serve() {
	defer g.handlers.Done()
	for {
		c, err := g.ln.Accept()
		if err != nil {
			return
		}
		if !g.keep(c) {
			_ = c.Close()
			continue
		}
		g.handlers.Add(1)
		go func() {
			defer g.handlers.Done()
			defer g.drop(c)
			g.handle(c)
		}()
	}
}

func (g *gate) keep(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.open) >= 2*maxTunnel {
		return false
	}
	g.open[c] = true
	return true
}

func (g *gate) drop(c net.Conn) {
	_ = c.Close()
	g.mu.Lock()
	delete(g.open, c)
	g.mu.Unlock()
}

// close ends all that goes through the gate.
func (g *gate) close() {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.closed = true
	g.end()
	_ = g.ln.Close()
	for c := range g.open {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.handlers.Wait()
}

// handle serves one connection of the browser: a tunnel, or in tests a plain request.
func (g *gate) handle(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(dialTime))
	br := bufio.NewReader(io.LimitReader(c, 64<<10))
	req, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	host, port := req.URL.Hostname(), req.URL.Port()
	if port == "" {
		port = "80"
	}
	up, err := g.dial(host, port, req.Method == http.MethodConnect)
	g.note(host, err)
	if err != nil {
		return // the browser fails, and the page is told why by reason
	}
	if !g.keep(up) {
		_ = up.Close()
		return
	}
	defer g.drop(up)
	_ = c.SetDeadline(time.Time{})
	if req.Method == http.MethodConnect {
		fmt.Fprintf(c, "HTTP/1.1 200 Connected\r\n\r\n")
	} else {
		req.Header.Del("Proxy-Connection")
		req.Close = true
		if req.Write(up) != nil {
			return
		}
	}
	go func() {
		_, _ = io.Copy(up, io.MultiReader(io.LimitReader(br, int64(br.Buffered())), c))
		_ = up.(interface{ CloseWrite() error }).CloseWrite()
	}()
	_, _ = io.Copy(c, up)
}

func (g *gate) note(host string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.why) > 64 {
		clear(g.why)
	}
	if err == nil {
		delete(g.why, host)
		return
	}
	g.why[host] = err
}

// reason is why a host could not be reached, nil when it could.
func (g *gate) reason(host string) error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why[host]
}

// dial connects to a host that the page may see.
func (g *gate) dial(host, port string, tunnel bool) (net.Conn, error) {
	if !g.reach.may(host) {
		return nil, fmt.Errorf("%s is not one of the page's hosts", host)
	}
	ctx, cancel := context.WithTimeout(g.ctx, dialTime)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("the name %s cannot be looked up: is the network there, and the name right? (%w)", host, err)
	}
	err = fmt.Errorf("the name %s has no address", host)
	for _, a := range addrs {
		a = a.Unmap()
		if refused := g.refuse(a, tunnel); refused != nil {
			err = fmt.Errorf("%s is %s, %w", host, a, refused)
			continue
		}
		var d net.Dialer
		c, failed := d.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), port))
		if failed == nil {
			return c, nil
		}
		err = fmt.Errorf("the machine %s does not answer: %w", host, failed)
	}
	return nil, err
}

var errOwn = errors.New("which no page may see: it belongs to this machine or to its cable")

// refuse says why an address is none for a page: this machine's own, those of the cable alone (where clouds keep their
// metadata), several machines at once; and for plain http any other than this machine in tests.
func (g *gate) refuse(a netip.Addr, tunnel bool) error {
	metadata := []netip.Addr{netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("168.63.129.16")}
	this := netip.PrefixFrom(netip.AddrFrom4([4]byte{}), 8) // RFC 1122 3.2.1.3
	switch {
	case g.reach.own && a.IsLoopback():
		return nil
	case !tunnel:
		return errors.New("and pages are fetched by https only")
	case a.IsLoopback(), a.IsLinkLocalUnicast(), a.IsUnspecified(), a.IsMulticast(), a.Is4() && this.Contains(a), slices.Contains(metadata, a):
		return errOwn
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return errOwn
	}
	for _, o := range own {
		if n, ok := o.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a {
				return errOwn
			}
		}
	}
	return nil
}

// greet does no more than the beginning of TLS with a server, to say in words what is wrong with its certificate.
func (g *gate) greet(u *url.URL) error {
	if g == nil {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	c, err := g.dial(u.Hostname(), port, true)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(dialTime))
	s := tls.Client(c, &tls.Config{ServerName: u.Hostname()})
	err = s.Handshake()
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return fmt.Errorf("the certificate of %s is not one to trust: %w", u.Host, bad.Err)
	}
	if err != nil {
		return fmt.Errorf("the server of %s does not speak TLS as it should: %w", u.Host, err)
	}
	return nil
}
