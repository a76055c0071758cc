package connect

import (
	"context"
	"errors"
	"net/http"
)

// Page is an address that is read again and again: not twice while it is unchanged, within a limit, redirected on its own
// host only. It is for one goroutine.
type Page struct{ at web }

// NewPage names a page; nothing is read yet. over carries the requests; nil = the network.
func NewPage(url string, over http.RoundTripper) *Page {
	c := newClient()
	if over != nil {
		c.Transport = over
	}
	return &Page{web{client: c, url: url}}
}

// Read reads at most limit bytes; one more is an error. fresh is false when they are those of the read before.
func (p *Page) Read(ctx context.Context, limit int64) (b []byte, fresh bool, err error) {
	b, err = p.at.read(ctx, limit)
	if errors.Is(err, errUnchanged) {
		return nil, false, nil
	}
	return b, err == nil, err
}
