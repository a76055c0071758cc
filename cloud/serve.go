package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"vitrine/cloud/ca"
	"vitrine/cloud/gate"
)

// Timeouts of every server here. Bodies and answers have deadlines of their own, which roll for blobs.
const (
	headerTime = 15 * time.Second // from accept: who connects and says nothing is closed
	idleTime   = 2 * time.Minute
	stopTime   = 5 * time.Second
	maxHeader  = 16 << 10
)

// listen opens the listeners.
func (r *Relay) listen() error {
	l, err := net.Listen("tcp", r.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w: choose another address with --listen", r.cfg.Listen, err)
	}
	r.listener = gate.Listen(l, r.tls, r.gate.Meter)
	if r.cfg.Ops != "" {
		if r.ops, err = net.Listen("tcp", r.cfg.Ops); err != nil {
			return fmt.Errorf("listen on %s for metrics: %w: choose another address with --ops", r.cfg.Ops, err)
		}
	}
	if r.cfg.Redirect != "" {
		if r.port, err = net.Listen("tcp", r.cfg.Redirect); err != nil {
			return fmt.Errorf("listen on %s to redirect: %w: choose another address with --redirect", r.cfg.Redirect, err)
		}
	}
	return nil
}

func (r *Relay) certificate() error {
	if r.cfg.Cert != "" || r.cfg.Key != "" {
		pair, err := ca.OpenPair(r.cfg.Cert, r.cfg.Key, r.cfg.Now)
		if err != nil {
			return err
		}
		r.tls = ca.Server(pair.Leaf)
	} else {
		var err error
		if r.own, err = ca.Open(ca.Config{Dir: CAPath(r.cfg.Data), Names: Names(r.cfg.Names), Now: r.cfg.Now}); err != nil {
			return err
		}
		r.tls = r.own.TLS()
	}
	r.tls.NextProtos = []string{"http/1.1"} // one long-poll, one connection: what proxies and the measurements know
	return nil
}

// Names are the given names and then this machine's own: host name, localhost and addresses.
func Names(given []string) []string {
	var names []string
	add := func(n string) {
		if n = strings.ToLower(strings.TrimSuffix(n, ".")); n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for _, n := range given {
		add(n)
	}
	if host, err := os.Hostname(); err == nil {
		add(host)
	}
	add("localhost")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return append(names, "127.0.0.1", "::1")
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			add(n.IP.String())
		}
	}
	return names
}

// serve runs one server until ctx ends; then those who wait are let go.
func (r *Relay) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(r.cfg.Log.Handler(), slog.LevelDebug)}
	done := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		done <- errors.Join(srv.Shutdown(late), srv.Close())
	})
	defer stop()
	err := srv.Serve(l)
	if ctx.Err() == nil {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop serving %s: %w", l.Addr(), err)
	}
	return nil
}

// opsHandler serves what watches the relay; it has a listener of its own, meant for this machine or a closed network.
func (r *Relay) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := r.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		r.gate.Meter.Write(w)
		gate.Metric(w, "vitrine_heartbeats_waiting", "gauge", "Heartbeats that wait for something to do.", float64(r.fleet.Waits()))
		all, online := r.fleet.Count()
		gate.Metric(w, "vitrine_players", "gauge", "Players that were claimed.", float64(all))
		gate.Metric(w, "vitrine_players_online", "gauge", "Players that are online.", float64(online))
		if free, err := r.files.Free(); err == nil {
			gate.Metric(w, "vitrine_disk_free_bytes", "gauge", "Bytes that the disk has left, the reserve included.", float64(free))
		}
	})
	return mux
}

// tidy throws away what nothing names any more, an hour after the start and then every six hours.
func (r *Relay) tidy(ctx context.Context) error {
	for wait := time.Hour; ; wait = 6 * time.Hour {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := r.Tidy(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("garbage not collected", "err", err)
		}
	}
}

// Tidy puts plays away into the folder plays that are older than Config.Plays, and throws away the manifests and blobs that no stream's head, no player and no push names any more, once they have not been
// touched for Config.Grace.
func (r *Relay) Tidy(ctx context.Context) error {
	if r.cfg.Plays > 0 {
		if _, err := r.fleet.Retire(ctx, r.cfg.Now().Add(-r.cfg.Plays), r.cfg.path("plays")); err != nil {
			return err
		}
	}
	return r.goods.Collect(ctx, r.fleet.Manifests(), r.cfg.Now().Add(-r.cfg.Grace))
}

// ready says why the relay cannot take anything.
func (r *Relay) ready() error {
	free, err := r.files.Free()
	if err != nil {
		return err
	}
	if free < r.cfg.Reserve {
		return fmt.Errorf("the disk has %d bytes left, less than the reserve of %d", free, r.cfg.Reserve)
	}
	return nil
}

// redirect sends a browser from http:// to https://, GET and HEAD only: what was sent in the clear is not repeated for it.
func (r *Relay) redirect(w http.ResponseWriter, req *http.Request) {
	host := req.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name := strings.Trim(host, "[]")
	if req.Method != http.MethodGet && req.Method != http.MethodHead || !slices.Contains(Names(r.cfg.Names), strings.ToLower(name)) {
		http.Error(w, "use https://", http.StatusMisdirectedRequest)
		return
	}
	_, port, err := net.SplitHostPort(r.Addr().String())
	if err == nil && port != "443" {
		name = net.JoinHostPort(name, port)
	}
	w.Header().Set("Connection", "close")
	http.Redirect(w, req, "https://"+name+req.URL.RequestURI(), http.StatusPermanentRedirect)
}
