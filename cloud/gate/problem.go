package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"vitrine/cloud/account"
	"vitrine/cloud/api"
	"vitrine/cloud/depot"
	"vitrine/cloud/fleet"
)

var (
	errNobody = &api.Problem{Title: "no token came along", Status: http.StatusUnauthorized,
		Detail: "send Authorization: Bearer with a session's token (players) or the administrator's (people)"}
	errToken = &api.Problem{Title: "the relay does not know this token", Status: http.StatusUnauthorized,
		Detail: "it was replaced or has ended, or is another relay's; `vitrine-relay token new` on the relay's machine makes a new administrator's token"}
	errNotPerson = &api.Problem{Title: "this is for people", Status: http.StatusForbidden, Detail: "a player's token does not open it"}
	errNotDevice = &api.Problem{Title: "this is for players", Status: http.StatusForbidden, Detail: "a person's token does not open it"}
	errOrigin    = &api.Problem{Title: "this did not come from a page of this relay", Status: http.StatusForbidden,
		Detail: "open the page again and repeat; a proxy in front of the relay must pass Host and Origin on unchanged"}
)

// bodyTime is how long a small body may take.
const bodyTime = 30 * time.Second

// problem writes an error as RFC 9457 says. What is not foreseen is logged and not told.
func (g *Gate) problem(w http.ResponseWriter, r *http.Request, err error) {
	p := asProblem(err)
	if p == nil {
		if r.Context().Err() != nil { // or the caller has gone, and reads nothing
			p = &api.Problem{Title: "the relay is stopping", Status: http.StatusServiceUnavailable, Detail: "try again soon", RetryAfter: time.Second}
		} else {
			g.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
			p = &api.Problem{Title: "the relay failed", Status: http.StatusInternalServerError, Detail: "its log says why; try again later"}
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		b = []byte(`{"title":"the relay failed","status":500}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="vitrine"`)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // whoever has gone does not read it
}

// asProblem knows the errors of the parts; nil = not foreseen.
func asProblem(err error) *api.Problem {
	var p *api.Problem
	var missing *depot.MissingError
	var long *http.MaxBytesError
	sentence := err.Error()
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &missing):
		return &api.Problem{Type: api.ProblemMissing, Title: missing.Error(), Status: http.StatusConflict, Missing: missing.Digests}
	case errors.As(err, &long):
		return &api.Problem{Title: fmt.Sprintf("the body is longer than %d bytes", long.Limit), Status: http.StatusRequestEntityTooLarge}
	case errors.Is(err, os.ErrDeadlineExceeded): // of reading: whoever does not read an answer is not told anything
		return &api.Problem{Title: "the body came too slowly", Status: http.StatusRequestTimeout, Detail: "send it again, over a better line if it stays so"}
	case errors.Is(err, depot.ErrFull), errors.Is(err, fleet.ErrFull):
		return &api.Problem{Title: depot.ErrFull.Error(), Status: http.StatusInsufficientStorage, RetryAfter: 10 * time.Minute}
	case errors.Is(err, depot.ErrOlder):
		return &api.Problem{Type: api.ProblemOlder, Title: sentence, Status: http.StatusConflict}
	case errors.Is(err, depot.ErrBusy):
		return &api.Problem{Title: sentence, Status: http.StatusConflict, RetryAfter: 10 * time.Second}
	case errors.Is(err, depot.ErrNoRoot):
		return &api.Problem{Title: sentence, Status: http.StatusConflict}
	case errors.Is(err, depot.ErrChanged), errors.Is(err, fleet.ErrChanged):
		return &api.Problem{Title: sentence, Status: http.StatusPreconditionFailed}
	case errors.Is(err, depot.ErrUnproven), errors.Is(err, depot.ErrDigest), errors.Is(err, depot.ErrSize), errors.Is(err, fleet.ErrMalformed):
		return &api.Problem{Title: sentence, Status: http.StatusUnprocessableEntity}
	case errors.Is(err, fleet.ErrUnknown), errors.Is(err, account.ErrNoCode):
		return &api.Problem{Title: sentence, Status: http.StatusNotFound}
	case errors.Is(err, account.ErrExpired):
		return &api.Problem{Title: sentence, Status: http.StatusGone}
	case errors.Is(err, account.ErrNotYours):
		return &api.Problem{Title: sentence, Status: http.StatusForbidden}
	case errors.Is(err, account.ErrTooMany):
		return &api.Problem{Title: sentence, Status: http.StatusServiceUnavailable, RetryAfter: time.Minute}
	case errors.Is(err, fs.ErrNotExist):
		return &api.Problem{Title: "there is no such thing here", Status: http.StatusNotFound}
	}
	return nil
}

// Send writes JSON.
func Send(w http.ResponseWriter, code int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(code)
	_, err = w.Write(b)
	return err
}

// body reads a bounded body within bodyTime, and then takes the deadline off again: left on, it would end a long-poll.
func body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	c := http.NewResponseController(w)
	if err := c.SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, err
	}
	return b, c.SetReadDeadline(time.Time{})
}

// decode reads a JSON body. Fields that are not known are let be: a newer player may say more.
func decode(w http.ResponseWriter, r *http.Request, limit int64, v any) ([]byte, error) {
	b, err := body(w, r, limit)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return nil, &api.Problem{Title: "the body is not the JSON that is wanted here", Status: http.StatusBadRequest, Detail: err.Error()}
	}
	return b, nil
}

// ifMatch reads the revision of an If-Match header; 0 = none was sent.
func ifMatch(r *http.Request) (uint64, error) {
	v := r.Header.Get("If-Match")
	if v == "" || v == "*" {
		return 0, nil
	}
	rev, err := strconv.ParseUint(strings.Trim(v, `"`), 10, 64)
	if err != nil || api.ETag(rev) != v {
		return 0, &api.Problem{Title: "If-Match is not a revision in quotes", Status: http.StatusBadRequest}
	}
	return rev, nil
}

// waitOf reads "Prefer: wait=50" (RFC 7240), at most api.MaxWait seconds.
func waitOf(r *http.Request) time.Duration {
	for _, v := range r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(v, ",") {
			if s, ok := strings.CutPrefix(strings.TrimSpace(part), "wait="); ok {
				if n, err := strconv.Atoi(s); err == nil && n > 0 {
					return time.Duration(min(n, api.MaxWait)) * time.Second
				}
			}
		}
	}
	return 0
}
