package api_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
)

func TestOnlyARelaysOwnCodeAndPageComeOntoTheScreen(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		code, page string // BASE stands for the relay's address
		ok         bool
	}{
		"as a relay answers":            {"BCDF-GHJK", "https://BASE/claim?code=BCDF-GHJK", true},
		"on another port of the relay":  {"BCDF-GHJK", "https://127.0.0.1/claim?code=BCDF-GHJK", true},
		"a sentence for a code":         {"CALL 0900-12345", "https://BASE/claim", false},
		"letters that no code has":      {"ABCD-EFGH", "https://BASE/claim", false},
		"no code":                       {"", "https://BASE/claim", false},
		"a very long code":              {strings.Repeat("BCDF-GHJK", 9999), "https://BASE/claim", false},
		"another's page":                {"BCDF-GHJK", "https://evil.example/claim", false},
		"another's page after a name":   {"BCDF-GHJK", "https://BASE@evil.example/claim", false},
		"the relay's name before an at": {"BCDF-GHJK", "https://user@BASE/claim", false},
		"a page that is not secure":     {"BCDF-GHJK", "http://BASE/claim", false},
		"a page that is a script":       {"BCDF-GHJK", "javascript:alert(1)", false},
		"a page too long for a QR code": {"BCDF-GHJK", "https://BASE/" + strings.Repeat("a", 4000), false},
		"a page that is no address":     {"BCDF-GHJK", "https://%zz", false},
		"a page that names no host":     {"BCDF-GHJK", "/claim", false},
	} {
		t.Run(name, func(t *testing.T) {
			var srv *httptest.Server
			srv = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				page := strings.Replace(tc.page, "BASE", strings.TrimPrefix(srv.URL, "https://"), 1)
				if err := json.NewEncoder(w).Encode(api.Enrolment{DeviceCode: "d", UserCode: tc.code, Verify: page}); err != nil {
					t.Error(err)
				}
			}))
			defer srv.Close()
			_, err := (&api.Client{Base: srv.URL, HTTP: srv.Client()}).Enrol(t.Context(), key, time.Now(), api.EnrolRequest{})
			if (err == nil) != tc.ok || err != nil && len(err.Error()) > 600 {
				t.Fatalf("taken = %v, want %v: %v", err == nil, tc.ok, err)
			}
		})
	}
}
