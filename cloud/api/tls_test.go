package api_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/ca"
)

// relayWith serves TLS with a certificate for the given names, and says the pin and the file of its authority.
func relayWith(t *testing.T, names ...string) (base, pin, file string) {
	t.Helper()
	authority, err := ca.Open(ca.Config{Dir: t.TempDir(), Names: names})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"now":"2027-01-01T00:00:00Z"}`))
	}))
	srv.Listener = tls.NewListener(srv.Listener, authority.TLS())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return strings.Replace(srv.URL, "http:", "https:", 1), authority.Pin(), authority.File()
}

func TestOnlyAPinnedRelayIsBelieved(t *testing.T) {
	base, pin, file := relayWith(t, "127.0.0.1")
	other, otherPin, otherFile := relayWith(t, "127.0.0.1")
	misnamed, misnamedPin, misnamedFile := relayWith(t, "elsewhere.example")
	for name, tc := range map[string]struct {
		base  string
		trust api.Trust
		ok    bool
	}{
		"its pin":                              {base, api.Trust{Pin: pin}, true},
		"its pin in capitals":                  {base, api.Trust{Pin: strings.ToUpper(pin)}, true},
		"its authority's file":                 {base, api.Trust{CAFile: file}, true},
		"pin and file":                         {base, api.Trust{CAFile: file, Pin: pin}, true},
		"the pin of one and the file of other": {base, api.Trust{CAFile: otherFile, Pin: pin}, false},
		"another's pin":                        {base, api.Trust{Pin: otherPin}, false},
		"another's file":                       {other, api.Trust{CAFile: file}, false},
		"nothing known":                        {base, api.Trust{}, false},
		"pinned, but for another name":         {misnamed, api.Trust{Pin: misnamedPin}, false},
		"by file, but for another name":        {misnamed, api.Trust{CAFile: misnamedFile}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := api.NewHTTP(tc.trust)
			if err != nil {
				t.Fatal(err)
			}
			_, err = (&api.Client{Base: tc.base, HTTP: h}).Time(t.Context(), nil)
			if (err == nil) != tc.ok {
				t.Fatalf("believed = %v, want %v: %v", err == nil, tc.ok, err)
			}
			if tc.trust.Pin == otherPin && !errors.Is(err, api.ErrRelayUnproven) {
				t.Fatalf("the error does not say that the relay is unproven: %v", err)
			}
		})
	}
}

func TestAClockThatIsBehindDoesNotLockAPlayerOut(t *testing.T) {
	base, pin, file := relayWith(t, "127.0.0.1")
	_, otherPin, otherFile := relayWith(t, "127.0.0.1")
	woken, late := time.Unix(86_400, 0), time.Now().AddDate(1, 0, 0)
	for name, tc := range map[string]struct {
		trust api.Trust
		now   time.Time
		ok    bool
	}{
		"its pin, in 1970":                     {api.Trust{Pin: pin}, woken, true},
		"its authority's file, in 1970":        {api.Trust{CAFile: file}, woken, true},
		"both, in 1970":                        {api.Trust{CAFile: file, Pin: pin}, woken, true},
		"another's pin, in 1970":               {api.Trust{Pin: otherPin}, woken, false},
		"another's file, in 1970":              {api.Trust{CAFile: otherFile}, woken, false},
		"the system's authorities, in 1970":    {api.Trust{}, woken, false},
		"its pin, after the certificate's end": {api.Trust{Pin: pin}, late, false},
		"its authority's file, after the end":  {api.Trust{CAFile: file}, late, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.trust.Now = func() time.Time { return tc.now }
			h, err := api.NewHTTP(tc.trust)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (&api.Client{Base: base, HTTP: h}).Time(t.Context(), nil); (err == nil) != tc.ok {
				t.Fatalf("believed = %v, want %v: %v", err == nil, tc.ok, err)
			}
		})
	}
}

func TestARelayCalledByAnotherNameSaysWhatToDo(t *testing.T) {
	base, pin, file := relayWith(t, "elsewhere.example")
	for _, trust := range []api.Trust{{Pin: pin}, {CAFile: file}} {
		h, err := api.NewHTTP(trust)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&api.Client{Base: base, HTTP: h}).Time(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "--name 127.0.0.1") {
			t.Errorf("%+v: %v", trust, err)
		}
	}
}

func TestARelayOfAnUnknownAuthoritySaysWhereItsPinIs(t *testing.T) {
	base, _, _ := relayWith(t, "127.0.0.1")
	h, err := api.NewHTTP(api.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&api.Client{Base: base, HTTP: h}).Time(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "vitrine-relay ca") {
		t.Fatal(err)
	}
}

func TestAPinThatCannotBeOneIsRefused(t *testing.T) {
	for _, pin := range []string{"sha256:", "sha256:abcd", "md5:" + strings.Repeat("0", 64), strings.Repeat("0", 64)} {
		if _, err := api.NewHTTP(api.Trust{Pin: pin}); err == nil {
			t.Errorf("%q was taken", pin)
		}
	}
}

func TestThePinIsTheHashOfTheAuthoritysKey(t *testing.T) {
	_, pin, file := relayWith(t, "127.0.0.1")
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	cert := parse(t, block.Bytes)
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if want := "sha256:" + hex.EncodeToString(sum[:]); pin != want {
		t.Fatalf("pin %s, want %s", pin, want)
	}
}

func TestARedirectIsNotFollowedWithTheToken(t *testing.T) {
	got := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Authorization") }))
	defer thief.Close()
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	h, err := api.NewHTTP(api.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&api.Client{Base: srv.URL, HTTP: h, Token: api.Fixed("secret")}).Player(t.Context(), "x")
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusTemporaryRedirect || len(got) != 0 {
		t.Fatalf("the redirect was followed: %v", err)
	}
	if u, err := url.Parse(thief.URL); err != nil || net.ParseIP(u.Hostname()) == nil {
		t.Fatal("the thief's address is not what the test thinks")
	}
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
