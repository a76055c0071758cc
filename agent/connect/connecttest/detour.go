package connecttest

import (
	"io"
	"net"
	"net/http"
	"sync"
)

// Detour starts an HTTP proxy that leads hosts of the internet, "name:port", to addresses of this machine ("" = it refuses): the player goes through it as through the proxy of a customer's network (HTTPS_PROXY), with TLS from end to end.
func (s *Stage) Detour(to func(host string) string) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := to(r.Host)
		if r.Method != http.MethodConnect || addr == "" {
			http.Error(w, "not from here", http.StatusForbidden)
			return
		}
		up, err := net.Dial("tcp", addr)
		if err != nil {
			http.Error(w, "nothing answers there", http.StatusBadGateway)
			return
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			up.Close()
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") // one that is gone is found by what follows
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(up, c); up.Close() })
		both.Go(func() { _, _ = io.Copy(c, up); c.Close() })
		both.Wait()
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	s.Defer(func() { server.Close(); <-done })
	return "http://" + l.Addr().String(), nil
}
