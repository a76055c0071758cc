package main

import (
	"log/slog"
	"sync"

	"vitrine/render/compose"
	"vitrine/render/pipe"
	"vitrine/render/web"
)

// webs has a browser for the pages of scenes from the first one on. Where none is installed it is looked for again at each
// page, so that one that is installed later needs no other start.
type webs struct {
	log *slog.Logger

	mu      sync.Mutex
	browser *web.Browser
	place   web.Place
}

func (w *webs) open(wake func()) (compose.Video, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser == nil {
		b, err := web.New(web.Config{Log: w.log})
		if err != nil {
			return nil, err
		}
		b.Settle(w.place)
		w.browser = b
	}
	return w.browser.Open(wake), nil
}

// hear takes the zone and the language for pages out of the commands.
func (w *webs) hear(c pipe.Command) {
	if c.Op != pipe.OpSettings {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.place = web.Place{Zone: c.Zone, Locale: c.Locale}
	if w.browser != nil {
		w.browser.Settle(w.place)
	}
}

func (w *webs) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser != nil {
		w.browser.Close()
	}
}
