package format

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"regexp"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"

	"vitrine/agent/connect/rows"
)

// feed reads RSS, Atom and JSON feeds.
func feed(b []byte, most int) (rows.Table, error) {
	f, err := gofeed.NewParser().Parse(bytes.NewReader(asUTF8(b)))
	if err != nil {
		return rows.Table{}, fmt.Errorf("the feed cannot be read: %w", err)
	}
	t := rows.Table{Columns: []string{"title", "description", "link", "published", "author", "image", "feed"}}
	for _, i := range f.Items {
		if i == nil {
			continue
		}
		if len(t.Rows) == most {
			t.Truncated = true
			break
		}
		at, author, image := rows.Value{Kind: rows.Null}, "", ""
		if p := i.PublishedParsed; p != nil {
			at = rows.Value{Kind: rows.DateTime, Text: p.UTC().Format(time.RFC3339)}
		}
		if len(i.Authors) > 0 && i.Authors[0] != nil {
			author = i.Authors[0].Name
		}
		if i.Image != nil {
			image = i.Image.URL
		}
		t.Rows = append(t.Rows, []rows.Value{rows.Of(rows.Text, words(i.Title)), rows.Of(rows.Text, words(cmp.Or(i.Description, i.Content))), rows.Of(rows.URL, i.Link),
			at, rows.Of(rows.Text, words(author)), rows.Of(rows.URL, image), rows.Of(rows.Text, words(f.Title))})
	}
	return t, nil
}

// declared is the encoding that an XML declaration names, "" without one.
func declared(b []byte) string {
	m := regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9_-]{1,40})["']`).FindSubmatch(b)
	if m == nil {
		return ""
	}
	return strings.ToLower(string(m[1]))
}

// asUTF8 corrects an XML declaration after the bytes were decoded.
func asUTF8(b []byte) []byte {
	return regexp.MustCompile(`^(\s*<\?xml[^>]{0,200}?encoding=["'])[A-Za-z0-9_-]{1,40}(["'])`).ReplaceAll(b, []byte("${1}utf-8${2}"))
}

// words is the text of a piece of HTML, in one line.
func words(s string) string {
	if len(s) > 4*rows.MaxCell {
		s = s[:4*rows.MaxCell]
	}
	s = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<!--.*?-->|<[^<>]*>`).ReplaceAllString(s, " ")
	return strings.Join(strings.Fields(html.UnescapeString(s)), " ")
}
