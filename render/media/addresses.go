package media

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Bounds of a playlist of addresses.
const (
	maxPlaylist  = 1 << 20 // bytes
	maxAddresses = 200
)

// schemes are how a live address may begin.
func schemes() []string { return []string{"https", "http", "udp", "rtp", "rtsp", "srt"} }

// addresses are where a stream may come from: one, or those of an M3U playlist, one after the other as they fail.
type addresses struct {
	ctx  context.Context // the stream's: a fetch ends with it
	src  string
	list []string
	at   int
	hls  string // the list of segments, where the address is one of HLS
	seen string // … at the try before, since the stream stands still
}

func newAddresses(ctx context.Context, src string) *addresses { return &addresses{ctx: ctx, src: src} }

// errOld says that a server goes on handing out what it had before its encoder ended.
var errOld = errors.New("the stream's list of segments does not change")

// next is the address of the next try. A playlist is fetched anew each time that all of it has been tried. A stream of HLS
// that stands still is worth another try only once its list of segments changes: the old ones would be shown again.
func (a *addresses) next(again bool) (string, error) {
	if a.at >= len(a.list) {
		a.list, a.hls = resolve(a.ctx, a.src)
		a.at = 0
	}
	if err := a.ctx.Err(); err != nil {
		return "", err
	}
	if again && a.hls != "" {
		old := a.seen
		a.seen = a.hls
		if old == "" || old == a.hls {
			a.list = nil
			return "", errOld
		}
	}
	a.at++
	return a.list[a.at-1], nil
}

// arrived says that the stream is there again.
func (a *addresses) arrived() { a.seen = "" }

// resolve gives the entries of an M3U playlist of streams; anything else is itself. Of HLS it gives the list of segments.
func resolve(ctx context.Context, src string) (list []string, hls string) {
	u, err := url.Parse(src)
	itself := []string{src}
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !slices.Contains([]string{".m3u", ".m3u8"}, strings.ToLower(path.Ext(u.Path))) {
		return itself, ""
	}
	text, from := fetch(ctx, src)
	if strings.Contains(text, "#EXT-X-STREAM-INF") { // of qualities: any of them tells whether it lives
		if variants := entries(strings.ReplaceAll(text, "#EXT-X-", "#"), from); len(variants) > 0 {
			text, _ = fetch(ctx, variants[0])
		}
	}
	if strings.Contains(text, "#EXT-X-") {
		return itself, text
	}
	if list = entries(text, from); len(list) > 0 {
		return list, ""
	}
	return itself, ""
}

// fetch gives a playlist and where it really came from; "" when it does not come.
func fetch(ctx context.Context, src string) (string, *url.URL) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src, nil)
	if err != nil {
		return "", nil
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}}
	resp, err := client.Do(req)
	if err != nil {
		return "", nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPlaylist))
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", nil
	}
	return string(text), resp.Request.URL
}

// entries are the addresses in a playlist that is not HLS (RFC 8216, section 4.3); those that are not live are left out.
func entries(text string, base *url.URL) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if strings.HasPrefix(line, "#EXT-X-") {
			return nil
		}
		if line == "" || line[0] == '#' || len(line) > 2000 || len(list) == maxAddresses {
			continue
		}
		u, err := base.Parse(line)
		if err != nil || !slices.Contains(schemes(), u.Scheme) || u.Hostname() == "" {
			continue
		}
		if again, err := url.Parse(u.String()); err == nil && again.Host == u.Host {
			list = append(list, u.String())
		}
	}
	return list
}
