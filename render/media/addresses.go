package media

import (
	"context"
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
	src  string
	list []string
	at   int
}

func newAddresses(src string) *addresses { return &addresses{src: src} }

// next is the address of the next try. A playlist is fetched anew each time that all of it has been tried.
func (a *addresses) next() string {
	if a.at >= len(a.list) {
		a.list, a.at = resolve(a.src), 0
	}
	a.at++
	return a.list[a.at-1]
}

// resolve gives the entries of an M3U playlist of streams; anything else, HLS with its segments too, is itself.
func resolve(src string) []string {
	u, err := url.Parse(src)
	itself := []string{src}
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !slices.Contains([]string{".m3u", ".m3u8"}, strings.ToLower(path.Ext(u.Path))) {
		return itself
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src, nil)
	if err != nil {
		return itself
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: 10 * time.Second}}
	resp, err := client.Do(req)
	if err != nil {
		return itself
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPlaylist))
	if err != nil || resp.StatusCode != http.StatusOK {
		return itself
	}
	if list := entries(string(text), resp.Request.URL); len(list) > 0 {
		return list
	}
	return itself
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
		if err == nil && slices.Contains(schemes(), u.Scheme) && u.Host != "" {
			list = append(list, u.String())
		}
	}
	return list
}
