package cloud_test

import (
	"bytes"
	"errors"
	"image/color"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud"
	"vitrine/cloud/api"
)

func TestAPlayerEnrolsIsClaimedAndIsToldOfABundle(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.device(t)
	e, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{Version: "0.1.0", Hostname: "box", Seal: "age1x"})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.UserCode) != 9 || !strings.HasSuffix(e.Verify, "/claim?code="+e.UserCode) || e.ExpiresIn != 900 {
		t.Fatalf("%+v", e)
	}
	if got, err := d.Enrolled(t.Context(), e, 0); got != nil || err != nil {
		t.Fatal("enrolled before anybody has claimed it:", got, err)
	}
	w, err := g.admin.Waiting(t.Context(), strings.ToLower(e.UserCode))
	if err != nil || len(w.Words) != 4 || w.Hostname != "box" || w.Words[0] != bundle.Words(w.Public)[0] {
		t.Fatalf("%+v, %v", w, err)
	}
	told := make(chan *api.Enrolled, 1)
	go func() {
		got, err := d.Enrolled(t.Context(), e, 30*time.Second)
		if err != nil {
			t.Error(err)
		}
		told <- got
	}()
	p, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "Lobby", Groups: []string{"canteen"}, Zone: "Europe/Paris"})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-told; got == nil || got.Settings.ID != p.ID || got.Settings.Name != "Lobby" || len(got.Roots) != 0 {
		t.Fatalf("%+v", got)
	}
	if _, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "Thief"}); !api.IsNotFound(err) {
		t.Fatal("a code was claimed twice:", err)
	}

	// Its first word is answered at once: it does not have its settings yet.
	want, err := d.Heartbeat(t.Context(), p.ID, beat(1, 0, nil), 50*time.Second)
	if err != nil || want == nil || want.Settings == nil || want.Settings.Name != "Lobby" || want.Bundle != nil {
		t.Fatalf("%+v, %v", want, err)
	}
	waiting := make(chan *api.Desired, 1)
	go func() {
		got, err := d.Heartbeat(t.Context(), p.ID, beat(2, p.Rev, nil), 50*time.Second)
		if err != nil {
			t.Error(err)
		}
		waiting <- got
	}()
	to := g.push(t, "lobby", 1, "a picture")
	if err := g.admin.SetChannel(t.Context(), api.Channel{Group: "canteen", Stream: "lobby"}); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got == nil || got.Bundle == nil || *got.Bundle != to {
		t.Fatalf("told %+v, want %+v", got, to)
	}

	// It fetches all of it, in two parts.
	roots, err := d.Roots(t.Context(), 1)
	if err != nil || len(roots) != 1 {
		t.Fatal(roots, err)
	}
	trust, err := bundle.NewTrust(roots)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := d.Manifest(t.Context(), to.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	m, err := trust.Manifest(envelope)
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[int64]string{0: "a picture", 2: "picture"} {
		r, err := d.Blob(t.Context(), string(m.Blobs[0].Digest), from, m.Blobs[0].Size, m.Blobs[0].Size)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != want {
			t.Fatalf("from %d: %q, %v", from, b, err)
		}
		r.Close()
	}
	if got, err := d.Heartbeat(t.Context(), p.ID, beat(3, p.Rev, &to), 0); err != nil || got != nil {
		t.Fatalf("it has all, and was told %+v, %v", got, err)
	}
}

func TestAPlayerThatCannotFollowIsNotToldAgainWithoutAPause(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	first, err := d.Heartbeat(t.Context(), d.id, beat(1, 0, nil), 50*time.Second)
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	if again, err := d.Heartbeat(t.Context(), d.id, beat(2, 0, nil), time.Second); err != nil || again != nil {
		t.Fatal("told the same at once:", again, err)
	}
	restarted := beat(1, 0, nil)
	restarted.Boot = "another"
	if again, err := d.Heartbeat(t.Context(), d.id, restarted, time.Second); err != nil || again == nil {
		t.Fatal("a player that has restarted was not told:", again, err)
	}
}

func TestARefusedOrFetchedBundleIsNotToldAgain(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	to := g.push(t, "lobby", 1, "x")
	if err := g.admin.SetChannel(t.Context(), api.Channel{Group: "*", Stream: "lobby"}); err != nil {
		t.Fatal(err)
	}
	h := beat(1, 1, nil)
	h.Refused = &api.Refusal{Pointer: to, Reason: "no room", At: time.Now()}
	if got, err := d.Heartbeat(t.Context(), d.id, h, 0); err != nil || got != nil {
		t.Fatal(got, err)
	}
	h = beat(2, 1, nil)
	h.Fetching = &api.Progress{Pointer: to, Have: 1, Total: 2}
	if got, err := d.Heartbeat(t.Context(), d.id, h, 0); err != nil || got != nil {
		t.Fatal(got, err)
	}
}

func TestAHeadMovesOnlyWhenAllOfItIsThere(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	if err := g.admin.PutManifest(t.Context(), strings.Repeat("0", 64), []byte("{}")); !contains(err, "no root keys") {
		t.Fatal(err)
	}
	c := g.prepare(t, "lobby", 5, "five")
	p := pointer(c)
	head := api.Head{Seq: 5, Manifest: p.Manifest, Root: p.Root}
	_, err := g.admin.MoveHead(t.Context(), "lobby", 0, head)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Type != api.ProblemMissing || len(problem.Missing) != 1 || problem.Missing[0] != string(c.Manifest.Blobs[0].Digest) {
		t.Fatalf("%+v", err)
	}
	g.push(t, "lobby", 5, "five")
	if s, err := g.admin.MoveHead(t.Context(), "lobby", 0, head); err != nil || s.Head != head {
		t.Fatal("the same head again is no error:", err)
	}
	older := pointer(g.prepare(t, "lobby", 4, "five"))
	foreign := pointer(g.prepare(t, "canteen", 6, "five"))
	newer := pointer(g.prepare(t, "lobby", 7, "five"))
	for name, tc := range map[string]struct {
		stream string
		was    uint64
		head   api.Head
		status int
	}{
		"an older serial":                        {"lobby", 0, api.Head{Seq: 4, Manifest: older.Manifest, Root: 1}, 409},
		"another serial than the manifest's":     {"lobby", 0, api.Head{Seq: 9, Manifest: newer.Manifest, Root: 1}, 422},
		"another stream's manifest":              {"lobby", 0, api.Head{Seq: 6, Manifest: foreign.Manifest, Root: 1}, 422},
		"a manifest that is not there":           {"lobby", 0, api.Head{Seq: 6, Manifest: strings.Repeat("a", 64), Root: 1}, 422},
		"a manifest whose name is a path":        {"lobby", 0, api.Head{Seq: 6, Manifest: "../../relay.db", Root: 1}, 422},
		"a head that somebody has moved already": {"lobby", 4, api.Head{Seq: 7, Manifest: newer.Manifest, Root: 1}, 412},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := g.admin.MoveHead(t.Context(), tc.stream, tc.was, tc.head)
			if !errors.As(err, &problem) || problem.Status != tc.status {
				t.Fatalf("%v, want %d", err, tc.status)
			}
		})
	}
	page, err := g.admin.Streams(t.Context(), "")
	if err != nil || len(page.Items) != 1 || page.Items[0].Head != head {
		t.Fatalf("%+v, %v", page, err)
	}
}

func TestABundleByForeignKeysIsRefused(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	g.push(t, "lobby", 1, "x")
	g.pub = nil // another publisher
	other := start(t, t.TempDir(), nil)
	c := other.prepare(t, "lobby", 2, "y")
	err := g.admin.PutManifest(t.Context(), pointer(c).Manifest, c.Envelope)
	if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Status != 422 {
		t.Fatal(err)
	}
	if err := g.admin.PutRoot(t.Context(), 1, other.pub.Chain[0]); !contains(err, "another customer") {
		t.Fatal(err)
	}
}

func TestABlobIsTakenOnlyAsItsDigestSays(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	digest := string(bundle.DigestOf(content))
	flipped := bytes.Clone(content)
	flipped[1000] ^= 1
	if err := g.admin.PutBlob(t.Context(), digest, int64(len(flipped)), bytes.NewReader(flipped), nil); !contains(err, "not those that the digest names") {
		t.Fatal(err)
	}
	if err := g.admin.PutBlob(t.Context(), "../../../../etc/passwd", 1, strings.NewReader("x"), nil); err == nil {
		t.Fatal("a path was taken for a digest")
	}
	if has, _, err := g.admin.HasBlob(t.Context(), digest); has || err != nil {
		t.Fatal("a refused blob is there:", err)
	}
	var sent int64
	if err := g.admin.PutBlob(t.Context(), digest, int64(len(content)), bytes.NewReader(content), func(n int64) { sent = n }); err != nil || sent != int64(len(content)) {
		t.Fatal(sent, err)
	}
	if has, size, err := g.admin.HasBlob(t.Context(), digest); !has || size != int64(len(content)) || err != nil {
		t.Fatal(has, size, err)
	}
	sent = 0
	if err := g.admin.PutBlob(t.Context(), digest, int64(len(content)), bytes.NewReader(content), func(n int64) { sent = n }); err != nil || sent != 0 {
		t.Fatalf("what was there was sent again: %d bytes, %v", sent, err)
	}
}

func TestADiskThatIsFullUpToItsReserveIsSaidToBe(t *testing.T) {
	g := start(t, t.TempDir(), func(c *cloud.Config) { c.Reserve = 1 << 62 })
	d := g.claimed(t, "Lobby")
	_, proofs := d.SendProofs(t.Context(), d.id, api.Proofs{Boot: "b", Plays: []api.Proof{{N: 1}}})
	for what, err := range map[string]error{
		"blob":       g.admin.PutBlob(t.Context(), strings.Repeat("a", 64), 3, strings.NewReader("abc"), nil),
		"screenshot": d.SendScreenshot(t.Context(), d.id, jpegOf(t, color.White), time.Now()),
		"proofs":     proofs,
	} {
		if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Status != http.StatusInsufficientStorage || p.RetryAfter == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, nil), 0); err != nil {
		t.Error("heartbeats need no disk:", err)
	}
}

func TestAfterARestartPlayersStayAndProveThemselvesAgain(t *testing.T) {
	dir := t.TempDir()
	g := start(t, dir, nil)
	d := g.claimed(t, "Lobby", "canteen")
	to := g.push(t, "lobby", 1, "x")
	if err := g.admin.SetChannel(t.Context(), api.Channel{Group: "canteen", Stream: "lobby"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, nil), 0); err != nil {
		t.Fatal(err)
	}
	g.stop()
	again := start(t, dir, nil)
	if again.token != "" {
		t.Fatal("the token was made a second time")
	}
	if again.trust.Pin != g.trust.Pin {
		t.Fatal("the authority was made a second time")
	}
	d.Base = again.base // its session's token is refused, and it asks for another by itself
	got, err := d.Heartbeat(t.Context(), d.id, beat(2, 1, nil), 10*time.Second)
	if err != nil || got == nil || *got.Bundle != to {
		t.Fatalf("%+v, %v", got, err)
	}
	again.admin.Token = api.Fixed(g.token)
	p, err := again.admin.Player(t.Context(), d.id)
	if err != nil || p.Name != "Lobby" || p.Last == nil || !p.Online {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := again.admin.RemovePlayer(t.Context(), d.id); err != nil {
		t.Fatal(err)
	}
	_, err = d.Heartbeat(t.Context(), d.id, beat(3, 1, nil), 0)
	if problem := (*api.Problem)(nil); !errors.As(err, &problem) || problem.Type != api.ProblemUnknown {
		t.Fatalf("a removed player is told %v, not to enrol", err)
	}
}

func TestADeviceWithAWrongClockSignsByTheRelays(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.device(t)
	long := time.Date(1970, 1, 1, 0, 5, 0, 0, time.UTC)
	e, err := d.Enrol(t.Context(), d.key, long, api.EnrolRequest{Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "No battery"})
	if err != nil {
		t.Fatal(err)
	}
	d.Token = d.Device(d.key, func() time.Time { return long })
	if _, err := d.Heartbeat(t.Context(), p.ID, beat(1, 1, nil), 0); err != nil {
		t.Fatal(err)
	}
}

func TestADeviceThatLostItsSettingsEnrolsUnderItsKeyWithoutAPerson(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	e, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Enrolled(t.Context(), e, 0); err != nil || got == nil || got.Settings.ID != d.id {
		t.Fatalf("%+v, %v", got, err)
	}
}
