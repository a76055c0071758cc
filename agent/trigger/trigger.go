// Package trigger answers: which program of this machine says that something happened?
//
//	POST /trigger/doorbell ──127.0.0.1──> Server: token? host? not too often? ──Fire("http:doorbell")──> playout
//
// It is for programs on the player's own machine: an address that is not loopback is refused. Pages in a browser there must
// not set off anything, so a request needs the token (in a header that no page of another origin may send without being asked
// first, which is never answered), the name of this machine as its host (against names that are made to point here), and no
// Origin. The token is in the player's data folder, readable by its user alone.
package trigger

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// TokenFile is the token's name in the player's data folder.
const TokenFile = "trigger.token"

const (
	burst  = 20 // triggers at once
	rate   = 10 // a second, after that
	minute = time.Minute
)

// Config says where requests are taken and who hears of them.
type Config struct {
	Address string // loopback address and port, 127.0.0.1:8787
	Dir     string // the player's data folder
	// Fire says that something happened, "http:doorbell"; false: nothing waits for it.
	Fire func(name string) bool
	Log  *slog.Logger
}

// Server takes requests.
type Server struct {
	cfg   Config
	token string

	mu      sync.Mutex
	left    float64 // triggers that may come now
	last    time.Time
	guessed time.Time // when a wrong token was logged
}

// New checks the address and makes the token where there is none.
func New(cfg Config) (*Server, error) {
	if cfg.Fire == nil {
		return nil, errors.New("triggers: somebody must be told")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := CheckAddress(cfg.Address); err != nil {
		return nil, err
	}
	token, err := tokenIn(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, token: token, left: burst, last: time.Now()}, nil
}

// CheckAddress refuses an address that is not this machine's alone.
func CheckAddress(address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address and a port: write 127.0.0.1:8787", address)
	}
	if !a.Addr().IsLoopback() {
		return fmt.Errorf("%s can be reached from elsewhere, and triggers are for programs on this machine: write 127.0.0.1:%d", address, a.Port())
	}
	return nil
}

func tokenIn(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	text, err := os.ReadFile(path)
	switch {
	case err == nil && len(strings.TrimSpace(string(text))) >= 20:
		return strings.TrimSpace(string(text)), nil
	case err == nil:
		return "", fmt.Errorf("the token in %s is shorter than 20 characters: write a longer one, or take the file away and one is made", path)
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("read the token of triggers: %w", err)
	}
	random := make([]byte, 24)
	rand.Read(random) // never fails
	token := base64.RawURLEncoding.EncodeToString(random)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("write the token of triggers: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return "", fmt.Errorf("write the token of triggers: %w", err)
	}
	return token, nil
}

// Run takes requests until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	l, err := net.Listen("tcp", s.cfg.Address)
	if err != nil {
		return fmt.Errorf("triggers are not taken: %w; is another program there? give another --trigger-listen", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/trigger/{name}", s.handler(l.Addr().String()))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	s.cfg.Log.Info("triggers taken", "address", l.Addr(), "token", filepath.Join(s.cfg.Dir, TokenFile))
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("triggers are not taken any more: %w", err)
	}
	return nil
}

// handler answers; address is where it listens.
func (s *Server) handler(address string) http.Handler {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		port = "0" // cannot be: a listener has one
	}
	hosts := map[string]bool{address: true, "localhost:" + port: true, "127.0.0.1:" + port: true, "[::1]:" + port: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10) // nobody reads it
		switch {
		case !hosts[r.Host]:
			refuse(w, http.StatusForbidden, "this machine is called localhost here: ask http://"+address)
		case r.Header.Get("Origin") != "", r.Header.Get("Sec-Fetch-Site") != "":
			refuse(w, http.StatusForbidden, "pages in a browser set off nothing")
		case !s.right(r.Header.Get("Authorization")):
			w.Header().Set("WWW-Authenticate", `Bearer realm="triggers"`)
			refuse(w, http.StatusUnauthorized, "the token is missing or wrong: send Authorization: Bearer with what is in "+TokenFile+" in the player's data folder")
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			refuse(w, http.StatusMethodNotAllowed, "a trigger is set off by POST")
		case !s.may():
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusTooManyRequests, fmt.Sprintf("%d a second are the most", rate))
		case !s.cfg.Fire("http:" + r.PathValue("name")):
			refuse(w, http.StatusNotFound, fmt.Sprintf("no event of the bundle waits for http:%.64s", r.PathValue("name")))
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]any{"title": why, "status": code}) // an error is the caller's going away
}

// right compares the token. Guesses are logged once a minute and not slowed down: 192 random bits are not found in this way,
// and whoever has the token is never locked out by whoever guesses.
func (s *Server) right(header string) bool {
	given, ok := strings.CutPrefix(header, "Bearer ")
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) == 1 && ok {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.guessed.IsZero() || now.Sub(s.guessed) > minute {
		s.guessed = now
		s.cfg.Log.Warn("trigger refused", "why", "its token is missing or wrong")
	}
	return false
}

// may takes one of the triggers that may come now.
func (s *Server) may() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.left = min(burst, s.left+rate*now.Sub(s.last).Seconds())
	s.last = now
	if s.left < 1 {
		return false
	}
	s.left--
	return true
}
