package place

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// dialTime is how long a connection may take to be made.
const dialTime = 15 * time.Second

// folder is a connection to where files are.
type folder interface {
	readDir(ctx context.Context, name string) ([]os.FileInfo, error) // at least the first maxEntries, in any order
	sentence(error) error
	close()
}

// lister is a place that can list folders; dial also says where the place's own is.
type lister interface {
	dial(ctx context.Context) (folder, string, error)
}

// shelf is a folder whose files can be opened.
type shelf interface {
	folder
	open(name string) (openedCloser, error)
}

type openedCloser interface {
	opened
	Close() error
}

// read fetches a file of a shelf.
func read(ctx context.Context, s shelf, name string, limit int64, known mark) ([]byte, mark, error) {
	defer s.close()
	f, err := s.open(name)
	if err != nil {
		return nil, mark{}, s.sentence(err)
	}
	defer f.Close()
	b, m, err := take(ctx, f, name, limit, known)
	return b, m, s.sentence(err)
}

// connect opens a connection that is closed when ctx ends: a server that stalls is never waited for, not even to say
// goodbye. It gives no more than most bytes, with room for what a protocol puts around them.
func connect(ctx context.Context, addr string, most int64) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, Explain(err, addr)
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	return &frugalConn{Conn: conn, left: most + most/4 + 1<<20}, nil
}

// frugalConn reads so many bytes.
type frugalConn struct {
	net.Conn
	left int64
}

func (c *frugalConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// address is host with a port, the usual one when it names none.
func address(host, port string) (string, error) {
	name, p, err := net.SplitHostPort(host)
	switch {
	case err == nil && name != "" && p != "":
		return host, nil
	case host == "" || strings.ContainsAny(host, "/\\@ ") || strings.Contains(host, ":") && net.ParseIP(host) == nil:
		return "", fmt.Errorf("its host %q is not a name, or name:port", host)
	}
	return net.JoinHostPort(host, port), nil
}

var errNoSecret = errors.New("it names no secret; its server wants a user and a password: name them (auth: {secret: …})")
