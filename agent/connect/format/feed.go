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
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		if err := weighXML(b, true); err != nil {
			return rows.Table{}, fmt.Errorf("the feed cannot be read: %w", err)
		}
	} else if err := weighJSON(b); err != nil {
		return rows.Table{}, fmt.Errorf("the feed cannot be read: %w", err)
	}
	f, err := gofeed.NewParser().Parse(bytes.NewReader(asUTF8(b)))
	if err != nil {
		if is := sniff(b); is.id != "xml" && is.id != "json" {
			return rows.Table{}, fmt.Errorf("it is no feed but %s: %s", is.name, is.fix)
		}
		return rows.Table{}, fmt.Errorf("the feed cannot be read: %w", err)
	}
	t := rows.Table{Columns: []string{"title", "description", "link", "published", "author", "image", "feed", "id", "updated", "categories", "media", "mediaType"}}
	for _, i := range f.Items {
		if i == nil {
			continue
		}
		if len(t.Rows) == most {
			t.Truncated = true
			break
		}
		author := ""
		if len(i.Authors) > 0 && i.Authors[0] != nil {
			author = cmp.Or(i.Authors[0].Name, i.Authors[0].Email)
		}
		media, mediaType := enclosure(i)
		t.Rows = append(t.Rows, []rows.Value{words(i.Title), words(cmp.Or(i.Description, i.Content)), rows.Of(rows.URL, strings.TrimSpace(i.Link)),
			instant(i.PublishedParsed), words(author), rows.Of(rows.URL, picture(i)), words(f.Title), rows.Of(rows.Text, cmp.Or(i.GUID, i.Link)),
			instant(i.UpdatedParsed), words(strings.Join(i.Categories, ", ")), rows.Of(rows.URL, media), rows.Of(rows.Text, mediaType)})
	}
	return t, nil
}

func instant(at *time.Time) rows.Value {
	if at == nil {
		return rows.Value{Kind: rows.Null}
	}
	return rows.Of(rows.DateTime, at.UTC().Format(time.RFC3339))
}

// enclosure is the first thing that an item brings with it.
func enclosure(i *gofeed.Item) (address, kind string) {
	for _, e := range i.Enclosures {
		if e != nil && e.URL != "" {
			return strings.TrimSpace(e.URL), e.Type
		}
	}
	return "", ""
}

var imageTag = regexp.MustCompile(`(?i)<img\b[^>]*?\bsrc\s*=\s*["']([^"'<>]{1,1000})["']`)

// picture is an item's picture: its own, that of Media RSS, an enclosure that is one, the first in its text.
func picture(i *gofeed.Item) string {
	if i.Image != nil && i.Image.URL != "" {
		return strings.TrimSpace(i.Image.URL)
	}
	for _, name := range []string{"content", "thumbnail"} {
		for _, m := range i.Extensions["media"][name] {
			if image(m.Attrs["type"], m.Attrs["medium"]) || name == "thumbnail" || m.Attrs["type"] == "" && m.Attrs["medium"] == "" {
				if m.Attrs["url"] != "" {
					return strings.TrimSpace(m.Attrs["url"])
				}
			}
		}
	}
	for _, e := range i.Enclosures {
		if e != nil && image(e.Type, "") {
			return strings.TrimSpace(e.URL)
		}
	}
	for _, text := range []string{i.Content, i.Description} {
		if m := imageTag.FindStringSubmatch(text[:min(len(text), 4*rows.MaxCell)]); m != nil {
			return html.UnescapeString(m[1])
		}
	}
	return ""
}

func image(kind, medium string) bool { return strings.HasPrefix(kind, "image/") || medium == "image" }

var declaration = regexp.MustCompile(`^(\s*<\?xml[^>]{0,200}?encoding=["'])([A-Za-z0-9_-]{1,40})(["'])`)

// declared is the encoding that an XML declaration names, "" without one.
func declared(b []byte) string {
	m := declaration.FindSubmatch(b)
	if m == nil {
		return ""
	}
	return strings.ToLower(string(m[2]))
}

// asUTF8 corrects an XML declaration after the bytes were decoded.
func asUTF8(b []byte) []byte {
	m := declaration.FindSubmatchIndex(b)
	if m == nil {
		return b
	}
	return append(append(append([]byte(nil), b[:m[4]]...), "utf-8"...), b[m[5]:]...)
}

var markup = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<!--.*?-->|<[^<>]*>`)

// words is the text of a piece of HTML, in one line.
func words(s string) rows.Value {
	s = markup.ReplaceAllString(s[:min(len(s), 4*rows.MaxCell)], " ")
	return rows.Of(rows.Text, strings.Join(strings.Fields(html.UnescapeString(s)), " "))
}
