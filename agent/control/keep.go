package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"vitrine/agent/bundle/parcel"
	"vitrine/agent/secret"
)

// headHanded tells, beside an export, what is in it.
const headHanded = "Vitrine-Handed"

// Credentials are a secret on its way from a person to the player, over the socket alone.
type Credentials struct {
	User     string   `json:"user,omitempty"`
	Password string   `json:"password,omitempty"`
	Domain   string   `json:"domain,omitempty"`
	Token    string   `json:"token,omitempty"`
	Client   string   `json:"client,omitempty"`
	Tenant   string   `json:"tenant,omitempty"`
	Key      string   `json:"key,omitempty"`
	Hosts    []string `json:"hosts"`
}

// Format never tells what is secret, whatever the verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(secret)")) }

// Handed is what an export holds, and how far its plays go.
type Handed struct {
	Chain    string `json:"chain,omitempty"`
	N        uint64 `json:"n,omitempty"`
	Plays    int    `json:"plays"`
	Lines    int    `json:"lines"` // of the log
	Pictures int    `json:"pictures"`
	Name     string `json:"name"` // of the file
}

// keeper is a player that keeps secrets and hands over what it has to tell.
type keeper interface {
	Secrets() ([]secret.Entry, error)
	SetSecret(name string, s secret.Secret) error
	RemoveSecret(name string) error
	WriteExport(ctx context.Context, o parcel.Export) (path string, h Handed, err error)
	Kept(h Handed) error
}

func (s *Server) keepRoutes() {
	s.mux.HandleFunc("GET /secrets", s.secrets)
	s.mux.HandleFunc("POST /secrets", s.setSecret)
	s.mux.HandleFunc("POST /secrets/remove", s.removeSecret)
	s.mux.HandleFunc("POST /export", s.export)
	s.mux.HandleFunc("POST /exported", s.exported)
}

func (s *Server) secrets(w http.ResponseWriter, _ *http.Request) {
	list, err := s.cfg.Player.Secrets()
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	answer(w, http.StatusOK, list)
}

type named struct {
	Name   string
	Secret Credentials
}

func (s *Server) setSecret(w http.ResponseWriter, r *http.Request) {
	var in named
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 512<<10)).Decode(&in); err != nil { // what came is not repeated
		fail(w, http.StatusBadRequest, errors.New("the player does not understand what it is told; are both programs of the same version?"))
		return
	}
	if err := s.cfg.Player.SetSecret(in.Name, secret.Secret(in.Secret)); err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func (s *Server) removeSecret(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if !read(w, r, &in) {
		return
	}
	if err := s.cfg.Player.RemoveSecret(in.Name); err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// export answers with an export's bytes; what is in it stands in a header.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	var in parcel.Export
	if !read(w, r, &in) {
		return
	}
	path, h, err := s.cfg.Player.WriteExport(r.Context(), in)
	if err != nil {
		fail(w, http.StatusConflict, err)
		return
	}
	defer os.RemoveAll(filepath.Dir(path))
	f, err := os.Open(path)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	b, err := json.Marshal(h)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(st.Size(), 10))
	w.Header().Set(headHanded, string(b))
	io.Copy(w, f) // an error is the caller's going away
}

func (s *Server) exported(w http.ResponseWriter, r *http.Request) {
	var in Handed
	if !read(w, r, &in) {
		return
	}
	if err := s.cfg.Player.Kept(in); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// Secrets lists what the player keeps, never what is in it.
func (c *Client) Secrets(ctx context.Context) (list []secret.Entry, err error) {
	body, err := c.call(ctx, http.MethodGet, "/secrets", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return list, json.NewDecoder(io.LimitReader(body, 4<<20)).Decode(&list)
}

// SetSecret gives the player a secret.
func (c *Client) SetSecret(ctx context.Context, name string, s Credentials) error {
	return c.tell(ctx, "/secrets", named{name, s}, nil)
}

// RemoveSecret takes a secret away.
func (c *Client) RemoveSecret(ctx context.Context, name string) error {
	return c.tell(ctx, "/secrets/remove", struct{ Name string }{name}, nil)
}

// Export has the player write down what it has to tell, and copies it to w. Call Exported once that is kept for good.
func (c *Client) Export(ctx context.Context, o parcel.Export, w io.Writer) (h Handed, err error) {
	b, err := json.Marshal(o)
	if err != nil {
		return h, err
	}
	res, err := c.answer(ctx, http.MethodPost, "/export", b)
	if err != nil {
		return h, err
	}
	defer res.Body.Close()
	if err := json.Unmarshal([]byte(res.Header.Get(headHanded)), &h); err != nil {
		return h, errors.New("the player does not say what it hands over; are both programs of the same version?")
	}
	n, err := io.Copy(w, res.Body)
	if err == nil && n != res.ContentLength {
		err = errors.New("the player ended before all was handed over; ask again")
	}
	return h, err
}

// Exported says that an export is where it should be for good: the next one may begin after it.
func (c *Client) Exported(ctx context.Context, h Handed) error {
	return c.tell(ctx, "/exported", h, nil)
}
