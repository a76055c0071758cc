package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetry is the most that a Retry-After is obeyed: whoever answers in a relay's place must not silence a player.
const longestRetry = time.Hour

// AnswerError is an answer that is not what was asked for, and how it is not.
type AnswerError struct {
	Digest string // of the blob
	Reason string // a sentence
}

// Error says of which blob.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("blob %s: %s", e.Digest[:min(12, len(e.Digest))], e.Reason)
}

// asking is the header of a question for a blob's bytes from one up to another. Nobody may compress them: a range of a compressed blob
// is not a range of the blob.
func asking(digest string, from, to, size int64) http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}}
	if from > 0 || to != size {
		span := fmt.Sprintf("bytes=%d-", from)
		if to >= 0 && to != size {
			span += strconv.FormatInt(to-1, 10)
		}
		h.Set("Range", span)
		h.Set("If-Range", `"`+digest+`"`)
	}
	return h
}

// checkAnswer says whether an answer can be the bytes of a blob of size bytes from one up to another, and how many bytes come
// before them: a whole blob (200) though a part was asked for. RFC 9110, sections 14.4 and 15.3.7.
func checkAnswer(code int, h http.Header, digest string, from, to, size int64) (skip int64, err error) {
	wrong := func(format string, a ...any) (int64, error) {
		return 0, &AnswerError{Digest: digest, Reason: sentence(fmt.Sprintf(format, a...))}
	}
	if as := h.Get("Content-Encoding"); as != "" && !strings.EqualFold(as, "identity") {
		return wrong("it comes encoded as %q, which nobody asked for: a proxy on the way must pass it on as it is", as)
	}
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case kind == "text/html" || kind == "application/xhtml+xml":
		return wrong("a web page came in its place: a portal of the network that wants a login, or a proxy; open a page in a browser on this network")
	case kind == "multipart/byteranges":
		return wrong("several parts came at once, one was asked for")
	}
	if size < 0 {
		return wrong("the answer does not say how long it is")
	}
	length := int64(-1)
	if text := h.Get("Content-Length"); text != "" {
		if length, err = position(text); err != nil {
			return wrong("the answer's length is %q, which is not one", text)
		}
	}
	switch code {
	case http.StatusOK:
		if length >= 0 && length != size {
			return wrong("the answer has %d bytes, the blob has %d: the relay has another file, or something answers in its place", length, size)
		}
		return from, nil
	case http.StatusPartialContent:
		if from == 0 && to == size {
			return wrong("a part came, the whole was asked for")
		}
		first, last, total, err := contentRange(h.Get("Content-Range"))
		switch {
		case err != nil:
			return wrong("%v", err)
		case first != from:
			return wrong("the bytes from %d on came, those from %d were asked for", first, from)
		case total >= 0 && total != size:
			return wrong("the answer is of a file of %d bytes, the blob has %d", total, size)
		case last != to-1:
			return wrong("the part ends with byte %d, it was asked for up to %d", last, to-1)
		case length >= 0 && length != last-first+1:
			return wrong("the answer names a part of %d bytes and is %d long", last-first+1, length)
		}
		return 0, nil
	}
	return wrong("the answer %d has no bytes", code)
}

// saidSize is how long a blob is by an answer's own word; -1 = it does not say.
func saidSize(code int, h http.Header) int64 {
	if code == http.StatusPartialContent {
		if _, _, total, err := contentRange(h.Get("Content-Range")); err == nil {
			return total
		}
		return -1
	}
	length, err := position(h.Get("Content-Length"))
	if err != nil {
		return -1
	}
	return length
}

// contentRange reads "bytes 5-9/10"; a total of -1 = "*". RFC 9110, section 14.4.
func contentRange(text string) (first, last, total int64, err error) {
	bad := fmt.Errorf("the answer's Content-Range is %.80q, not like bytes 5-9/10", text)
	unit, rest, ok := strings.Cut(text, " ")
	span, of, ok2 := strings.Cut(rest, "/")
	from, to, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 || !strings.EqualFold(unit, "bytes") {
		return 0, 0, 0, bad
	}
	if first, err = position(from); err != nil {
		return 0, 0, 0, bad
	}
	if last, err = position(to); err != nil || last < first {
		return 0, 0, 0, bad
	}
	if of == "*" {
		return first, last, -1, nil
	}
	if total, err = position(of); err != nil || last >= total {
		return 0, 0, 0, bad
	}
	return first, last, total, nil
}

// position reads digits alone: no sign, no space.
func position(text string) (int64, error) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 10, 64)
}

// explainAnswer puts a refused range into words.
func explainAnswer(err error, digest string, from int64) error {
	p := (*Problem)(nil)
	if errors.As(err, &p) && p.Status == http.StatusRequestedRangeNotSatisfiable {
		return &AnswerError{Digest: digest, Reason: fmt.Sprintf("the relay has no byte %d of it (416): its copy is cut off; push the bundle again", from)}
	}
	return err
}

// retryAfter is how long a relay wants to be left alone: seconds or a date (RFC 9110, section 10.2.3), the latter measured by
// the relay's own clock where it tells it; an hour at most, 0 = not said.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := position(text); err == nil {
		return time.Duration(min(s, int64(longestRetry/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(0, at.Sub(now)), longestRetry)
}
