package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Feed is a source of rows at length, for whoever sets it up: nothing that is secret, and rows only where they are asked for.
type Feed struct {
	Name      string     `json:"name"`
	Type      string     `json:"type"`
	Where     string     `json:"where"`
	Secret    string     `json:"secret,omitempty"` // the name of the one that it uses
	Count     int        `json:"count"`            // rows that zones see
	Read      int        `json:"read"`             // rows that the source gave
	Columns   []string   `json:"columns,omitempty"`
	Rows      [][]string `json:"rows,omitempty"` // the first ones, as zones see them
	Fetched   time.Time  `json:"fetchedAt,omitzero"`
	Changed   time.Time  `json:"changedAt,omitzero"`
	Next      time.Time  `json:"nextAt,omitzero"` // when it is asked again
	Stale     bool       `json:"stale"`
	Expired   bool       `json:"expired,omitempty"`
	Truncated bool       `json:"truncated,omitempty"` // it has more than it may give
	Class     string     `json:"class,omitempty"`     // what kind of fault it has
	Error     string     `json:"error,omitempty"`     // in a sentence
	Dropped   []Dropped  `json:"dropped,omitempty"`
	Steps     []FeedStep `json:"steps,omitempty"` // of the last fetch
}

// Dropped is a part of a source that is not among the rows.
type Dropped struct {
	Place string `json:"place"`
	Why   string `json:"why"`
}

// FeedStep is a part of a fetch.
type FeedStep struct {
	Step  string  `json:"step"`
	Took  float64 `json:"ms"`
	Bytes int     `json:"bytes,omitempty"`
	Rows  int     `json:"rows,omitempty"`
}

// maxShown is how many rows of a source are told at most.
const maxShown = 1000

func (s *Server) sources(w http.ResponseWriter, r *http.Request) {
	n := 0
	if text := r.FormValue("rows"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 0 || n > maxShown {
			fail(w, http.StatusBadRequest, fmt.Errorf("rows is not a number from 0 to %d", maxShown))
			return
		}
	}
	answer(w, http.StatusOK, s.cfg.Player.Feeds(n))
}

// Sources asks how the sources of rows are; of each at most n rows are told.
func (c *Client) Sources(ctx context.Context, n int) (all []Feed, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := c.call(ctx, http.MethodGet, fmt.Sprintf("/sources?rows=%d", n), nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	err = json.NewDecoder(io.LimitReader(body, 256<<20)).Decode(&all)
	return all, err
}
