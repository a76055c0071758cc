package gate

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"vitrine/cloud/ca"
)

// A flood of connections that never shake hands takes no more than its share, and is told so at once.
func TestHandshakesOfOneNetworkAreBoundedBeforeTLS(t *testing.T) {
	authority, err := ca.Open(ca.Config{Dir: t.TempDir(), Names: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := newMeter()
	l := Listen(tcp, authority.TLS(), m)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var silent []net.Conn
	for range maxFromNetwork {
		c, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	over, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	if _, err := over.Read(make([]byte, 1)); err == nil { // returns when it is closed
		t.Fatal("the relay spoke first")
	}
	if m.Refused.Load() != 1 {
		t.Fatal(m.Refused.Load(), "were refused")
	}
	// Another network is let in, and so is this one when its place is free.
	if !l.enter("198.51.100.7") {
		t.Fatal("another network pays for the flood")
	}
	l.leave("198.51.100.7")
	silent[0].Close()
	for { // its place is free as soon as the relay has seen the end of it
		c, err := tls.Dial("tcp", tcp.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			continue
		}
		defer c.Close()
		got, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if !got.(*tls.Conn).ConnectionState().HandshakeComplete {
			t.Fatal("a connection without handshake was let through")
		}
		got.Close()
		return
	}
}
