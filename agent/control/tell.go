package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// Volume is how loud a player is, per cent: as its people have set it, and as it is now by the schedule.
type Volume struct {
	Own int `json:"own"`
	Now int `json:"now"`
}

// Screen are flags of the renderer, by their names without dashes ("rotate": "90"): those that the player was started with,
// and those that were set since, which stand instead.
type Screen struct {
	Given map[string]string `json:"given"`
	Set   map[string]string `json:"set,omitempty"`
}

// Order is a change of a player's screen.
type Order struct {
	Set   map[string]string `json:"set,omitempty"`
	Reset bool              `json:"reset,omitempty"` // forget what was set before
}

// teller is a player that can be told things.
type teller interface {
	Card(stay time.Duration)
	SetVolume(percent int) error
	Arrange(ctx context.Context, o Order) (Screen, error)
}

func (s *Server) card(w http.ResponseWriter, r *http.Request) {
	var in struct{ For float64 } // seconds; 0 = as long as usual, less = go
	if !read(w, r, &in) {
		return
	}
	s.cfg.Player.Card(time.Duration(in.For * float64(time.Second)))
	answer(w, http.StatusOK, struct{}{})
}

func (s *Server) volume(w http.ResponseWriter, r *http.Request) {
	var in struct{ Percent int }
	if !read(w, r, &in) {
		return
	}
	if in.Percent < 0 || in.Percent > 100 {
		fail(w, http.StatusBadRequest, errors.New("a volume is 0 to 100 per cent"))
		return
	}
	if err := s.cfg.Player.SetVolume(in.Percent); err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func (s *Server) arrange(w http.ResponseWriter, r *http.Request) {
	var in Order
	if !read(w, r, &in) {
		return
	}
	now, err := s.cfg.Player.Arrange(r.Context(), in)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	answer(w, http.StatusOK, now)
}

func read(w http.ResponseWriter, r *http.Request, in any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(in); err != nil {
		fail(w, http.StatusBadRequest, errors.New("the player does not understand what it is told; are both programs of the same version?"))
		return false
	}
	return true
}

// Card shows the service page on the player's screen for a time; 0 = a minute, less takes it away.
func (c *Client) Card(ctx context.Context, stay time.Duration) error {
	return c.tell(ctx, "/card", struct{ For float64 }{stay.Seconds()}, nil)
}

// SetVolume sets how loud the player is, 0 to 100 per cent. It is kept.
func (c *Client) SetVolume(ctx context.Context, percent int) error {
	return c.tell(ctx, "/volume", struct{ Percent int }{percent}, nil)
}

// Arrange changes how the player's screen is arranged, and says how it is now. It is kept.
func (c *Client) Arrange(ctx context.Context, o Order) (now Screen, err error) {
	return now, c.tell(ctx, "/screen", o, &now)
}

func (c *Client) tell(ctx context.Context, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	body, err := c.call(ctx, http.MethodPost, path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(body).Decode(out)
}
