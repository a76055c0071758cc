package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// policy is what a page of the bundle may do (Content Security Policy Level 3): use the files of its folder and its hosts,
// run the scripts that its author has written, and nothing that came with the data: each script within the page is named by
// its hash, so that one which a row brings along does not run.
func policy(page []byte, hosts []string) string {
	var from strings.Builder
	for _, h := range hosts {
		if strings.Contains(h, ":") {
			h = "[" + h + "]" // an IPv6 address
		}
		fmt.Fprintf(&from, " https://%s:*", h)
	}
	more := from.String()
	scripts := "'self'" + more
	if hashes := scriptHashes(page); len(hashes) > 0 {
		scripts += " 'unsafe-hashes' " + strings.Join(hashes, " ")
	}
	return strings.Join([]string{
		"default-src 'self'" + more, "script-src " + scripts, "style-src 'self' 'unsafe-inline'" + more,
		"img-src 'self' data: blob:" + more, "font-src 'self' data:" + more, "media-src 'self' data: blob:" + more,
		"connect-src 'self'" + more + strings.ReplaceAll(more, "https://", "wss://"), "worker-src 'self' blob:",
		"frame-src 'self'" + more, "object-src 'none'", "base-uri 'self'", "form-action 'self'" + more,
	}, "; ")
}

// scriptHashes are the hashes of the scripts within a page: elements and on… attributes.
func scriptHashes(page []byte) []string {
	var out []string
	name := func(script []byte) {
		sum := sha256.Sum256(script)
		out = append(out, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	page = bytes.ReplaceAll(page, []byte("\r\n"), []byte("\n")) // as a browser reads it
	z := html.NewTokenizer(bytes.NewReader(page))
	script := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			slices.Sort(out)
			return slices.Compact(out)
		case html.TextToken:
			if script {
				name(z.Raw())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag, has := z.TagName()
			script = string(tag) == "script"
			for has {
				var key, value []byte
				key, value, has = z.TagAttr()
				if bytes.HasPrefix(key, []byte("on")) {
					name(value)
				}
			}
		case html.EndTagToken:
			script = false
		}
	}
}
