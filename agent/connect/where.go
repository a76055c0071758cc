package connect

import (
	"cmp"
	"net/url"
	"strings"

	"vitrine/agent/bundle"
)

// whereOf names a location for people. What stands behind "?" in an address may be a key, and is left out.
func whereOf(l bundle.Location) string {
	if l.URL != "" {
		u, err := url.Parse(l.URL)
		if err != nil {
			return l.Type
		}
		if u.RawQuery != "" {
			u.RawQuery = "…"
		}
		u.User = nil
		text, err := url.QueryUnescape(u.String())
		return cmp.Or(map[bool]string{true: text}[err == nil], u.String())
	}
	parts := []string{l.Host, l.Share, l.Database, cmp.Or(l.DSN, l.Driver), strings.TrimPrefix(l.Path, "/")}
	if l.Host == "" && l.Share == "" {
		parts[4] = l.Path
	}
	var text []string
	for _, p := range parts {
		if p != "" {
			text = append(text, p)
		}
	}
	return l.Type + " " + strings.Join(text, "/")
}
