package store_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/store"
)

// refuses offers a bundle that must be refused for good, in a sentence, while what is live stays.
func refuses(t *testing.T, s *store.Store, content bundle.Content, says string) {
	t.Helper()
	before := liveSeq(s)
	_, err := s.Ingest(t.Context(), &origin{content: content}, nil)
	var refused *store.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v; want a refusal that says %q", err, says)
	}
	if liveSeq(s) != before {
		t.Errorf("version %d plays instead of %d", liveSeq(s), before)
	}
}

func rekey(t *testing.T, k *bundle.PrivateKey) {
	t.Helper()
	next, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	*k = next
}

func TestAPlayerThatWasOffForFiveRootsFollowsThemAndRefusesAnOlderStick(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	old := *p // the stick in the drawer: root 1, the key that is revoked later
	stick := old.Content(t, bundle.Manifest{Seq: 40}, map[string][]byte{"media/a.png": noise(9, 500)})
	for n := range 5 {
		if n == 2 {
			rekey(t, &p.Key)
		}
		before := p.Root // of two keys, the old one signs beside the new one
		if n == 3 {
			rekey(t, &p.Root)
		}
		p.NextRoot(t, nil, before)
	}
	ingest(t, s, p, 6, map[string][]byte{"media/a.png": noise(7, 500)})
	if s.Trust().Root().Version != 6 || liveSeq(s) != 6 {
		t.Fatalf("root %d, version %d", s.Trust().Root().Version, liveSeq(s))
	}
	refuses(t, s, stick, `it was signed as root 3 allowed, and root 4 of 2026-01-01 has taken that away from the key "publisher"`)
	p.Chain = p.Chain[:5] // a stick of today's key, made before the last root
	refuses(t, s, p.Content(t, bundle.Manifest{Seq: 50}, map[string][]byte{"media/a.png": noise(10, 500)}), `it names root 5, the player has had a version of "lobby" under root 6`)
}

func TestARevokedPublisherOnANewerStickIsRefused(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	thief := *p
	rekey(t, &p.Key)
	p.NextRoot(t, nil)
	thief.Chain = p.Chain // the stick carries the root that revokes it, and names it
	refuses(t, s, thief.Content(t, bundle.Manifest{Seq: 99}, map[string][]byte{"media/a.png": noise(2, 500)}), "has taken that away")
	if s.Trust().Root().Version != 2 {
		t.Error("the root that revokes the key was not taken from the thief's own stick")
	}
}

func TestNothingIsMixedFromTwoBundles(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	six := p.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"media/a.png": noise(6, 500)})
	seven := p.Content(t, bundle.Manifest{Seq: 7}, map[string][]byte{"media/a.png": noise(7, 500)})
	crossed, mixed := six, six
	crossed.Open = func(bundle.Digest) (io.ReadCloser, error) { return seven.Open(seven.Manifest.Blobs[0].Digest) }
	mixed.Envelope = seven.Envelope
	for name, content := range map[string]bundle.Content{"another bundle's blob": crossed, "a manifest with another bundle's blobs": mixed} {
		if _, err := s.Ingest(t.Context(), &origin{content: content}, nil); err == nil || liveSeq(s) != 5 {
			t.Errorf("%s: %v, version %d plays", name, err, liveSeq(s))
		}
	}
}

func TestAKeyChainThatIsNotOneLeavesWhatIsTrusted(t *testing.T) {
	p := bundletest.New(t)
	s := pinned(t, p, store.Config{})
	p.NextRoot(t, nil)
	p.NextRoot(t, nil)
	files := map[string][]byte{"media/a.png": noise(3, 500)}
	for name, c := range map[string]struct {
		chain func([][]byte) [][]byte
		says  string
		root  int // that the player has afterwards
	}{
		"with a gap":         {func(c [][]byte) [][]byte { return [][]byte{c[0], c[2]} }, "root 2 is not signed as root 1 asks", 1},
		"in another order":   {func(c [][]byte) [][]byte { return [][]byte{c[0], c[2], c[1]} }, "root 2 is not signed as root 1 asks", 1},
		"with a root twice":  {func(c [][]byte) [][]byte { return [][]byte{c[0], c[0], c[1]} }, "root 2 is not signed as root 1 asks", 1},
		"without its first":  {func(c [][]byte) [][]byte { return c[1:] }, "another publisher", 1},
		"of one side alone":  {func(c [][]byte) [][]byte { return [][]byte{c[0], oneSided(t, p)} }, "not signed by its own keys", 1},
		"of the other alone": {func(c [][]byte) [][]byte { return [][]byte{c[0], strange(t)} }, "not signed by version 1", 1},
		"of a manifest":      {func(c [][]byte) [][]byte { return [][]byte{c[0], p.Content(t, bundle.Manifest{}, files).Envelope} }, "of type", 1},
	} {
		t.Run(name, func(t *testing.T) {
			content := p.Content(t, bundle.Manifest{Seq: 6}, files)
			content.Roots = c.chain(slices.Clone(p.Chain))
			refuses(t, s, content, c.says)
			if v := s.Trust().Root().Version; v != c.root {
				t.Errorf("it trusts root %d; want %d", v, c.root)
			}
		})
	}
}

// oneSided is a root 2 that only the keys of root 1 have signed, strange one that only its own have.
func oneSided(t *testing.T, p *bundletest.Publisher) []byte {
	t.Helper()
	fresh := bundletest.New(t)
	alone := &bundletest.Publisher{Customer: p.Customer, Root: p.Root, Key: p.Key, Chain: slices.Clone(p.Chain[:1])}
	alone.NextRoot(t, func(r *bundle.Root) {
		r.Roles[bundle.RoleRoot] = bundle.Role{}
		r.Allow(bundle.RoleRoot, "fresh", fresh.Root.Public())
	})
	return alone.Chain[1]
}

func strange(t *testing.T) []byte {
	t.Helper()
	p := bundletest.New(t)
	p.NextRoot(t, nil)
	return p.Chain[1]
}
