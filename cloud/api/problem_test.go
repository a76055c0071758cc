package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"vitrine/cloud/api"
)

func TestWhatARelaySaysIsFitForATerminal(t *testing.T) {
	for name, said := range map[string]string{
		"a sentence":                    "the disk is full: été",
		"characters that move a cursor": "no\x1b[2J\r\nwords: lana silo wiya kiho\u202e",
		"a novel":                       strings.Repeat("é", 60_000),
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusInsufficientStorage)
				if err := json.NewEncoder(w).Encode(api.Problem{Title: said, Detail: said}); err != nil {
					t.Error(err)
				}
			}))
			defer srv.Close()
			_, err := (&api.Client{Base: srv.URL, HTTP: srv.Client()}).Time(t.Context(), nil)
			var p *api.Problem
			if !errors.As(err, &p) || p.Status != http.StatusInsufficientStorage || p.Title == "" {
				t.Fatal(err)
			}
			if strings.ContainsAny(err.Error(), "\x1b\r\n\u202e") || len(err.Error()) > 5000 || !strings.HasPrefix(said, strings.TrimSuffix(p.Title, " …")[:2]) {
				t.Fatalf("%.200q of %d bytes", err, len(err.Error()))
			}
		})
	}
}
