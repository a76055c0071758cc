package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"
)

func TestSystemdIsToldOfALifeThatGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "30000")
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan bool)
	done := make(chan struct{})
	go func() {
		defer close(done)
		notify(ctx, func() bool { return <-asked })
	}()
	hears := func(want string) {
		t.Helper()
		b := make([]byte, 100)
		n, err := l.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("systemd was told %q, %v; want %q", b[:n], err, want)
		}
	}
	hears("READY=1")
	asked <- true
	hears("WATCHDOG=1")
	asked <- false // a player whose screen nobody looks after says nothing
	asked <- true
	hears("WATCHDOG=1")
	close(asked)
	cancel()
	<-done
}
