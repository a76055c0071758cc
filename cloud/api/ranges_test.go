package api_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
)

// answer is a server that says one thing, whatever it is asked.
func answer(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func TestOnlyThePartOfABlobThatWasAskedForIsTaken(t *testing.T) {
	const whole = "0123456789"
	digest := strings.Repeat("ab", 32)
	bytes := func(r string) []string { return []string{"Content-Range", r} }
	for name, c := range map[string]struct {
		from int64
		say  http.HandlerFunc
		want string // the bytes; else
		err  string // part of the sentence
	}{
		"the whole":                              {0, answer(200, whole), whole, ""},
		"a part":                                 {4, answer(206, "456789", bytes("bytes 4-9/10")...), "456789", ""},
		"a part of a file of unknown length":     {4, answer(206, "456789", bytes("bytes 4-9/*")...), "456789", ""},
		"the whole in place of a part":           {4, answer(200, whole), "456789", ""},
		"a part from elsewhere":                  {4, answer(206, "56789", bytes("bytes 5-9/10")...), "", "bytes from 5 on came, those from 4"},
		"a part that ends early":                 {4, answer(206, "45678", bytes("bytes 4-8/10")...), "", "ends with byte 8, it was asked for up to 9"},
		"a part of another file":                 {4, answer(206, "456789", bytes("bytes 4-9/11")...), "", "file of 11 bytes, the blob has 10"},
		"a part longer than it says":             {4, answer(206, "456789", "Content-Range", "bytes 4-9/10", "Content-Length", "5"), "", "names a part of 6 bytes and is 5 long"},
		"a part without its range":               {4, answer(206, "456789"), "", "not like bytes 5-9/10"},
		"a part in another unit":                 {4, answer(206, "456789", bytes("pages 4-9/10")...), "", "not like bytes 5-9/10"},
		"a part though the whole was asked for":  {0, answer(206, whole, bytes("bytes 0-9/10")...), "", "the whole was asked for"},
		"several parts":                          {4, answer(206, "x", "Content-Type", "multipart/byteranges; boundary=x"), "", "several parts"},
		"a longer file":                          {0, answer(200, whole+"x"), "", "the answer has 11 bytes, the blob has 10"},
		"nothing":                                {0, answer(204, ""), "", "the answer 204 has no bytes"},
		"a portal's page":                        {0, answer(200, "<html>log in", "Content-Type", "text/html; charset=utf-8"), "", "a web page came"},
		"a portal's page of the very length":     {0, answer(200, "<html>hey!", "Content-Type", "TEXT/HTML"), "", "a web page came"},
		"compressed":                             {0, answer(200, whole, "Content-Encoding", "gzip"), "", `encoded as "gzip"`},
		"a redirect":                             {0, answer(302, "", "Location", "https://portal.example/login"), "", "redirects to https://portal.example/login"},
		"no such byte":                           {4, answer(416, ""), "", "no byte 4 of it (416)"},
		"more and more":                          {0, endless(whole), whole, ""},
		"half, then the connection ends":         {0, cut(whole, 5), "", "ended 5 bytes before the blob did"},
		"half of a part, then it ends":           {4, cut("456789", 2, bytes("bytes 4-9/10")...), "", "ended 4 bytes before the blob did"},
		"half of the whole in place of a part":   {8, cut(whole, 5), "", "ended 5 bytes before the blob did"},
		"half, chunked, as if it had been whole": {0, answer(200, whole[:5], "Transfer-Encoding", "identity"), "", "5 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewTLSServer(c.say)
			defer srv.Close()
			hc := srv.Client()
			hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r, err := (&api.Client{Base: srv.URL, HTTP: hc}).Blob(t.Context(), digest, c.from, int64(len(whole)), int64(len(whole)))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(r)
				r.Close()
			}
			if c.err == "" && (err != nil || string(got) != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%q came, and %v", got, err)
			}
		})
	}
}

// endless goes on after the blob.
func endless(begin string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for s := begin; ; s = "more" {
			if _, err := io.WriteString(w, s); err != nil || r.Context().Err() != nil {
				return
			}
		}
	}
}

// cut ends the connection after n bytes of a body.
func cut(body string, n int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		code := 200
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
			code = 206
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		io.WriteString(w, body[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestARelayIsLeftAloneForAsLongAsItSays(t *testing.T) {
	date := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		said string
		want time.Duration
	}{
		"seconds":                         {"17", 17 * time.Second},
		"a date, by the relay's clock":    {date.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		"a year":                          {"31536000", time.Hour},
		"more seconds than a number has":  {"99999999999999999999", 0},
		"a date in ten years":             {date.AddDate(10, 0, 0).Format(http.TimeFormat), time.Hour},
		"a date that is over":             {date.Add(-time.Minute).Format(http.TimeFormat), 0},
		"seconds before now":              {"-3", 0},
		"words":                           {"soon", 0},
		"nothing":                         {"", 0},
		"a date as of the last century":   {date.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"), time.Minute},
		"a date in the form of asctime()": {date.Add(time.Minute).Format(time.ANSIC), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(answer(503, "", "Retry-After", c.said, "Date", date.Format(http.TimeFormat)))
			defer srv.Close()
			_, err := (&api.Client{Base: srv.URL, HTTP: srv.Client()}).Blob(t.Context(), strings.Repeat("ab", 32), 0, 10, 10)
			var p *api.Problem
			if !errors.As(err, &p) || p.Status != 503 || p.RetryAfter != c.want {
				t.Errorf("%v, wait %v", err, p.RetryAfter)
			}
		})
	}
}

// Whatever an answer says of itself, nothing panics, and what is taken is what was asked for.
func FuzzRangeAnswer(f *testing.F) {
	f.Add(206, "bytes 4-9/10", "6", "application/octet-stream", "", int64(4), int64(10))
	f.Add(200, "", "10", "", "gzip", int64(0), int64(10))
	f.Add(206, "bytes 18446744073709551615-9/10", "-1", "multipart/byteranges", "identity", int64(1), int64(2))
	f.Add(206, "bytes 0-0/1", "1", "text/html", "", int64(0), int64(1))
	f.Fuzz(func(t *testing.T, code int, span, length, kind, encoding string, from, size int64) {
		h := http.Header{"Content-Range": {span}, "Content-Length": {length}, "Content-Type": {kind}, "Content-Encoding": {encoding}}
		skip, err := api.CheckAnswer(code, h, "ab", from, size, size)
		if err != nil {
			var a *api.AnswerError
			if !errors.As(err, &a) || len(a.Reason) > 5000 {
				t.Errorf("the error is %v", err)
			}
			return
		}
		if code == 200 && skip == from || code == 206 && skip == 0 && from != 0 && strings.Contains(span, fmt.Sprintf("%d-%d", from, size-1)) {
			return
		}
		if n, _ := strconv.ParseInt(strings.Split(strings.TrimPrefix(span, "bytes "), "-")[0], 10, 64); code == 206 && n == from { // with zeros before it
			return
		}
		t.Errorf("taken: %d %q for the bytes from %d of %d, %d thrown away", code, span, from, size, skip)
	})
}
