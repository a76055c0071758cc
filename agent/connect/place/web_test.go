package place_test

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/place"
	"vitrine/agent/secret"
)

// web is a server whose answers a test writes; asked are the Authorization headers it got.
func web(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (url string, asked func() []string) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string { s.Close(); return got }
}

func TestAHostIsToldTheSecretInTheWayItWants(t *testing.T) {
	basic := secret.Secret{User: "board", Password: canary}
	cases := []struct {
		name, auth string
		secret     secret.Secret
		want       string // how the header that counts begins
	}{
		{"a user and a password", "", basic, "Basic Ym9hcmQ6"},
		{"a token", "", secret.Secret{Token: "abc", User: "x"}, "Bearer abc"},
		{"a user although there is a token", "basic", secret.Secret{Token: "abc", User: "board", Password: canary}, "Basic Ym9hcmQ6"},
		{"a digest", "digest", basic, `Digest username="board"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url, asked := web(t, func(w http.ResponseWriter, r *http.Request) {
				if a := r.Header.Get("Authorization"); c.auth == "digest" && !digestHolds(a, r) {
					w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=MD5`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				fmt.Fprint(w, "x")
			})
			p := open(t, place.Spec{Type: "http", URL: url + "/a?b=c", Secret: "s", Auth: c.auth}, place.Env{Secret: vault(c.secret), Plain: true})
			if b, err := p.Read(within(t, time.Minute), 10); err != nil || string(b) != "x" {
				t.Fatalf("%q, %v", b, err)
			}
			got := asked()
			if last := got[len(got)-1]; !strings.HasPrefix(last, c.want) {
				t.Errorf("it was told %q", last)
			}
			if c.auth == "digest" && strings.Contains(strings.Join(got, ""), canary) {
				t.Error("the password was told")
			}
		})
	}
}

// digestHolds checks a digest as RFC 7616 writes it.
func digestHolds(header string, r *http.Request) bool {
	part := map[string]string{}
	for p := range strings.SplitSeq(strings.TrimPrefix(header, "Digest "), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		part[k] = strings.Trim(v, `"`)
	}
	h := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	want := h(strings.Join([]string{h("board:r:" + canary), "n", part["nc"], part["cnonce"], "auth", h(r.Method + ":" + r.URL.RequestURI())}, ":"))
	return part["response"] == want
}

func TestASecretGoesNowhereElse(t *testing.T) {
	other, told := web(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "x") })
	url, _ := web(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	env := place.Env{Secret: vault(secret.Secret{User: "board", Password: canary}), Plain: true}
	p := open(t, place.Spec{Type: "http", URL: url, Secret: "s", Hosts: []string{strings.TrimPrefix(other, "http://")}}, env)
	if b, err := p.Read(within(t, time.Minute), 10); err != nil || string(b) != "x" {
		t.Fatalf("a host that the source names: %q, %v", b, err)
	}
	if got := told(); len(got) != 1 || got[0] != "" {
		t.Errorf("the other host was told %q", got)
	}
	for name, spec := range map[string]place.Spec{
		"over plain http":              {Type: "http", URL: "http://127.0.0.1/x", Secret: "s"},
		"over plain http to elsewhere": {Type: "http", URL: "http://files.example/x", Secret: "s"},
		"in the address":               {Type: "https", URL: "https://board:" + canary + "@files.example/x"},
		"with another kind of proof":   {Type: "https", URL: "https://files.example/x", Secret: "s", Auth: "ntlm"},
	} {
		_, err := place.Open(spec, place.Env{Plain: name == "over plain http to elsewhere", Secret: env.Secret})
		says(t, err, "its ")
	}
}

func TestAPresignedAddressIsNotTold(t *testing.T) {
	gone, stop := web(t, nil)
	stop()
	refused, _ := web(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
	away, _ := web(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://x.example/?sig="+canary, http.StatusFound)
	})
	broken, _ := web(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "x")
	})
	for _, url := range []string{gone, refused, away, broken, "http://127.0.0.1:bad"} {
		p, err := place.Open(place.Spec{Type: "http", URL: url + "/x?sig=" + canary}, place.Env{})
		if err == nil {
			_, err = p.Read(within(t, time.Minute), 1000)
		}
		says(t, err, "")
	}
}

func TestAnAnswerIsComparedByItsBytesToo(t *testing.T) {
	n := 0
	url, _ := web(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("ETag", fmt.Sprint(`"`, n, `"`)) // a server whose marks mean nothing
		fmt.Fprint(w, map[bool]string{true: "new", false: "old"}[n > 2])
	})
	p := open(t, place.Spec{Type: "http", URL: url}, place.Env{})
	ctx := within(t, time.Minute)
	if b, err := p.Read(ctx, 10); err != nil || string(b) != "old" {
		t.Fatalf("%q, %v", b, err)
	}
	if _, err := p.Read(ctx, 10); !errors.Is(err, place.ErrUnchanged) {
		t.Fatal(err)
	}
	if b, err := p.Read(ctx, 10); err != nil || string(b) != "new" {
		t.Fatalf("%q, %v", b, err)
	}
}

func TestAnEndlessAnswerIsStopped(t *testing.T) {
	url, _ := web(t, func(w http.ResponseWriter, r *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	_, err := open(t, place.Spec{Type: "http", URL: url}, place.Env{}).Read(within(t, time.Minute), 1<<20)
	says(t, err, "longer than its limit")
}
