package gate

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/depot"
)

// one is a listener of a single connection.
type one struct {
	net.Conn
	taken  bool
	closed chan struct{}
}

func (o *one) Accept() (net.Conn, error) {
	if !o.taken {
		o.taken = true
		return o.Conn, nil
	}
	<-o.closed
	return nil, net.ErrClosed
}

func (o *one) Close() error   { close(o.closed); return nil }
func (o *one) Addr() net.Addr { return o.LocalAddr() }

func TestWhoeverSendsABodyTooSlowlyIsToldThatItWasTooSlow(t *testing.T) {
	for name, handle := range map[string]func(*testing.T, *Gate) func(http.ResponseWriter, *http.Request) error{
		"a small body": func(*testing.T, *Gate) func(http.ResponseWriter, *http.Request) error {
			return func(w http.ResponseWriter, r *http.Request) error { _, err := body(w, r, 100); return err }
		},
		"a blob": func(t *testing.T, g *Gate) func(http.ResponseWriter, *http.Request) error {
			files, err := depot.OpenFiles(t.TempDir(), 1)
			if err != nil {
				t.Fatal(err)
			}
			return func(w http.ResponseWriter, r *http.Request) error {
				c := http.NewResponseController(w)
				_, err := files.Put(r.Context(), "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", r.ContentLength, reader(func(p []byte) (int, error) {
					if err := c.SetReadDeadline(time.Now().Add(stallTime)); err != nil {
						return 0, err
					}
					return r.Body.Read(p)
				}))
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Log: slog.New(slog.DiscardHandler), Now: time.Now})
				here, there := net.Pipe()
				l := &one{Conn: there, closed: make(chan struct{})}
				srv := &http.Server{Handler: g.guard(Route{Pattern: "POST /", Who: Anyone, Handle: handle(t, g)})}
				ended := make(chan error, 1)
				go func() { ended <- srv.Serve(l) }()
				defer func() {
					here.Close()
					if err := srv.Close(); err != nil {
						t.Error(err)
					}
					<-ended
				}()
				if _, err := io.WriteString(here, "POST / HTTP/1.1\r\nHost: relay\r\nContent-Length: 3\r\n\r\nf"); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(bufio.NewReader(here), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				var p api.Problem
				if err := json.NewDecoder(res.Body).Decode(&p); err != nil || res.StatusCode != http.StatusRequestTimeout {
					t.Errorf("answered %d, %+v, %v; want 408", res.StatusCode, p, err)
				}
			})
		})
	}
}
