package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
)

// origin is where the pages of a bundle live as far as they can tell: each showing has a storage of its own, so that one
// name is enough for all. The name cannot exist (RFC 6761), and nothing ever connects to it.
const (
	originHost = "page.vitrine.invalid"
	origin     = "https://" + originHost + "/"
)

const (
	maxFile  = 24 << 20 // bytes of one answer; larger ones are given in pieces to who asks for pieces
	maxPiece = 4 << 20
)

// paused answers a request of the page: files of its folder from the disk, its hosts through the gate, all else not at
// all. A document that is none (an error of the server or of the network, a file to download) never replaces the page:
// where a navigation is aborted, a browser stays where it is, and shows no page of its own about it.
func (t *tab) paused(ev fetch.EventRequestPaused) {
	if ev.Request == nil {
		return
	}
	main := ev.ResourceType == network.ResourceTypeDocument && string(ev.FrameID) == string(t.target)
	document := ev.ResourceType == network.ResourceTypeDocument
	if ev.ResponseErrorReason != "" || ev.ResponseStatusCode != 0 {
		err := t.verdict(ev, main)
		if moved := ev.ResponseStatusCode/100 == 3; main && !moved {
			t.judged(err)
			t.later(ev.Request.URL, err)
		}
		if err != nil && document {
			t.stay(ev.RequestID)
			return
		}
		tell(t.sess, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return
	}
	u, err := url.Parse(ev.Request.URL)
	switch {
	case err == nil && u.Scheme == "https" && u.Host == originHost && t.files != nil:
		err = t.file(ev, u)
	case err == nil && t.permits(u):
		tell(t.sess, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return
	case err == nil:
		err = fmt.Errorf("%s is not one of the page's hosts; name it in the item's hosts", u.Hostname())
	}
	switch {
	case main:
		t.judged(err)
		if err == nil {
			return
		}
		t.stay(ev.RequestID)
	case err == nil:
	case document:
		t.stay(ev.RequestID)
	default:
		tell(t.sess, fetch.FailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
	}
}

// stay has the page stay where it is.
func (t *tab) stay(id fetch.RequestID) {
	tell(t.sess, fetch.FailRequest, fetch.FailRequestParams{RequestID: id, ErrorReason: network.ErrorReasonAborted})
}

// permits says whether a request may go to the gate, which asks again.
func (t *tab) permits(u *url.URL) bool {
	return t.reach.may(u.Hostname()) && (u.Scheme == "https" || u.Scheme == "http" && t.reach.own)
}

// verdict says why the answer to a request for a document is none.
func (t *tab) verdict(ev fetch.EventRequestPaused, main bool) error {
	u, err := url.Parse(ev.Request.URL)
	if err != nil {
		return err
	}
	switch {
	case ev.ResponseErrorReason != "" && main:
		return t.failure(u, ev.ResponseErrorReason)
	case ev.ResponseErrorReason != "": // of a frame: nobody is told why
		return fmt.Errorf("%s cannot be reached (%s)", u.Host, ev.ResponseErrorReason)
	}
	switch code := int(ev.ResponseStatusCode); {
	case code >= 400:
		return fmt.Errorf("the server of %s answered %d %s; is the address right, and may anybody see it?", u.Host, code, http.StatusText(code))
	case code == http.StatusNoContent || code == http.StatusResetContent:
		return fmt.Errorf("the server of %s sent no page", u.Host)
	case code >= 300:
		return nil
	}
	for _, h := range ev.ResponseHeaders {
		switch strings.ToLower(h.Name) {
		case "content-disposition":
			if d, _, _ := mime.ParseMediaType(h.Value); d == "attachment" {
				return fmt.Errorf("what the server of %s sent is a file to be saved, not a page", u.Host)
			}
		case "content-type":
			if kind, _, _ := mime.ParseMediaType(h.Value); !shows(kind) {
				return fmt.Errorf("what the server of %s sent is %s, not a page", u.Host, kind)
			}
		}
	}
	return nil
}

// shows says whether a browser draws a document of the kind.
func shows(kind string) bool {
	return kind == "" || strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "image/") || strings.HasSuffix(kind, "xml") || kind == "application/json"
}

// failure finds out why a server could not be reached: the browser itself says no more than that it failed.
func (t *tab) failure(u *url.URL, reason network.ErrorReason) error {
	if err := t.gate.reason(u.Hostname()); err != nil {
		return err
	}
	if u.Scheme == "https" {
		if err := t.gate.greet(u); err != nil {
			return err
		}
	}
	return fmt.Errorf("the server of %s ended the connection (%s)", u.Host, reason)
}

// file answers with a file of the page's folder.
func (t *tab) file(ev fetch.EventRequestPaused, u *url.URL) error {
	name := strings.TrimPrefix(path.Clean(u.Path), "/")
	if name == "" || name == "." {
		name = t.entry
	}
	a, err := answer(t.files[name], ev.Request.Headers)
	if err != nil {
		if !errors.Is(err, errNoFile) {
			err = fmt.Errorf("the page's file %s cannot be read: %w", name, err)
		} else {
			err = fmt.Errorf("the page has no file %s in its folder", name)
		}
		if ev.ResourceType == network.ResourceTypeDocument {
			return err
		}
		tell(t.sess, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: ev.RequestID, ResponseCode: http.StatusNotFound})
		return nil
	}
	kind := kindOf(name, a.body)
	headers := []*fetch.HeaderEntry{
		{Name: "Content-Type", Value: kind}, {Name: "Cache-Control", Value: "no-store"}, {Name: "Accept-Ranges", Value: "bytes"},
		{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Referrer-Policy", Value: "no-referrer"},
	}
	if a.span != "" {
		headers = append(headers, &fetch.HeaderEntry{Name: "Content-Range", Value: a.span})
	}
	if strings.HasPrefix(kind, "text/html") || strings.Contains(kind, "xml") {
		headers = append(headers, &fetch.HeaderEntry{Name: "Content-Security-Policy", Value: policy(a.body, t.reach.hosts)})
	}
	tell(t.sess, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: ev.RequestID, ResponseCode: a.code, ResponseHeaders: headers, Body: a.body})
	return nil
}

var errNoFile = errors.New("there is no such file")

// piece is an answer with a file or a part of one.
type piece struct {
	code int64
	body []byte
	span string // Content-Range
}

// answer reads a file, or the part that is asked for (RFC 9110, 14.2: one range; more are answered with all of it).
func answer(file string, headers network.Headers) (piece, error) {
	if file == "" {
		return piece{}, errNoFile
	}
	f, err := os.Open(file)
	if err != nil {
		return piece{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return piece{}, errors.Join(err, errNoFile)
	}
	from, to, part := wanted(headers, info.Size())
	if !part && info.Size() > maxFile {
		return piece{}, fmt.Errorf("it has %d MiB; %d are the most that is not fetched in pieces", info.Size()>>20, maxFile>>20)
	}
	body := make([]byte, to-from)
	if _, err := io.ReadFull(io.NewSectionReader(f, from, to-from), body); err != nil {
		return piece{}, err
	}
	if !part {
		return piece{code: http.StatusOK, body: body}, nil
	}
	return piece{code: http.StatusPartialContent, body: body, span: fmt.Sprintf("bytes %d-%d/%d", from, to-1, info.Size())}, nil
}

// wanted is the part of a file that the headers ask for, as much of it as one answer holds.
func wanted(headers network.Headers, size int64) (from, to int64, part bool) {
	for name, v := range headers {
		spec, ok := strings.CutPrefix(fmt.Sprint(v), "bytes=")
		if !strings.EqualFold(name, "Range") || !ok {
			continue
		}
		a, b, ok := strings.Cut(spec, "-")
		first, err := strconv.ParseInt(a, 10, 64)
		if !ok || err != nil || first < 0 || first >= size {
			break
		}
		last, err := strconv.ParseInt(b, 10, 64)
		if err != nil || last >= size {
			last = size - 1
		}
		if last < first {
			break
		}
		return first, min(last+1, first+maxPiece), true
	}
	return 0, size, false
}

// kindOf is a file's media type by its name, else by its beginning.
func kindOf(name string, body []byte) string {
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".html", ".htm":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
	}
	return http.DetectContentType(body)
}
