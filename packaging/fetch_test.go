package packaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/clock"
	"vitrine/agent/identity"
	"vitrine/agent/store"
	"vitrine/agent/uplink"
	"vitrine/cloud"
	"vitrine/cloud/api"
)

// How large the bundle is of which a hundredth changes: make delta.
var deltaMiB = flag.Int("delta", 128, "size of the bundle of which a hundredth changes, MiB")

// scale is a relay with a player without a screen, and counts what moves between them.
type scale struct {
	t     *testing.T
	relay *cloud.Relay
	admin *api.Client
	pub   *bundletest.Publisher
	store *store.Store
	wire  atomic.Int64 // bytes that the player has read from the network
}

// newScale starts the relay and claims a player whose machine has this clock.
func newScale(t *testing.T, box *box) *scale {
	t.Helper()
	c := &scale{t: t, pub: bundletest.New(t)}
	var err error
	if c.relay, err = cloud.New(cloud.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Ops: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	h := &house{t: t}
	h.run("the relay", c.relay.Run)
	token, err := c.relay.Token()
	if err != nil {
		t.Fatal(err)
	}
	trust := api.Trust{Pin: c.relay.Authority().Pin()}
	hc, err := api.NewHTTP(trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hc.CloseIdleConnections)
	c.admin = &api.Client{Base: "https://" + c.relay.Addr().String(), HTTP: hc, Token: api.Fixed(token)}
	dir := t.TempDir()
	if c.store, err = store.Open(store.Config{Dir: dir, Now: box.Wall}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.store.Close() })
	clk, err := clock.New(clock.Config{Built: bundle.AgentDate(), Persisted: c.store.Floor().Time, Keep: c.store, System: box, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h.run("the clock", clk.Run)
	trust.Dial = c.dial
	me, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	claims := make(chan *uplink.Claim, 10)
	up, err := uplink.New(uplink.Config{Base: c.admin.Base, Trust: trust, Identity: me, Store: c.store, Clock: clk,
		Describe: func(h *api.Heartbeat) {
			live, _ := c.store.Live()
			h.Active, h.Version, h.Now = live.Pointer(), bundle.AgentVersion, clk.Now()
		},
		Shot: func(context.Context, string, int) error { return io.EOF }, Claim: func(cl *uplink.Claim) { claims <- cl }, Check: func(error) {},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	h.run("the uplink", up.Run)
	if _, err := c.admin.Claim(t.Context(), (<-claims).Code, api.Claim{Name: "Hall", Groups: []string{"hall"}, Root: string(bundle.DigestOf(c.pub.Chain[0]))}); err != nil {
		t.Fatal(err)
	}
	if err := c.admin.PutRoot(t.Context(), 1, c.pub.Chain[0]); err != nil {
		t.Fatal(err)
	}
	return c
}

// dial counts what comes.
func (c *scale) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return counted{conn, &c.wire}, nil
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// push makes a bundle the newest; its blobs are read from open.
func (c *scale) push(content bundle.Content) {
	c.t.Helper()
	m := content.Manifest
	for _, b := range m.Blobs {
		there, _, err := c.admin.HasBlob(c.t.Context(), string(b.Digest))
		if err != nil {
			c.t.Fatal(err)
		}
		if there {
			continue
		}
		r, err := content.Open(b.Digest)
		if err == nil {
			err = c.admin.PutBlob(c.t.Context(), string(b.Digest), b.Size, r, nil)
			r.Close()
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	head := api.Head{Seq: m.Seq, Manifest: string(bundle.DigestOf(content.Envelope)), Root: m.Root}
	if err := c.admin.PutManifest(c.t.Context(), head.Manifest, content.Envelope); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.admin.MoveHead(c.t.Context(), m.Stream, m.Seq-1, head); err != nil {
		c.t.Fatal(err)
	}
	if err := c.admin.SetChannel(c.t.Context(), api.Channel{Group: "*", Stream: m.Stream}); err != nil {
		c.t.Fatal(err)
	}
}

// live waits until a version is live and whole.
func (c *scale) live(seq uint64) {
	c.t.Helper()
	for {
		live, changed := c.store.Live()
		if live.Manifest != nil && live.Manifest.Seq == seq && len(live.Missing) == 0 {
			return
		}
		select {
		case <-changed:
		case <-c.t.Context().Done():
			c.t.Fatalf("version %d never came", seq)
		}
	}
}

var sentBytes = regexp.MustCompile(`(?m)^vitrine_blob_sent_bytes_total (\S+)$`)

// sent is how many bytes of blobs the relay has sent, by its own count.
func (c *scale) sent() float64 {
	c.t.Helper()
	res, err := http.Get("http://" + c.relay.OpsAddr().String() + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	found := sentBytes.FindSubmatch(b)
	if found == nil {
		c.t.Fatalf("the relay counts no bytes: %s", b)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// stretch is bytes that are the same for the same seed, without being kept.
func stretch(seed uint64, size int64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return io.LimitReader(rand.NewChaCha8(key), size)
}

// wide is a bundle of so many pictures, each of its seed's bytes.
func (c *scale) wide(seq uint64, size int64, seeds []uint64) bundle.Content {
	c.t.Helper()
	small := c.pub.Content(c.t, bundle.Manifest{Seq: seq}, map[string][]byte{"media/a.png": []byte("small")})
	m := *small.Manifest
	from := map[bundle.Digest]uint64{}
	for i, seed := range seeds {
		b, err := bundle.Hash(c.t.Context(), stretch(seed, size), size, bundle.MinSegment, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		b.Type = "application/octet-stream"
		m.Files[fmt.Sprintf("media/%04d.png", i)] = b.Digest
		m.Blobs = append(m.Blobs, b)
		from[b.Digest] = seed
	}
	slices.SortFunc(m.Blobs, func(a, b bundle.Blob) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	envelope, err := m.Seal(c.pub.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	return bundle.Content{Roots: c.pub.Chain, Envelope: envelope, Manifest: &m, Open: func(d bundle.Digest) (io.ReadCloser, error) {
		if seed, ok := from[d]; ok {
			return io.NopCloser(stretch(seed, size)), nil
		}
		return small.Open(d)
	}}
}

// What moves when a hundredth of a bundle changes, by the relay's own count and by all that comes over the player's network:
// heartbeats, TLS and the manifest are in it.
func TestAHundredthThatChangesMovesLittleMore(t *testing.T) {
	const blobs = 200
	size := int64(*deltaMiB) << 20 / blobs
	c := newScale(t, &box{})
	seeds := make([]uint64, blobs)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	c.push(c.wide(1, size, seeds))
	c.live(1)
	if first := c.sent(); first < float64(blobs*size) || first > 1.01*float64(blobs*size) {
		t.Errorf("the first time %.0f bytes were sent for %d", first, blobs*size)
	}
	for i := range blobs / 100 {
		seeds[i*100+50] += 1 << 32
	}
	changed := float64(blobs / 100 * size)
	second := c.wide(2, size, seeds)
	sent, wire := c.sent(), c.wire.Load()
	c.push(second)
	c.live(2)
	sent, moved := c.sent()-sent, float64(c.wire.Load()-wire)
	t.Logf("of %d MiB %.1f MB changed: the relay sent %.1f MB of blobs (%.3f times), and %.1f MB came over the network in all (%.3f times)",
		*deltaMiB, changed/1e6, sent/1e6, sent/changed, moved/1e6, moved/changed)
	if sent > 1.2*changed || moved > 1.2*changed {
		t.Error("that is more than 1.2 times what has changed")
	}
}

// box is a machine whose clock shows what a test says at each look.
type box struct {
	looks atomic.Int64
	leads []time.Duration // before the real clock, in turn; none = 0
}

func (b *box) Wall() time.Time {
	if len(b.leads) == 0 {
		return time.Now()
	}
	return time.Now().Add(b.leads[b.looks.Add(1)%int64(len(b.leads))])
}

func (b *box) Synchronised() (bool, error) { return false, nil }

func (b *box) Steps(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return nil
}

func TestAPlayerFetchesWhateverItsClockSays(t *testing.T) {
	until := func(year int) time.Duration { return time.Until(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }
	for name, leads := range map[string][]time.Duration{
		"it is 1970":                 {until(1970)},
		"it is 2099":                 {until(2099)},
		"it leaps at each look":      {until(1970), 0, until(2099), until(2038), -time.Hour, until(2000)},
		"it leaps by an hour":        {time.Hour, -time.Hour},
		"it is right, as it must be": {0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newScale(t, &box{leads: leads})
			for seq := uint64(1); seq <= 2; seq++ {
				c.push(c.pub.Content(t, bundle.Manifest{Seq: seq}, map[string][]byte{"media/a.png": bytes.Repeat([]byte{byte(seq)}, 9<<20)}))
				c.live(seq)
			}
		})
	}
}
