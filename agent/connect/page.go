package connect

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"vitrine/agent/connect/place"
)

// Page is an address that is read again and again: not twice while it is unchanged, within a limit, redirected on its own
// host only. It is for one goroutine.
type Page struct {
	at  place.Place
	err error // why its address cannot be asked
}

// NewPage names a page; nothing is read yet. over carries the requests; nil = the network.
func NewPage(url string, over http.RoundTripper) *Page {
	scheme, _, _ := strings.Cut(url, ":")
	at, err := place.Open(place.Spec{Type: strings.ToLower(scheme), URL: url}, place.Env{Over: over})
	return &Page{at, err}
}

// Read reads at most limit bytes; one more is an error. fresh is false when they are those of the read before.
func (p *Page) Read(ctx context.Context, limit int64) (b []byte, fresh bool, err error) {
	if p.err != nil {
		return nil, false, p.err
	}
	b, err = p.at.Read(ctx, limit)
	if errors.Is(err, place.ErrUnchanged) {
		return nil, false, nil
	}
	return b, err == nil, err
}
