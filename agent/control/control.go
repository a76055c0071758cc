// Package control lets people and programs on the player's own machine ask and tell it, over a local socket.
//
//	vitrine-player status, sources, import, screenshot, card, volume, screen, secret, export ──HTTP over DIR/control.sock (mode 0600)──> Server ──> player
//
// Who may open the socket may do everything: it belongs to the user that the player runs as. Where DIR cannot be written the
// socket is below /run/vitrine, $XDG_RUNTIME_DIR, the folder for temporary files or /dev/shm, in a folder of that user's.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"vitrine/cloud/api"
)

// Status is a player's account of itself, for people on its machine.
type Status struct {
	Name      string            `json:"name,omitempty"`
	ID        string            `json:"id,omitempty"`     // "" = not enrolled
	Public    []byte            `json:"public,omitempty"` // the key that it signs with, Ed25519
	Seal      *api.Seal         `json:"seal,omitempty"`   // what secrets for it are sealed to
	Version   string            `json:"version"`
	Uptime    int64             `json:"uptime"` // seconds
	Relay     string            `json:"relay,omitempty"`
	Claim     *Claim            `json:"claim,omitempty"`     // set while it waits to be claimed
	Publisher string            `json:"publisher,omitempty"` // the four words of the pinned root
	Bundle    *api.Pointer      `json:"bundle,omitempty"`
	Issued    time.Time         `json:"issued,omitzero"`
	Missing   []string          `json:"missing,omitempty"` // scenes that cannot be shown yet
	Refused   *api.Refusal      `json:"refused,omitempty"`
	Fetching  *api.Progress     `json:"fetching,omitempty"`
	Stick     *api.Stick        `json:"stick,omitempty"` // the last one since the start
	Showing   api.Showing       `json:"showing"`
	Next      time.Time         `json:"next,omitzero"` // change of programme
	Held      map[string]string `json:"quarantined,omitempty"`
	Rejected  []string          `json:"rejected,omitempty"` // rules of the schedule that were left out
	Alerts    []string          `json:"alerts,omitempty"`   // public warnings that stand here, in words
	Notices   []string          `json:"notices,omitempty"`  // on the player's own page: why there is nothing else to show
	Renderer  Renderer          `json:"renderer"`
	Volume    Volume            `json:"volume"`
	Sources   map[string]Source `json:"sources,omitempty"`
	Clock     Clock             `json:"clock"`
	Actions   []Action          `json:"actions,omitempty"`
	Metrics   map[string]any    `json:"metrics,omitempty"` // that conditions may ask, but those of sources
	Disk      int64             `json:"disk"`              // bytes free
	Checks    map[string]string `json:"checks"`
}

// Claim is what a person needs to make a waiting player theirs.
type Claim struct {
	Code  string   `json:"code"`
	URL   string   `json:"url"`
	Words []string `json:"words"` // of the player's key; the relay shows the same
}

// Renderer is what draws.
type Renderer struct {
	Output    string `json:"output,omitempty"` // "" = not running
	Fault     string `json:"fault,omitempty"`  // why it is down
	Width     int    `json:"width,omitempty"`
	Height    int    `json:"height,omitempty"`
	Presented uint64 `json:"presented"` // frames
	Dropped   uint64 `json:"dropped"`
	Hwdec     string `json:"hwdec,omitempty"` // what decodes videos; "no" = software
	Memory    int64  `json:"memory"`          // bytes
	Ceiling   int64  `json:"ceiling"`         // of its memory, bytes
	PID       int    `json:"pid,omitempty"`   // of its process
	// Skew is by how many seconds an aligned video is ahead of its time; absent = none is on.
	Skew    *float64 `json:"skew,omitempty"`
	Renewed int      `json:"renewed"` // how often it was started anew for its memory
}

// Source is how a source of rows is; never the rows themselves.
type Source struct {
	Rows    int       `json:"rows"`
	Fetched time.Time `json:"fetched,omitzero"`
	Stale   bool      `json:"stale"`
	Error   string    `json:"error,omitempty"`
}

// Action is something that is done at its time.
type Action struct {
	ID    string    `json:"id"`
	Do    string    `json:"do"`
	Next  time.Time `json:"next,omitzero"`   // zero = never
	Last  time.Time `json:"last,omitzero"`   // due instant that was answered for last
	State string    `json:"state,omitempty"` // of that: begun, done, failed, skipped
	Why   string    `json:"why,omitempty"`
}

// Clock is how far the player's time is believed.
type Clock struct {
	Trust string    `json:"trust"`
	Now   time.Time `json:"now"`
	Why   string    `json:"why,omitempty"` // it is not believed
}

// Step is one line of an import's answer: how far it is, and at the end what came of it.
type Step struct {
	Have   int64        `json:"have,omitempty"`
	Total  int64        `json:"total,omitempty"`
	Done   bool         `json:"done,omitempty"`
	Bundle *api.Pointer `json:"bundle,omitempty"`
	Same   bool         `json:"same,omitempty"` // it was live already
	Error  string       `json:"error,omitempty"`
}

// player is who answers.
type player interface {
	Status() Status
	Import(ctx context.Context, path, trust string, progress func(have, total int64)) (p *api.Pointer, changed bool, err error)
	Shot(ctx context.Context, path string, width int) error
	Feeds(rows int) []Feed
	teller
	keeper
}

// Config says where the socket is and who answers.
type Config struct {
	Dir    string // the player's data folder
	Player player
	// Scratch makes a folder for files of a moment; nil = below Dir.
	Scratch func() (dir string, err error)
	Log     *slog.Logger
}

// Server answers on the socket.
type Server struct {
	cfg Config
	mux *http.ServeMux
}

// New checks the configuration; it starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Player == nil || cfg.Dir == "" {
		return nil, errors.New("control: a folder and a player are needed")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Scratch == nil {
		cfg.Scratch = func() (string, error) { return os.MkdirTemp(cfg.Dir, "shot-") }
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /status", s.status)
	s.mux.HandleFunc("GET /sources", s.sources)
	s.mux.HandleFunc("POST /import", s.load)
	s.mux.HandleFunc("GET /screenshot", s.screenshot)
	s.mux.HandleFunc("POST /card", s.card)
	s.mux.HandleFunc("POST /volume", s.volume)
	s.mux.HandleFunc("POST /screen", s.arrange)
	s.keepRoutes()
	return s, nil
}

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	l, err := listen(s.cfg.Dir)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer on the control socket: %w", err)
	}
	return nil
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v) // an error is the caller's going away
}

func fail(w http.ResponseWriter, code int, err error) {
	answer(w, code, api.Problem{Title: err.Error(), Status: code})
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.cfg.Player.Status())
}

// load streams one Step a line. It ends when the caller goes away.
func (s *Server) load(w http.ResponseWriter, r *http.Request) {
	var in struct{ Path, Trust string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil || !filepath.IsAbs(in.Path) {
		fail(w, http.StatusBadRequest, errors.New("the path of a bundle file or folder is missing; it begins with /"))
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	tell := func(step Step) {
		json.NewEncoder(w).Encode(step)
		http.NewResponseController(w).Flush()
	}
	var last time.Time
	p, changed, err := s.cfg.Player.Import(r.Context(), in.Path, in.Trust, func(have, total int64) {
		if now := time.Now(); have == total || now.Sub(last) > 200*time.Millisecond {
			last = now
			tell(Step{Have: have, Total: total})
		}
	})
	step := Step{Done: true, Bundle: p, Same: err == nil && !changed}
	if err != nil {
		step.Error = err.Error()
	}
	tell(step)
}

func (s *Server) screenshot(w http.ResponseWriter, r *http.Request) {
	width, err := strconv.Atoi(r.FormValue("width"))
	if r.FormValue("width") != "" && (err != nil || width < 0 || width > 16384) {
		fail(w, http.StatusBadRequest, errors.New("the width is not a number of pixels from 0 to 16384"))
		return
	}
	kind := map[string]string{"": "image/png", "png": "image/png", "jpg": "image/jpeg"}[r.FormValue("as")]
	if kind == "" {
		fail(w, http.StatusBadRequest, errors.New("a picture is png or jpg"))
		return
	}
	dir, err := s.cfg.Scratch()
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "shot.png")
	if kind == "image/jpeg" {
		path = filepath.Join(dir, "shot.jpg")
	}
	ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second)
	defer cancel()
	if err := s.cfg.Player.Shot(ctx, path, width); err != nil {
		fail(w, http.StatusServiceUnavailable, err)
		return
	}
	f, err := os.Open(path)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", kind)
	io.Copy(w, f) // an error is the caller's going away
}
