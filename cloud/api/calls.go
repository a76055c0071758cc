package api

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// at fills a path's one place.
func at(pattern, value string) string {
	i, j := strings.IndexByte(pattern, '{'), strings.IndexByte(pattern, '}')
	return pattern[:i] + url.PathEscape(value) + pattern[j+1:]
}

// match is an If-Match header for a revision; 0 = whatever is there.
func match(rev uint64) http.Header {
	if rev == 0 {
		return nil
	}
	return http.Header{"If-Match": {ETag(rev)}}
}

// ETag is the entity tag of a revision.
func ETag(rev uint64) string { return `"` + strconv.FormatUint(rev, 10) + `"` }

// IsNotFound says whether the relay answered that there is no such thing.
func IsNotFound(err error) bool {
	p := (*Problem)(nil)
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}

// Time asks for the relay's clock. With a key the answer must be signed by it, over a nonce made here: who stands in between
// can neither make one up nor bring up an old one, and no more than delay it.
func (c *Client) Time(ctx context.Context, key ed25519.PublicKey) (t Time, err error) {
	nonce := rand.Text()
	_, err = c.do(ctx, call{method: http.MethodGet, path: PathTime, query: url.Values{"nonce": {nonce}}, out: &t, anyone: true})
	if err == nil && key != nil && !t.SignedBy(nonce, key) {
		err = ErrTimeUnsigned
	}
	return t, err
}

// Enrol offers a new device's public key; r.Public is filled in.
func (c *Client) Enrol(ctx context.Context, key ed25519.PrivateKey, now time.Time, r EnrolRequest) (e Enrolment, err error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return e, errors.New("enrol: the key is not an Ed25519 key")
	}
	r.Public = public
	if _, err = c.signed(ctx, PathEnrolments, r, key, now, &e); err != nil {
		return e, err
	}
	return e, e.check(c.Base)
}

// check refuses what does not belong on a screen: the code is shown in large letters, and the page as a QR code to open.
func (e Enrolment) check(base string) error {
	const letters = "BCDFGHJKLMNPQRSTVWXZ"
	left, right, _ := strings.Cut(e.UserCode, "-")
	if len(left) != 4 || len(right) != 4 || strings.Trim(left+right, letters) != "" {
		return fmt.Errorf("the relay's code %.40q is not like BCDF-GHJK: is %s a relay?", e.UserCode, base)
	}
	relay, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("the relay's address %q is not right: %w", base, err)
	}
	page, err := url.Parse(e.Verify)
	if err != nil || page.Scheme != "https" || !strings.EqualFold(page.Hostname(), relay.Hostname()) || page.User != nil || len(e.Verify) > 512 {
		return fmt.Errorf("the relay's page for claiming, %.100q, is not on the relay %s: a proxy in front of it must pass Host on unchanged", e.Verify, base)
	}
	return nil
}

// Enrolled asks whether somebody has claimed the device, and waits up to wait for it: nil, nil = not yet. A *Problem with
// status 410 means that the code has expired: enrol again.
func (c *Client) Enrolled(ctx context.Context, e Enrolment, wait time.Duration) (*Enrolled, error) {
	var out Enrolled
	code := 0
	_, err := c.do(ctx, call{method: http.MethodGet, path: at(PathEnrolment, e.UserCode), wait: wait, out: &out, code: &code, anyone: true,
		header: http.Header{"Authorization": {"Bearer " + e.DeviceCode}}})
	if err != nil || code == http.StatusAccepted {
		return nil, err
	}
	return &out, nil
}

// Waiting shows the player that waits under a user code.
func (c *Client) Waiting(ctx context.Context, code string) (w Waiting, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: at(PathClaim, code), out: &w})
	return w, err
}

// Claim takes the player that waits under a user code.
func (c *Client) Claim(ctx context.Context, code string, claim Claim) (p Player, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: at(PathClaim, code), in: claim, out: &p})
	return p, err
}

// Heartbeat reports and waits up to wait for something to do: nil = nothing.
func (c *Client) Heartbeat(ctx context.Context, id string, h Heartbeat, wait time.Duration) (*Desired, error) {
	var d Desired
	code := 0
	_, err := c.do(ctx, call{method: http.MethodPost, path: at(PathHeartbeat, id), in: h, out: &d, wait: wait, code: &code})
	if err != nil || code == http.StatusNoContent {
		return nil, err
	}
	return &d, nil
}

// SendProofs hands over plays; the answer says up to where they are kept for good.
func (c *Client) SendProofs(ctx context.Context, id string, p Proofs) (t ProofsTaken, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: at(PathProofs, id), in: p, out: &t})
	return t, err
}

// SendScreenshot hands over a picture (JPEG) of what was on the screen at an instant.
func (c *Client) SendScreenshot(ctx context.Context, id string, jpeg []byte, taken time.Time) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathScreenshot, id), raw: strings.NewReader(string(jpeg)), size: int64(len(jpeg)),
		header: http.Header{"Content-Type": {"image/jpeg"}, "Date": {taken.UTC().Format(http.TimeFormat)}}})
	return err
}

// Screenshot fetches a player's last picture and when it was taken.
func (c *Client) Screenshot(ctx context.Context, id string) ([]byte, time.Time, error) {
	var body io.ReadCloser
	h, err := c.do(ctx, call{method: http.MethodGet, path: at(PathScreenshot, id), body: &body, max: MaxScreenshot})
	if err != nil {
		return nil, time.Time{}, err
	}
	b, err := readAll(body, MaxScreenshot)
	taken, _ := http.ParseTime(h.Get("Last-Modified"))
	return b, taken, err
}

// AskScreenshot asks a player for a fresh picture, which comes when it comes.
func (c *Client) AskScreenshot(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: at(PathScreenshot, id)})
	return err
}

// Players lists players from a cursor on ("" = from the start).
func (c *Client) Players(ctx context.Context, cursor string) (p Page[Player], err error) {
	return list[Player](ctx, c, PathPlayers, cursor)
}

// Player fetches one player.
func (c *Client) Player(ctx context.Context, id string) (p Player, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: at(PathPlayer, id), out: &p})
	return p, err
}

// ChangePlayer changes settings; rev is the revision that they were read at, 0 = whatever is there.
func (c *Client) ChangePlayer(ctx context.Context, id string, rev uint64, ch Changes) (p Player, err error) {
	_, err = c.do(ctx, call{method: http.MethodPatch, path: at(PathPlayer, id), in: ch, out: &p, header: match(rev)})
	return p, err
}

// RemovePlayer takes a player's key away; it shows what it has, and enrols anew.
func (c *Client) RemovePlayer(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(PathPlayer, id)})
	return err
}

// Manifest fetches an envelope by its digest. Nothing in it is verified here.
func (c *Client) Manifest(ctx context.Context, digest string) ([]byte, error) {
	return c.bytes(ctx, at(PathManifest, digest), MaxEnvelope)
}

// PutManifest stores an envelope under its digest.
func (c *Client) PutManifest(ctx context.Context, digest string, envelope []byte) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathManifest, digest), raw: strings.NewReader(string(envelope)), size: int64(len(envelope)),
		header: http.Header{"Content-Type": {"application/json"}}})
	return err
}

// Root fetches one envelope of the root chain; IsNotFound = there is none yet.
func (c *Client) Root(ctx context.Context, version int) ([]byte, error) {
	return c.bytes(ctx, at(PathRoots, strconv.Itoa(version)), MaxRoot)
}

// Roots fetches the root chain from a version on, in order; none is not an error.
func (c *Client) Roots(ctx context.Context, from int) ([][]byte, error) {
	var chain [][]byte
	for v := from; v < from+1000; v++ {
		b, err := c.Root(ctx, v)
		if IsNotFound(err) {
			return chain, nil
		}
		if err != nil {
			return nil, err
		}
		chain = append(chain, b)
	}
	return nil, fmt.Errorf("the relay gives more than 1,000 roots from %d on, which no customer has", from)
}

// Fresh fetches the relay's signed word on which manifest of a stream is the newest. Nothing in it is verified here.
func (c *Client) Fresh(ctx context.Context, stream string) ([]byte, error) {
	return c.bytes(ctx, at(PathFresh, stream), MaxFresh)
}

// PutRoot stores the next envelope of the root chain.
func (c *Client) PutRoot(ctx context.Context, version int, envelope []byte) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathRoots, strconv.Itoa(version)), raw: strings.NewReader(string(envelope)), size: int64(len(envelope)),
		header: http.Header{"Content-Type": {"application/json"}}})
	return err
}

// Streams lists streams from a cursor on.
func (c *Client) Streams(ctx context.Context, cursor string) (Page[Stream], error) {
	return list[Stream](ctx, c, PathStreams, cursor)
}

// MoveHead makes a manifest a stream's newest; was is the seq that the head must have now, 0 = whatever it is. A *Problem
// of type ProblemMissing names the blobs that must be there first.
func (c *Client) MoveHead(ctx context.Context, stream string, was uint64, h Head) (s Stream, err error) {
	_, err = c.do(ctx, call{method: http.MethodPut, path: at(PathStream, stream), in: h, out: &s, header: match(was)})
	return s, err
}

// Warnings lists public warnings: those whose serials are above after, and those that are still in time. cursor is that of the
// page before, 0 = from the start.
func (c *Client) Warnings(ctx context.Context, after, cursor uint64) (w Warnings, err error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "from": {strconv.FormatUint(cursor, 10)}}
	_, err = c.do(ctx, call{method: http.MethodGet, path: PathWarnings, query: q, out: &w, max: 8 << 20})
	return w, err
}

// PutWarning hands over a signed public warning. A *Problem of type ProblemOlder means that its serial is taken.
func (c *Client) PutWarning(ctx context.Context, serial uint64, envelope []byte) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathWarning, strconv.FormatUint(serial, 10)), raw: strings.NewReader(string(envelope)), size: int64(len(envelope)),
		header: http.Header{"Content-Type": {"application/json"}}})
	return err
}

// Parcels lists parcels that are in time: for a device its own, for a person all. cursor is that of the page before, "" = from
// the start.
func (c *Client) Parcels(ctx context.Context, cursor string) (p Parcels, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: PathParcels, query: url.Values{"from": {cursor}}, out: &p, max: 8 << 20})
	return p, err
}

// PutParcel hands over a signed parcel under the SHA-256 of its envelope. A *Problem of type ProblemMissing names the blobs
// that must be there first.
func (c *Client) PutParcel(ctx context.Context, digest string, envelope []byte) (p SignedParcel, err error) {
	_, err = c.do(ctx, call{method: http.MethodPut, path: at(PathParcel, digest), raw: strings.NewReader(string(envelope)), size: int64(len(envelope)),
		header: http.Header{"Content-Type": {"application/json"}}, out: &p})
	return p, err
}

// Adopt takes in a player that never calls; one that is known already is given as it is.
func (c *Client) Adopt(ctx context.Context, a Adoption) (p Player, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: PathPlayers, in: a, out: &p})
	return p, err
}

// Import hands over a run of plays that was carried by hand.
func (c *Client) Import(ctx context.Context, id string, p Proofs) (i Imported, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: at(PathImport, id), in: p, out: &i})
	return i, err
}

// Channels lists channels from a cursor on.
func (c *Client) Channels(ctx context.Context, cursor string) (Page[Channel], error) {
	return list[Channel](ctx, c, PathChannels, cursor)
}

// SetChannel makes a group follow a stream.
func (c *Client) SetChannel(ctx context.Context, ch Channel) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: at(PathChannel, ch.Group), in: ch})
	return err
}

// RemoveChannel makes a group follow nothing of its own.
func (c *Client) RemoveChannel(ctx context.Context, group string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: at(PathChannel, group)})
	return err
}

// Plays lists what a player has proven, from a cursor on.
func (c *Client) Plays(ctx context.Context, id, cursor string) (Page[Play], error) {
	return list[Play](ctx, c, at(PathProofs, id), cursor)
}

func (c *Client) bytes(ctx context.Context, path string, limit int64) ([]byte, error) {
	var body io.ReadCloser
	if _, err := c.do(ctx, call{method: http.MethodGet, path: path, body: &body, max: limit}); err != nil {
		return nil, err
	}
	return readAll(body, limit)
}

func list[T any](ctx context.Context, c *Client, path, cursor string) (p Page[T], err error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("after", cursor)
	}
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, query: q, out: &p, max: 8 << 20})
	return p, err
}
