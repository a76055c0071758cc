// Package agendatest answers: what would Exchange, Google or Domino say to this question?
//
//	test ──Transport──> Graph, Google, Domino; Exchange is a server of its own, since NTLM proves a connection
//
// Each is built from its published description and refuses what the real one refuses: no or a wrong proof, a missing or a
// malformed parameter, somebody else's calendar.
package agendatest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// Meeting is an entry of whichever calendar.
type Meeting struct {
	ID         string
	Title      string
	Start, End time.Time
	AllDay     bool // Start and End are midnights in UTC
	Place      string
	Organizer  string
	Free       bool
	Tentative  bool
	Private    bool
	Cancelled  bool
}

// within says whether a calendar view takes the meeting.
func (m Meeting) within(from, to time.Time) bool { return m.Start.Before(to) && m.End.After(from) }

// Transport carries requests to handlers by their host, without a network. A host without one cannot be reached.
type Transport map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	h, ok := t[r.URL.Host]
	if !ok || r.URL.Scheme != "https" {
		return nil, &unreachable{r.URL.Scheme + "://" + r.URL.Host}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	served := r.Clone(r.Context())
	served.RequestURI = r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, served)
	res := w.Result()
	res.Request = r
	return res, nil
}

type unreachable struct{ where string }

func (u *unreachable) Error() string { return "no route to " + u.where }

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // into memory
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}
