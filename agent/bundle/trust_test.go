package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/render/scene"
)

// picture is a manifest's files in most tests.
func picture() map[string][]byte { return map[string][]byte{"media/a.png": []byte("a picture")} }

// payload is what an envelope has signed.
func payload(t *testing.T, envelope []byte) []byte {
	t.Helper()
	var e bundle.Envelope
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	return e.Payload
}

// seal signs whatever bytes, as a publisher with a fault (or a thief of one key) could.
func seal(t *testing.T, kind string, payload []byte, keys ...bundle.PrivateKey) []byte {
	t.Helper()
	b, err := bundle.Seal(kind, payload, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newKey(t *testing.T) bundle.PrivateKey {
	t.Helper()
	k, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// wants checks that an error is there and says what it must.
func wants(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatalf("taken; want a refusal that says %q", part)
	}
	if !strings.Contains(err.Error(), part) {
		t.Errorf("refused with %q; want it to say %q", err, part)
	}
}

// The example of DSSE's own specification (protocol.md, v1.0.2) fixes the bytes that are signed.
func TestTheSignatureIsOverTheEncodingThatDSSENames(t *testing.T) {
	k := newKey(t)
	sealed := seal(t, "http://example.com/HelloWorld", []byte("hello world"), k)
	var e bundle.Envelope
	if err := json.Unmarshal(sealed, &e); err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(k.Public(), []byte("DSSEv1 29 http://example.com/HelloWorld 11 hello world"), e.Signatures[0].Sig) {
		t.Error("the signature is not over DSSE's pre-authentication encoding")
	}
	if e.Signatures[0].KeyID != bundle.KeyID(k.Public()) {
		t.Error("the key's id is not the SHA-256 of the public key")
	}
}

func TestAManifestIsRefusedWhen(t *testing.T) {
	p := bundletest.New(t)
	good := p.Content(t, bundle.Manifest{}, picture()).Envelope
	plain := payload(t, good)
	edit := func(old, new string) []byte {
		out := bytes.Replace(plain, []byte(old), []byte(new), 1)
		if bytes.Equal(out, plain) {
			t.Fatalf("%q is not in the manifest", old)
		}
		return out
	}
	resign := func(b []byte) []byte { return seal(t, bundle.TypeManifest, b, p.Key) }
	var e bundle.Envelope
	if err := json.Unmarshal(good, &e); err != nil {
		t.Fatal(err)
	}
	tampered := e
	tampered.Payload = edit(`"seq":1`, `"seq":2`)
	impostor := e
	impostor.Signatures = []bundle.Signature{{KeyID: p.Key.ID(), Sig: ed25519.Sign(ed25519.NewKeyFromSeed(make([]byte, 32)), []byte("x"))}}
	encode := func(e bundle.Envelope) []byte {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var any map[string]any
		if err := json.Unmarshal(b, &any); err != nil {
			t.Fatal(err)
		}
		if b, err = json.Marshal(any); err != nil { // sorted names: canonical for these values
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		envelope []byte
		says     string
	}{
		"nothing is there":                       {nil, "ends too early"},
		"it is cut off":                          {good[:len(good)-10], "ends too early"},
		"bytes follow it":                        {append(bytes.Clone(good), '\n'), "canonical"},
		"a second envelope follows it":           {append(bytes.Clone(good), good...), "canonical"},
		"the envelope has a field too many":      {bytes.Replace(good, []byte(`{"payload"`), []byte(`{"extra":1,"payload"`), 1), "unknown field"},
		"the envelope has a field twice":         {bytes.Replace(good, []byte(`{"payload"`), []byte(`{"payload":"AA==","payload"`), 1), "canonical"},
		"it is larger than a manifest may be":    {make([]byte, bundle.MaxManifest+1), "is the most"},
		"the payload was changed":                {encode(tampered), "0 of the publisher keys"},
		"the key id is right, the key is not":    {encode(impostor), "0 of the publisher keys"},
		"a stranger has signed it":               {seal(t, bundle.TypeManifest, plain, newKey(t)), "0 of the publisher keys"},
		"the root key has signed it":             {seal(t, bundle.TypeManifest, plain, p.Root), "0 of the publisher keys"},
		"it was signed as something else":        {seal(t, bundle.TypeRoot, plain, p.Key), "of type"},
		"it is a root":                           {p.Chain[0], "of type"},
		"the payload has bytes after its end":    {resign(append(bytes.Clone(plain), ' ')), "canonical"},
		"the payload has a field twice":          {resign(edit(`"seq":1`, `"seq":1,"seq":1`)), "canonical"},
		"the payload says SEQ for seq":           {resign(edit(`"seq"`, `"SEQ"`)), "canonical"},
		"the payload has an unknown field":       {resign(edit(`"seq":1`, `"seq":1,"sequel":1`)), "unknown field"},
		"the payload has a space":                {resign(edit(`"seq":1`, `"seq": 1`)), "canonical"},
		"the payload is not UTF-8":               {resign(edit(`"lobby"`, "\"lobb\xff\"")), "canonical"},
		"a number is written otherwise":          {resign(edit(`"seq":1`, `"seq":1e0`)), "JSON"},
		"a length is written otherwise":          {resign(edit(`"5s"`, `"5000ms"`)), "canonical"},
		"an empty field is written":              {resign(edit(`"seq":1`, `"seq":1,"sources":{}`)), "canonical"},
		"the serial is zero":                     {resign(edit(`"seq":1`, `"seq":0`)), "serial"},
		"it is of another customer":              {resign(edit(`"acme"`, `"acne"`)), "of customer"},
		"it names a root that is not known":      {resign(edit(`"root":1`, `"root":2`)), "newer roots"},
		"it is of another format":                {resign(edit(`"vitrine/1"`, `"vitrine/2"`)), "format"},
		"an item of the schedule is no scene":    {resign(edit(`"fleet":["a"]`, `"fleet":["b"]`)), "not a scene"},
		"an item's file is not in it":            {resign(edit(`"src":"media/a.png"`, `"src":"media/b.png"`)), "not in the bundle"},
		"a file has a path that leaves the tree": {resign(bytes.ReplaceAll(plain, []byte(`media/a.png`), []byte(`../../a.png`))), "plain path"},
		"the payload is deep nesting":            {resign([]byte(strings.Repeat(`{"a":`, 20_000))), "manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Trust(t).Manifest(c.envelope)
			wants(t, err, c.says)
		})
	}
	if _, err := p.Trust(t).Manifest(good); err != nil {
		t.Errorf("the good one is refused: %v", err)
	}
}

func TestAManifestOfANewerPlayerSaysSo(t *testing.T) {
	p := bundletest.New(t)
	plain := payload(t, p.Content(t, bundle.Manifest{}, picture()).Envelope)
	newer := bytes.Replace(plain, []byte(`{"blobs"`), []byte(`{"agent":"99.0.0","blobs"`), 1)
	unknown := bytes.Replace(newer, []byte(`"seq":1`), []byte(`"hologram":true,"seq":1`), 1)
	for name, b := range map[string][]byte{"fields are known": newer, "fields are unknown": unknown} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Trust(t).Manifest(seal(t, bundle.TypeManifest, b, p.Key))
			var e *bundle.NewerError
			if !errors.As(err, &e) || e.Needs != "99.0.0" {
				t.Errorf("%v; want a NewerError for 99.0.0", err)
			}
		})
	}
	if _, err := p.Trust(t).Manifest(seal(t, bundle.TypeManifest, unknown, newKey(t))); errors.As(err, new(*bundle.NewerError)) {
		t.Error("unsigned bytes could make a player ask for an update")
	}
}

func TestAThresholdCountsDistinctKeys(t *testing.T) {
	p := bundletest.New(t)
	second := newKey(t)
	p.NextRoot(t, func(r *bundle.Root) {
		r.Allow(bundle.RolePublisher, "second", second.Public())
		r.Roles[bundle.RolePublisher] = bundle.Role{Keys: r.Roles[bundle.RolePublisher].Keys, Threshold: 2}
	})
	plain := payload(t, p.Content(t, bundle.Manifest{}, picture()).Envelope)
	trust := p.Trust(t)
	if _, err := trust.Manifest(seal(t, bundle.TypeManifest, plain, p.Key, second)); err != nil {
		t.Errorf("two of two keys: %v", err)
	}
	_, err := trust.Manifest(seal(t, bundle.TypeManifest, plain, p.Key))
	wants(t, err, "1 of the publisher keys")

	// One key that signs twice, the second time under the other's id.
	var e bundle.Envelope
	if err := json.Unmarshal(seal(t, bundle.TypeManifest, plain, p.Key), &e); err != nil {
		t.Fatal(err)
	}
	sig := base64.StdEncoding.EncodeToString(e.Signatures[0].Sig)
	twice := fmt.Sprintf(`{"payload":%q,"payloadType":%q,"signatures":[{"keyid":%q,"sig":%q},{"keyid":%q,"sig":%q}]}`,
		base64.StdEncoding.EncodeToString(plain), bundle.TypeManifest, p.Key.ID(), sig, second.ID(), sig)
	_, err = trust.Manifest([]byte(twice))
	wants(t, err, "1 of the publisher keys")
}

func TestSignaturesCanBeAddedByOthersLater(t *testing.T) {
	p := bundletest.New(t)
	second := newKey(t)
	p.NextRoot(t, func(r *bundle.Root) {
		r.Allow(bundle.RoleRoot, "second", second.Public())
		r.Roles[bundle.RoleRoot] = bundle.Role{Keys: r.Roles[bundle.RoleRoot].Keys, Threshold: 2}
	})
	if _, err := bundle.NewTrust(p.Chain); err == nil {
		t.Fatal("one of two signatures was enough")
	}
	added, err := bundle.AddSignatures(p.Chain[1], second, p.Root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.NewTrust([][]byte{p.Chain[0], added}); err != nil {
		t.Errorf("both have signed: %v", err)
	}
}

func TestFingerprintWordsAreStableAndDistinct(t *testing.T) {
	if got := strings.Join(bundle.Words([]byte("vitrine")), " "); got != "tebo devo biza vamo" {
		t.Errorf("words of a fixed text changed to %q: players and relays of different ages would disagree", got)
	}
	seen := map[string]bool{}
	for i := range 2000 {
		w := bundle.Words(fmt.Append(nil, i))
		if len(w) != 4 {
			t.Fatalf("%d words", len(w))
		}
		for _, one := range w {
			if len(one) != 4 {
				t.Fatalf("word %q has not four letters", one)
			}
		}
		if s := strings.Join(w, " "); seen[s] {
			t.Fatalf("%q twice among 2000", s)
		} else {
			seen[s] = true
		}
	}
}

func TestAScenesFilesAreAllThatItNeeds(t *testing.T) {
	p := bundletest.New(t)
	style := scene.Style{Font: []string{"Noto Sans", "fonts/x.ttf"}}
	at := scene.Rect{0, 0, 100, 100}
	m := p.Content(t, bundle.Manifest{
		Sources: map[string]bundle.SourceSpec{
			"news": {Type: "text", Location: bundle.Location{Type: "bundle", Path: "data/news.txt"}},
			"far":  {Type: "feed", Location: bundle.Location{Type: "https", URL: "https://example.com/feed"}}},
		Scenes: map[string]scene.Scene{
			"all": {For: 1, Zones: []scene.Zone{
				{At: at, Playlist: []scene.Item{{Kind: scene.Video, Src: "media/v.mp4"}}},
				{At: at, Text: &scene.Text{Text: "x", Style: style}},
				{At: at, Ticker: &scene.Ticker{Source: "news", Text: "{{.text}}"}},
				{At: at, Ticker: &scene.Ticker{Source: "far", Text: "{{.title}}"}}}},
			"other": bundletest.Slide("media/o.png", 1)},
	}, map[string][]byte{"media/v.mp4": []byte("v"), "fonts/x.ttf": []byte("f"), "data/news.txt": []byte("n"), "media/o.png": []byte("o")}).Manifest
	got := map[bundle.Digest]bool{}
	for _, d := range m.SceneFiles("all") {
		got[d] = true
	}
	for _, want := range []string{"media/v.mp4", "fonts/x.ttf", "data/news.txt"} {
		if !got[m.Files[want]] {
			t.Errorf("%s is missing", want)
		}
	}
	if len(got) != 3 || len(m.SceneFiles("nothing")) != 0 {
		t.Errorf("%d files, and %d of an unknown scene; want 3 and 0", len(got), len(m.SceneFiles("nothing")))
	}
}
