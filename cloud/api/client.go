package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
)

// callTimeout bounds one ordinary call; a long-poll has its wait on top, a blob a stall timer instead.
const callTimeout = 30 * time.Second

// longestSentence bounds what is repeated of a relay's error, characters.
const longestSentence = 1000

// Tokens gives the bearer token of the next call. refused is the token that the relay has just refused, or "" on a first
// try; an empty answer means that there is no other.
type Tokens func(ctx context.Context, refused string) (string, error)

// Fixed is one token that cannot be renewed, such as an administrator's.
func Fixed(token string) Tokens {
	return func(_ context.Context, refused string) (string, error) {
		if refused == token {
			return "", nil
		}
		return token, nil
	}
}

// Client calls a relay. Its methods are safe for concurrent use. Errors that the relay itself gave are *Problem.
type Client struct {
	Base  string       // "https://relay.example:8443"
	HTTP  *http.Client // from NewHTTP; must not follow redirects to other hosts with the token
	Token Tokens       // nil for calls that anyone may make
}

// Device gives session tokens for a device's key, renewed before they end. now is the device's clock.
func (c *Client) Device(key ed25519.PrivateKey, now func() time.Time) Tokens {
	var mu sync.Mutex
	var held Session
	var renew time.Time // by a monotonic clock: the relay's instants mean nothing to a device whose clock is wrong
	return func(ctx context.Context, refused string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if held.Token != "" && held.Token != refused && time.Now().Before(renew) {
			return held.Token, nil
		}
		s, life, err := c.session(ctx, key, now())
		if err != nil {
			return "", err
		}
		held, renew = s, time.Now().Add(life*4/5)
		return held.Token, nil
	}
}

// session asks for a token; a device whose clock is wrong signs again by the relay's clock.
func (c *Client) session(ctx context.Context, key ed25519.PrivateKey, now time.Time) (Session, time.Duration, error) {
	var s Session
	answer, err := c.signed(ctx, PathSession, nil, key, now, &s)
	if err != nil {
		return Session{}, 0, fmt.Errorf("ask for a session: %w", err)
	}
	life := 15 * time.Minute
	if date, err := http.ParseTime(answer.Get("Date")); err == nil && s.Expires.After(date) {
		life = min(s.Expires.Sub(date), time.Hour)
	}
	return s, life, nil
}

// signed sends a signed request, and once more by the relay's clock when that is what was wrong.
func (c *Client) signed(ctx context.Context, path string, in any, key ed25519.PrivateKey, now time.Time, out any) (http.Header, error) {
	cl := call{method: http.MethodPost, path: path, in: in, out: out, anyone: true}
	cl.sign = func(r *http.Request, body []byte) error { return Sign(r, body, key, now) }
	h, err := c.do(ctx, cl)
	if p := (*Problem)(nil); errors.As(err, &p) && p.Type == ProblemClock {
		t, err := c.Time(ctx, nil)
		if err != nil {
			return nil, err
		}
		now = t.Now
		return c.do(ctx, cl)
	}
	return h, err
}

// call is one request and what is wanted of its answer.
type call struct {
	method, path string
	query        url.Values
	in           any       // JSON body; or raw
	raw          io.Reader // with size
	size         int64
	header       http.Header
	wait         time.Duration
	anyone       bool // no token
	stream       bool // the caller bounds it and closes body
	sign         func(r *http.Request, body []byte) error

	out  any            // JSON answer
	body *io.ReadCloser // the answer itself; given only for 200 and 206
	max  int64          // of an answer that is read here, bytes; 0 = MaxJSON
	code *int
}

// do makes a call; a token that was refused is asked for once more, if the body can be sent again.
func (c *Client) do(ctx context.Context, cl call) (http.Header, error) {
	token := ""
	for try := 0; ; try++ {
		if !cl.anyone && c.Token != nil {
			t, err := c.Token(ctx, "")
			if err != nil {
				return nil, err
			}
			token = t
		}
		h, err := c.once(ctx, cl, token)
		p := (*Problem)(nil)
		if try == 0 && token != "" && cl.raw == nil && errors.As(err, &p) && p.Status == http.StatusUnauthorized {
			again, terr := c.Token(ctx, token)
			if terr != nil {
				return nil, terr // why there is no other says more than that this one was refused
			}
			if again == "" {
				return nil, err
			}
			continue
		}
		return h, err
	}
}

func (c *Client) once(ctx context.Context, cl call, token string) (http.Header, error) {
	if !cl.stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout+cl.wait)
		defer cancel()
	}
	req, err := c.request(ctx, cl, token)
	if err != nil {
		return nil, err
	}
	res, err := c.HTTP.Do(req)
	if foreign := (x509.UnknownAuthorityError{}); errors.As(err, &foreign) && !errors.Is(err, ErrRelayUnproven) {
		return nil, fmt.Errorf("call the relay: its certificate is by an authority that this machine does not know: give the relay's pin or authority, which `vitrine-relay ca` prints (%w)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("call the relay: %w", err)
	}
	keep := false
	defer func() {
		if !keep {
			io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
			res.Body.Close()
		}
	}()
	if cl.code != nil {
		*cl.code = res.StatusCode
	}
	if res.StatusCode >= 300 {
		return res.Header, problemOf(res)
	}
	if cl.body != nil && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent) {
		if cl.stream {
			keep, *cl.body = true, res.Body
			return res.Header, nil
		}
		b, err := readAll(res.Body, cl.max)
		*cl.body = io.NopCloser(bytes.NewReader(b))
		return res.Header, err
	}
	if cl.out != nil && res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusAccepted {
		b, err := readAll(res.Body, cl.max)
		if err != nil {
			return res.Header, err
		}
		if err := json.Unmarshal(b, cl.out); err != nil {
			return res.Header, fmt.Errorf("read the relay's answer to %s %s: %w", cl.method, cl.path, err)
		}
	}
	return res.Header, nil
}

func (c *Client) request(ctx context.Context, cl call, token string) (*http.Request, error) {
	var encoded []byte
	body := cl.raw
	if cl.in != nil {
		var err error
		if encoded, err = json.Marshal(cl.in); err != nil {
			return nil, fmt.Errorf("encode %s: %w", cl.path, err)
		}
		body = bytes.NewReader(encoded)
	}
	target := strings.TrimSuffix(c.Base, "/") + cl.path
	if len(cl.query) > 0 {
		target += "?" + cl.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, cl.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("the relay's address %q is not right: %w", c.Base, err)
	}
	for k, v := range cl.header {
		req.Header[k] = v
	}
	if cl.raw != nil {
		req.ContentLength = cl.size
		if cl.size == 0 {
			req.Body = http.NoBody
		}
	}
	if cl.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if cl.wait > 0 {
		req.Header.Set("Prefer", fmt.Sprintf("wait=%d", min(int(cl.wait/time.Second), MaxWait)))
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if cl.sign != nil {
		if err := cl.sign(req, encoded); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// readAll reads a bounded answer; 0 = MaxJSON bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	if limit == 0 {
		limit = MaxJSON
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the relay's answer: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("the relay's answer is longer than %d bytes, which is more than it may be", limit)
	}
	return b, nil
}

// problemOf reads an error; a page that is not the relay's own (a proxy's, a captive portal's) is said to be one.
func problemOf(res *http.Response) error {
	p := &Problem{Status: res.StatusCode}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	b, err := io.ReadAll(io.LimitReader(res.Body, 256<<10))
	if kind != "application/problem+json" || err != nil || json.Unmarshal(b, p) != nil || p.Title == "" {
		*p = Problem{Title: fmt.Sprintf("answer %d that is not a relay's", res.StatusCode),
			Detail: "something between here and the relay answered in its place (a proxy, a portal), or the address is not a relay's"}
		if res.Request != nil && res.Request.Method == http.MethodHead {
			*p = Problem{Title: fmt.Sprintf("the relay answered %d to HEAD", res.StatusCode)}
		}
	}
	if to := res.Header.Get("Location"); to != "" && res.StatusCode < 400 {
		*p = Problem{Title: fmt.Sprintf("the answer redirects to %.200s, and redirects are not followed", to),
			Detail: "log in to the network if it asks for that, or give the player the relay's real address"}
	}
	p.Status, p.Title, p.Detail = res.StatusCode, sentence(p.Title), sentence(p.Detail)
	p.RetryAfter = retryAfter(res.Header, time.Now())
	return p
}

// sentence is what a relay says, fit for a terminal, a log and a heartbeat: without characters that a terminal obeys, and not long.
func sentence(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s[:min(len(s), 4*longestSentence)])
	if r := []rune(s); len(r) > longestSentence {
		return string(r[:longestSentence]) + " …"
	}
	return s
}
