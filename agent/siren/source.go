package siren

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"time"

	"vitrine/agent/alert"
	"vitrine/agent/connect"
)

const (
	mostLinks = 64   // of a feed's index
	mostFiles = 4096 // that a look at the folder compares
)

// folder reads the folder whenever it looks different.
func (s *Siren) folder(ctx context.Context, b *book) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	was := "?"
	for {
		if now := appearance(s.cfg.Folder); now != was {
			was = now
			messages, err := alert.Folder(s.cfg.Folder)
			s.tell(b, errors.Join(err, s.take(b, messages)))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// appearance is the folder's names, sizes and times; equal ones need not be read again.
func appearance(dir string) string {
	d, err := os.Open(dir)
	if err != nil {
		return err.Error()
	}
	defer d.Close()
	files, err := d.ReadDir(mostFiles)
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	var out strings.Builder
	for _, f := range files {
		if info, err := f.Info(); err == nil && strings.HasSuffix(strings.ToLower(f.Name()), ".xml") {
			fmt.Fprintf(&out, "%q %d %d\n", f.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return out.String()
}

// feed asks the feed again and again.
func (s *Siren) feed(ctx context.Context, b *book) error {
	page, read, failed := connect.NewPage(s.cfg.Feed, s.cfg.Over), map[string]bool{}, 0
	for {
		err := s.ask(ctx, b, page, read)
		if ctx.Err() != nil {
			return nil
		}
		s.tell(b, err)
		wait := poll
		if failed++; err == nil {
			failed = 0
		} else { // what was wrong must not look unchanged
			page, wait = connect.NewPage(s.cfg.Feed, s.cfg.Over), min(poll<<min(failed-1, 8), longest)
		}
		pause := time.NewTimer(wait + rand.N(wait/5))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
	}
}

// ask reads the feed once: a message, or an index of messages in Atom or RSS. read are the messages that are known.
func (s *Siren) ask(ctx context.Context, b *book, page *connect.Page, read map[string]bool) error {
	body, fresh, err := get(ctx, page)
	if err != nil || !fresh {
		return err
	}
	if root(body) == "alert" {
		m, err := alert.Parse(bytes.NewReader(body))
		if err != nil {
			return err
		}
		return s.take(b, []*alert.Message{m})
	}
	links, err := index(s.cfg.Feed, body)
	listed, faults := map[string]bool{}, []error{err}
	for _, link := range links {
		listed[link] = true
		if read[link] {
			continue
		}
		body, _, err := get(ctx, connect.NewPage(link, s.cfg.Over))
		var m *alert.Message
		if err == nil {
			m, err = alert.Parse(bytes.NewReader(body))
		}
		if err == nil {
			err = s.take(b, []*alert.Message{m})
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", link, err))
			continue
		}
		read[link] = true // a message never changes; its successor has a name of its own
	}
	for link := range read {
		if !listed[link] {
			delete(read, link)
		}
	}
	return errors.Join(faults...)
}

func get(ctx context.Context, page *connect.Page) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return page.Read(ctx, alert.MaxMessage)
}

// root is the name of a document's first element.
func root(body []byte) string {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local
		}
	}
}

// index lists the messages of an Atom or RSS feed, at most 64, only those on the feed's own host; what is left out is in
// the error.
func index(feed string, body []byte) ([]string, error) {
	var doc struct {
		XMLName xml.Name
		Entries []struct {
			Links []struct {
				Href string `xml:"href,attr"`
				Type string `xml:"type,attr"`
				Rel  string `xml:"rel,attr"`
			} `xml:"link"`
		} `xml:"entry"`
		Items []struct {
			Link string `xml:"link"`
		} `xml:"channel>item"`
	}
	if err := xml.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("it is not XML: %w", err)
	}
	if n := doc.XMLName.Local; n != "feed" && n != "rss" {
		return nil, fmt.Errorf("it is neither a CAP message (alert) nor an index of some (feed, rss), but %q", n)
	}
	var found []string
	for _, e := range doc.Entries {
		best := ""
		for _, l := range e.Links {
			if l.Type == "application/cap+xml" || best == "" && (l.Rel == "" || l.Rel == "alternate") {
				best = l.Href
			}
		}
		found = append(found, best)
	}
	for _, i := range doc.Items {
		found = append(found, strings.TrimSpace(i.Link))
	}
	base, err := url.Parse(feed)
	if err != nil {
		return nil, err
	}
	var links []string
	var faults []error
	for _, f := range found[:min(len(found), mostLinks)] {
		u, err := base.Parse(f)
		if f == "" || err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			faults = append(faults, fmt.Errorf("its index names %q, which is not on %s://%s and is not read; let the server hand out the messages itself", f, base.Scheme, base.Host))
			continue
		}
		links = append(links, u.String())
	}
	return links, errors.Join(faults...)
}
