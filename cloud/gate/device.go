package gate

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/account"
	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
)

// Bounds of enrolment.
const (
	codeLife   = 15 * time.Minute
	maxWaiting = 10_000
)

// offer is what a new device said of itself, and from where.
type offer struct {
	api.EnrolRequest
	From string
}

func (g *Gate) deviceRoutes() []Route {
	return []Route{
		{"GET " + api.PathTime, Anyone, "The relay's clock; nonce= has it signed by the key that a player was given when it was claimed.", nil, api.Time{}, g.time},
		{"POST " + api.PathEnrolments, Key, "A new player offers its public key and gets a code for its screen; signed by that key.", api.EnrolRequest{}, api.Enrolment{}, g.enrol},
		{"GET " + api.PathEnrolment, Code, "Whether somebody has claimed the player; waits if asked to.", nil, api.Enrolled{}, g.enrolled},
		{"POST " + api.PathSession, Key, "A session token; signed by the player's key.", nil, api.Session{}, g.session},
		{"POST " + api.PathHeartbeat, Device, "A player's account of itself; answered at once when something is desired of it, else after the wait.", api.Heartbeat{}, api.Desired{}, g.heartbeat},
		{"POST " + api.PathProofs, Device, "Plays, kept for good before they are acknowledged.", api.Proofs{}, api.ProofsTaken{}, g.proofs},
		{"PUT " + api.PathScreenshot, Device, "A picture of the screen, JPEG.", nil, nil, g.putScreenshot},
	}
}

func (g *Gate) time(w http.ResponseWriter, r *http.Request) error {
	t := api.Time{Now: g.cfg.Now().UTC()}
	if nonce := r.URL.Query().Get("nonce"); nonce != "" && g.cfg.TimeKey != nil {
		if len(nonce) > api.MaxNonce {
			return malformed("the nonce is longer than 64 characters")
		}
		t.Sign(nonce, g.cfg.TimeKey)
		t.Key = g.cfg.TimeKey.Public().(ed25519.PublicKey)
	}
	return Send(w, http.StatusOK, t)
}

func tooMany(left time.Duration) error {
	return &api.Problem{Title: "too many requests from this address", Status: http.StatusTooManyRequests, Detail: "wait, then try again", RetryAfter: max(left, time.Second)}
}

// signed checks a signed request: by the key, made now by this relay's clock, since it started, and for the first time.
func (g *Gate) signed(r *http.Request, body []byte, key ed25519.PublicKey) error {
	now := g.cfg.Now()
	p, err := api.VerifySigned(r, body, key, now)
	if errors.Is(err, api.ErrSignatureTime) {
		return &api.Problem{Type: api.ProblemClock, Title: err.Error(), Status: http.StatusUnauthorized, Detail: "ask " + api.PathTime + " and sign again by that clock"}
	}
	if err != nil {
		return &api.Problem{Title: err.Error(), Status: http.StatusUnauthorized}
	}
	// Nonces are in memory: what was signed before this start may have been used before it.
	if p.Created.Before(g.cfg.Started.Truncate(time.Second)) {
		return &api.Problem{Type: api.ProblemClock, Title: "the signature is older than the relay's start", Status: http.StatusUnauthorized, Detail: "sign again"}
	}
	if !g.nonces.first(p.KeyID+p.Nonce, p.Expires, now) {
		return &api.Problem{Title: "this signed request was sent before", Status: http.StatusUnauthorized, Detail: "sign each request anew"}
	}
	return nil
}

func (g *Gate) enrol(w http.ResponseWriter, r *http.Request) error {
	if !g.limits.enrol.Take(Address(r)) {
		_, left := g.limits.enrol.Left(Address(r))
		return tooMany(left)
	}
	if _, err := api.Signed(r); err != nil {
		return &api.Problem{Title: err.Error(), Status: http.StatusUnauthorized}
	}
	var req api.EnrolRequest
	raw, err := decode(w, r, 4<<10, &req)
	if err != nil {
		return err
	}
	if len(req.Public) != ed25519.PublicKeySize || len(req.Version) > 64 || len(req.Hostname) > 253 || len(req.Seal) > 128 {
		return &api.Problem{Title: "the enrolment is not well formed", Status: http.StatusUnprocessableEntity, Detail: "public is an Ed25519 key of 32 bytes, version at most 64, hostname at most 253, seal at most 128 characters"}
	}
	if err := g.signed(r, raw, req.Public); err != nil {
		return err
	}
	keyID := api.DeviceKeyID(req.Public)
	user, device, life, err := g.codes.Offer(keyID, offer{req, Address(r)})
	if err != nil {
		return err
	}
	if m, known := g.cfg.Fleet.ByKey(keyID); known { // it proved the key: it is that player, and needs nobody's word again
		if _, err := g.codes.Claim(user, func(offer) (string, error) { return m.ID, nil }); err != nil {
			return err
		}
	}
	g.cfg.Log.Info("player waits to be claimed", "code", pretty(user), "from", Address(r), "hostname", req.Hostname)
	return Send(w, http.StatusOK, api.Enrolment{DeviceCode: device, UserCode: pretty(user), Verify: "https://" + r.Host + "/claim?code=" + pretty(user), ExpiresIn: int(life / time.Second), Interval: 5})
}

// pretty is a code as it is shown.
func pretty(code string) string { return code[:4] + "-" + code[4:] }

func (g *Gate) enrolled(w http.ResponseWriter, r *http.Request) error {
	if ok, left := g.limits.codes.Left(Address(r)); !ok {
		return tooMany(left)
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitOf(r))
	defer cancel()
	id, err := g.codes.Wait(ctx, r.PathValue("code"), bearer(r))
	if errors.Is(err, account.ErrNoCode) || errors.Is(err, account.ErrNotYours) {
		g.limits.codes.Take(Address(r))
		// The same for both: it must not be learnt which codes are there.
		return &api.Problem{Title: "no enrolment is there for this code and device code", Status: http.StatusForbidden, Detail: "enrol again"}
	}
	if err != nil {
		return err
	}
	if id == "" {
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	m, ok := g.cfg.Fleet.Member(id)
	if !ok {
		return fleet.ErrUnknown
	}
	e := api.Enrolled{Settings: m.Settings, Roots: g.cfg.Depot.Roots(), Root: m.Root}
	if g.cfg.TimeKey != nil {
		e.Time = g.cfg.TimeKey.Public().(ed25519.PublicKey)
	}
	return Send(w, http.StatusOK, e)
}

func (g *Gate) session(w http.ResponseWriter, r *http.Request) error {
	if !g.limits.session.Take(Address(r)) {
		_, left := g.limits.session.Left(Address(r))
		return tooMany(left)
	}
	raw, err := body(w, r, 4<<10)
	if err != nil {
		return err
	}
	p, err := api.Signed(r)
	if err != nil {
		return &api.Problem{Title: err.Error(), Status: http.StatusUnauthorized}
	}
	m, ok := g.cfg.Fleet.ByKey(p.KeyID)
	if !ok {
		return &api.Problem{Type: api.ProblemUnknown, Title: "the relay does not know this player's key", Status: http.StatusUnauthorized, Detail: "it was removed, or never claimed: enrol"}
	}
	if err := g.signed(r, raw, m.Public); err != nil {
		return err
	}
	token, ends := g.cfg.Devices.Begin(m.ID, m.KeyID)
	return Send(w, http.StatusOK, api.Session{Token: token, Expires: ends.UTC(), Player: m.ID})
}

func (g *Gate) heartbeat(w http.ResponseWriter, r *http.Request) error {
	var h api.Heartbeat
	if _, err := decode(w, r, api.MaxHeartbeat, &h); err != nil {
		return err
	}
	if h.Boot == "" || len(h.Boot) > 64 {
		return &api.Problem{Title: "the heartbeat has no boot of 1 to 64 characters", Status: http.StatusUnprocessableEntity}
	}
	d, err := g.cfg.Fleet.Heartbeat(r.Context(), r.PathValue("id"), Address(r), &h, waitOf(r))
	if err != nil {
		return err
	}
	if d == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return Send(w, http.StatusOK, d)
}

func (g *Gate) proofs(w http.ResponseWriter, r *http.Request) error {
	var p api.Proofs
	if _, err := decode(w, r, api.MaxJSON, &p); err != nil {
		return err
	}
	taken, err := g.cfg.Fleet.Prove(r.PathValue("id"), p)
	if err != nil {
		return err
	}
	return Send(w, http.StatusOK, taken)
}

func (g *Gate) putScreenshot(w http.ResponseWriter, r *http.Request) error {
	if kind := r.Header.Get("Content-Type"); kind != "image/jpeg" {
		return &api.Problem{Title: "a screenshot is image/jpeg", Status: http.StatusUnsupportedMediaType}
	}
	b, err := body(w, r, api.MaxScreenshot)
	if err != nil {
		return err
	}
	taken, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		taken = g.cfg.Now()
	}
	if err := g.cfg.Fleet.SetPicture(r.PathValue("id"), b, taken); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Waiting is the player that waits under a code, for a person; wrong codes are counted by the person's address.
func (g *Gate) Waiting(r *http.Request, code string) (api.Waiting, error) {
	if ok, left := g.limits.codes.Left(Address(r)); !ok {
		return api.Waiting{}, tooMany(left)
	}
	o, ends, err := g.codes.Look(code)
	if err != nil {
		g.limits.codes.Take(Address(r))
		return api.Waiting{}, err
	}
	return api.Waiting{EnrolRequest: o.EnrolRequest, Words: bundle.Words(o.Public), From: o.From, Expires: ends.UTC()}, nil
}

// Claim makes the player that waits under a code a member.
func (g *Gate) Claim(r *http.Request, code string, c api.Claim) (api.Player, error) {
	if err := checkClaim(c); err != nil {
		return api.Player{}, err
	}
	if ok, left := g.limits.codes.Left(Address(r)); !ok {
		return api.Player{}, tooMany(left)
	}
	id, err := g.codes.Claim(code, func(o offer) (string, error) {
		m, err := g.cfg.Fleet.Admit(o.EnrolRequest, api.DeviceKeyID(o.Public), c)
		return m.ID, err
	})
	if err != nil {
		if errors.Is(err, account.ErrNoCode) {
			g.limits.codes.Take(Address(r))
		}
		return api.Player{}, fmt.Errorf("claim player: %w", err)
	}
	return g.cfg.Fleet.Player(id)
}

// maxNonces bounds the memory for nonces: at 300 sessions a second for a minute and a half.
const maxNonces = 200_000

// nonces remembers what was signed, until it would be too old anyway.
type nonces struct {
	mu   sync.Mutex
	seen map[string]time.Time
	next time.Time // of a sweep
}

func newNonces() *nonces { return &nonces{seen: map[string]time.Time{}} }

// first says whether a nonce was not seen before; when there are too many nothing is believed.
func (n *nonces) first(nonce string, expires, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.After(n.next) {
		n.next = now.Add(10 * time.Second)
		for k, t := range n.seen {
			if now.After(t) {
				delete(n.seen, k)
			}
		}
	}
	if _, seen := n.seen[nonce]; seen || len(n.seen) >= maxNonces {
		return false
	}
	n.seen[nonce] = expires
	return true
}
