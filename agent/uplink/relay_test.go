package uplink_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

// relay is the other side by the wire types alone, so that it can be made to lie. It checks what a relay must check:
// signatures, tokens, who asks.
type relay struct {
	*httptest.Server
	t    *testing.T
	wire *wire // nil = a real network

	mu      sync.Mutex
	key     ed25519.PublicKey
	claimed *api.Enrolled
	content *bundle.Content
	desired func(api.Heartbeat) *api.Desired
	lie     func(w http.ResponseWriter, r *http.Request) bool // true = answered
	beats   []api.Heartbeat
	proofs  map[string][]uint64 // boot -> n, in the order of their coming
	gaps    []api.Gap           // what the player says it has lost
	poison  uint64              // this play is refused
	picture []byte
	list    api.Warnings // public warnings
	changed chan struct{}
}

const token = "a-session-token"

func newRelay(t *testing.T) *relay { return newRelayOn(t, nil) }

// newRelayOn is a relay on a wire; nil = a real network.
func newRelayOn(t *testing.T, on *wire) *relay {
	r := &relay{wire: on, t: t, proofs: map[string][]uint64{}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathTime, func(w http.ResponseWriter, _ *http.Request) { send(w, 200, api.Time{Now: time.Now()}) })
	mux.HandleFunc("POST "+api.PathEnrolments, r.enrol)
	mux.HandleFunc("GET "+api.PathEnrolment, r.enrolled)
	mux.HandleFunc("POST "+api.PathSession, r.session)
	mux.HandleFunc("POST "+api.PathHeartbeat, r.device(r.heartbeat))
	mux.HandleFunc("POST "+api.PathProofs, r.device(r.prove))
	mux.HandleFunc("PUT "+api.PathScreenshot, r.device(r.screenshot))
	mux.HandleFunc("GET "+api.PathManifest, r.device(r.manifest))
	mux.HandleFunc("GET "+api.PathBlob, r.device(r.blob))
	mux.HandleFunc("GET "+api.PathRoots, r.device(r.roots))
	mux.HandleFunc("GET "+api.PathWarnings, r.device(func(w http.ResponseWriter, _ *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		send(w, 200, r.list)
	}))
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		lie := r.lie
		r.mu.Unlock()
		if lie == nil || !lie(w, req) {
			mux.ServeHTTP(w, req)
		}
	}))
	if on != nil {
		r.Listener.Close()
		r.Listener = on
	}
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// trust is how players reach it.
func (r *relay) trust() api.Trust {
	t := api.Trust{CAFile: r.ca()}
	if r.wire != nil {
		t.Dial = r.wire.dial
	}
	return t
}

// ca writes the server's certificate to a file.
func (r *relay) ca() string {
	path := filepath.Join(r.t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// set changes the relay and wakes whoever waits for it.
func (r *relay) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	r.wake()
}

func (r *relay) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// until waits until something holds; mu is held while it is asked.
func (r *relay) until(what string, holds func() bool) {
	r.t.Helper()
	wait := 30 * time.Second
	if r.wire != nil { // in a bubble, where that takes no time
		wait = 100 * time.Hour
	}
	late := time.After(wait)
	for {
		r.mu.Lock()
		ok, changed := holds(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-late:
			r.t.Fatalf("it never came that %s", what)
		}
	}
}

func send(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code int, kind, title string) {
	b, err := json.Marshal(api.Problem{Type: kind, Title: title, Status: code})
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	w.Write(b)
}

func (r *relay) enrol(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var in api.EnrolRequest
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, 422, "", err.Error())
		return
	}
	if _, err := api.VerifySigned(req, body, in.Public, time.Now()); err != nil {
		refuse(w, 401, "", err.Error())
		return
	}
	r.set(func() { r.key = in.Public })
	send(w, 200, api.Enrolment{DeviceCode: "device", UserCode: "BCDF-GHJK", Verify: r.URL + "/claim", ExpiresIn: 900, Interval: 1})
}

func (r *relay) enrolled(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "Bearer device" || req.PathValue("code") != "BCDF-GHJK" {
		refuse(w, 403, "", "no enrolment is there")
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.claimed == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	send(w, 200, r.claimed)
}

func (r *relay) session(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	key := r.key
	r.mu.Unlock()
	if key == nil {
		refuse(w, 401, api.ProblemUnknown, "the relay does not know this player's key")
		return
	}
	body, _ := io.ReadAll(req.Body)
	if _, err := api.VerifySigned(req, body, key, time.Now()); err != nil {
		refuse(w, 401, "", err.Error())
		return
	}
	send(w, 200, api.Session{Token: token, Expires: time.Now().Add(15 * time.Minute), Player: "p1"})
}

func (r *relay) device(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Bearer "+token {
			refuse(w, 401, "", "no session")
			return
		}
		h(w, req)
	}
}

// heartbeat waits as it is asked to, until something is desired.
func (r *relay) heartbeat(w http.ResponseWriter, req *http.Request) {
	var h api.Heartbeat
	if err := json.NewDecoder(req.Body).Decode(&h); err != nil || req.PathValue("id") != "p1" {
		refuse(w, 422, "", "no heartbeat")
		return
	}
	r.set(func() { r.beats = append(r.beats, h) })
	over := time.After(3 * time.Second)
	if r.wire != nil {
		over = time.After(50 * time.Second)
	}
	if req.Header.Get("Prefer") == "wait=0" || req.Header.Get("Prefer") == "" {
		over = time.After(0)
	}
	for {
		r.mu.Lock()
		var d *api.Desired
		if r.desired != nil {
			d = r.desired(h)
		}
		changed := r.changed
		r.mu.Unlock()
		if d != nil {
			send(w, 200, d)
			return
		}
		select {
		case <-changed:
		case <-over:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-req.Context().Done():
			return
		}
	}
}

func (r *relay) prove(w http.ResponseWriter, req *http.Request) {
	var p api.Proofs
	if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
		refuse(w, 422, "", err.Error())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	end := p.Plays[len(p.Plays)-1]
	if h := p.Head; h == nil || !h.SignedBy(r.key) || h.N != end.N || h.Hash != api.PlayHash(p.Boot, end.Record()) {
		r.t.Errorf("the run up to %d is not signed: %+v", end.N, h)
	}
	for _, pl := range p.Plays {
		if pl.N == r.poison {
			refuse(w, 422, "", "a play is not well formed")
			return
		}
	}
	for _, pl := range p.Plays {
		r.proofs[p.Boot] = append(r.proofs[p.Boot], pl.N)
		if pl.Gap != nil {
			r.gaps = append(r.gaps, *pl.Gap)
		}
	}
	r.wake()
	send(w, 200, api.ProofsTaken{Boot: p.Boot, N: p.Plays[len(p.Plays)-1].N})
}

func (r *relay) screenshot(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	r.set(func() { r.picture = b })
	w.WriteHeader(http.StatusNoContent)
}

func (r *relay) manifest(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.content == nil || string(bundle.DigestOf(r.content.Envelope)) != req.PathValue("digest") {
		refuse(w, 404, "", "no such manifest")
		return
	}
	w.Write(r.content.Envelope)
}

func (r *relay) blob(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	content := r.content
	r.mu.Unlock()
	d := bundle.Digest(req.PathValue("digest"))
	if _, ok := content.Manifest.Blob(d); !ok {
		refuse(w, 404, "", "no such blob")
		return
	}
	f, err := content.Open(d)
	if err != nil {
		refuse(w, 500, "", err.Error())
		return
	}
	b, _ := io.ReadAll(f)
	w.Header().Set("ETag", `"`+string(d)+`"`)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(b))
}

func (r *relay) roots(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := strconv.Atoi(req.PathValue("version"))
	if err != nil || r.content == nil || n < 1 || n > len(r.content.Roots) {
		refuse(w, 404, "", "no such root")
		return
	}
	w.Write(r.content.Roots[n-1])
}

// publish makes a bundle the desired one until it is live, on its way or refused.
func (r *relay) publish(c bundle.Content) api.Pointer {
	p := api.Pointer{Stream: c.Manifest.Stream, Seq: c.Manifest.Seq, Manifest: string(bundle.DigestOf(c.Envelope)), Root: c.Manifest.Root}
	r.set(func() {
		r.content = &c
		r.desired = func(h api.Heartbeat) *api.Desired {
			if h.Active != nil && h.Active.Manifest == p.Manifest || h.Fetching != nil && h.Fetching.Manifest == p.Manifest ||
				h.Refused != nil && h.Refused.Manifest == p.Manifest {
				return nil
			}
			return &api.Desired{Bundle: &p}
		}
	})
	return p
}
