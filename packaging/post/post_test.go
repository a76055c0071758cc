package post

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// canary is a password that must be found nowhere; in other spellings neither.
const canary = "c4n4ry-Zitronenfalter-0817"

func spellings() []string {
	return []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))[:24],
		base64.StdEncoding.EncodeToString([]byte("screen:" + canary))[:40], "Zitronenfalter"}
}

// bundle makes a small bundle with a picture; more is added to its folder's description.
func (d *desk) bundle(seq string, more ...string) string {
	d.t.Helper()
	dir := filepath.Join(d.home, "lobby-"+seq)
	m := image.NewRGBA(image.Rect(0, 0, 64, 36))
	for i := range m.Pix {
		m.Pix[i] = 200
	}
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		d.t.Fatal(err)
	}
	d.put(filepath.Join(dir, "media", "a.png"), b.Bytes())
	d.put(filepath.Join(dir, "bundle.yaml"), []byte("id: lobby\ncanvas: {width: 320, height: 180}\nscenes:\n  one: {media: media/a.png, for: 1s}\n  two: {media: media/a.png, for: 1s}\ndefaults: {fleet: [one, two]}\nfallback: [one]\n"+strings.Join(more, "\n")))
	out := filepath.Join(d.home, "lobby-"+seq+".vitrine")
	d.run("", "vitrine", "build", dir, "--keys", d.keys, "-o", out)
	return out
}

func (d *desk) put(path string, b []byte) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// trusted has a player take a bundle from the disk, and with it its publisher.
func (s *screen) trusted(bundle string) {
	s.d.t.Helper()
	words := answer[struct {
		Words []string `json:"words"`
	}](s.d.t, s.d.run("", "vitrine", "inspect", bundle, "--json")).Words
	s.d.run("", "vitrine-player", "import", bundle, "--data", s.data, "--trust", strings.Join(words, " "))
	s.shows("the bundle is on the screen", func(st status) bool { return st.Bundle != nil && st.Renderer.Presented > 0 })
}

// canteen is a server of the house that wants a password, and that repeats to whoever brings it what was said.
type canteen struct {
	*httptest.Server
	proven atomic.Int32 // requests with the right password
	angry  atomic.Bool  // it refuses, and says in its answer what it was told
}

func newCanteen(t *testing.T) *canteen {
	c := &canteen{}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if password == canary {
			c.proven.Add(1)
		}
		if password != canary || c.angry.Load() {
			w.Header().Set("X-Said", r.Header.Get("Authorization"))
			http.Error(w, "no: "+r.Header.Get("Authorization")+" "+password, http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "dish,price\nSoup,3.20\n")
	}))
	t.Cleanup(c.Close)
	return c
}

// sources are two that use the same secret: one at a host that it is bound to, one at another name of the same machine.
func (c *canteen) sources(d *desk, seq string) string {
	d.put(filepath.Join(d.home, "lobby-"+seq, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw}))
	port := c.URL[strings.LastIndex(c.URL, ":")+1:]
	out := "sources:\n"
	for name, host := range map[string]string{"menus": "127.0.0.1", "thief": "localhost"} {
		out += fmt.Sprintf("  %s:\n    type: delimited\n    separator: \",\"\n    header: true\n    refresh: {every: 1s}\n    location: {type: https, url: \"https://%s:%s/menus.csv\", ca: ca.pem, auth: {secret: smb, scheme: basic}}\n", name, host, port)
	}
	return out
}

func TestASecretComesThroughTheRelayAndIsFoundNowhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	house := newCanteen(t)
	r := d.relay()
	p := d.player(filepath.Join(t.TempDir(), "player"), "--relay", r.url, "--relay-pin", r.pin)
	code := p.shows("the player waits to be claimed", func(s status) bool { return s.Claim != nil }).Claim
	d.run("", "vitrine", append([]string{"claim", code.Code, "--name", "Hall", "--group", "lobby", "--words", strings.Join(code.Words, " "), "--keys", d.keys}, r.flags...)...)
	d.run("", "vitrine", append([]string{"push", d.bundle("1", house.sources(d, "1")), "--to", "*"}, r.flags...)...)
	id := p.shows("the bundle is on the screen", func(s status) bool { return s.Bundle != nil && s.Renderer.Presented > 0 }).ID

	var sealed string
	until(t, "the player has told its key for secrets", func() bool {
		sealed = d.run("", "vitrine", append([]string{"players", "--json"}, r.flags...)...)
		return strings.Contains(sealed, "age1")
	})
	d.run(canary+"\n", "vitrine", append([]string{"secret", "send", "smb", "--for", "Hall", "--host", "files.example.lan", "--host", strings.TrimPrefix(house.URL, "https://"),
		"--user", "screen", "--keys", d.keys}, r.flags...)...)
	until(t, "the secret is in the vault", func() bool {
		return strings.Contains(d.run("", "vitrine-player", "secret", "list", "--data", p.data), "smb")
	})
	until(t, "the relay knows that it was taken", func() bool {
		return strings.Contains(d.run("", "vitrine", append([]string{"players", "--json"}, r.flags...)...), `"kind":"secret","name":"smb"`)
	})
	if list := d.run("", "vitrine-player", "secret", "list", "--data", p.data); !strings.Contains(list, "user+password for files.example.lan, 127.0.0.1:") {
		t.Errorf("the list is %q", list)
	}

	p.shows("the source has its rows", func(s status) bool { return s.Sources["menus"].Rows == 1 })
	house.angry.Store(true)
	p.shows("the source is refused, and keeps its rows", func(s status) bool { return s.Sources["menus"].Error != "" && s.Sources["menus"].Rows == 1 })
	if e := p.shows("the other host gets nothing", func(s status) bool { return s.Sources["thief"].Error != "" }).Sources["thief"].Error; !strings.Contains(e, "may be sent to") {
		t.Errorf("the other source says %q", e)
	}
	if house.proven.Load() == 0 {
		t.Error("the secret was not used: nothing of this was tested")
	}

	// Everything else that could tell it.
	d.run(`{"user":"x","token":"`+canary+`","hosts":["api.example.lan"]}`, "vitrine-player", "secret", "set", "crm", "--as", "json", "--data", p.data)
	d.refuses("letters, digits", canary, "vitrine-player", "secret", "set", "../x", "--host", "a", "--data", p.data)
	d.refuses("bound to 0 hosts", canary, "vitrine-player", "secret", "set", "x", "--data", p.data)
	d.refuses("not a secret in JSON", `{"password":"`+canary, "vitrine-player", "secret", "set", "x", "--as", "json", "--data", p.data)
	d.refuses("no player is called", canary, "vitrine", append([]string{"secret", "send", "x", "--for", "nobody", "--host", "a", "--keys", d.keys}, r.flags...)...)
	d.run("", "vitrine-player", "screenshot", "--data", p.data, "-o", filepath.Join(d.home, "shot.png"))
	d.run("", "vitrine-player", "card", "--data", p.data)
	reader := answer[struct {
		Recipient string `json:"recipient"`
	}](t, d.run("", "vitrine", "export", "key", "--keys", d.keys, "--json")).Recipient
	out := filepath.Join(d.home, "all.vitrine-export")
	d.run("", "vitrine-player", "export", out, "--to", reader, "--data", p.data)
	d.run("", "vitrine", "export", "read", out, "--keys", d.keys, "-o", filepath.Join(d.home, "read"))
	d.run("", "vitrine", append([]string{"parcel", "list", "--json"}, r.flags...)...)
	d.run("", "vitrine", append([]string{"plays", "export", "--player", id, "--json"}, r.flags...)...)
	if err := os.WriteFile(filepath.Join(d.home, "status.json"), []byte(d.run("", "vitrine-player", "status", "--json", "--data", p.data)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run("", "vitrine-player", "secret", "remove", "crm", "--data", p.data)
	p.kill()
	p = d.player(p.data, "--relay", r.url, "--relay-pin", r.pin)
	if list := d.run("", "vitrine-player", "secret", "list", "--data", p.data); !strings.Contains(list, "smb") || strings.Contains(list, "crm") {
		t.Errorf("after a cut the list is %q", list)
	}

	said := d.told()
	if !strings.Contains(said, "parcel taken") {
		t.Error("the log was not looked at")
	}
	for name, dir := range map[string]string{"the relay": r.data, "the player": p.data, "the publisher": d.home} {
		if found := searched(t, dir, spellings()...); found != nil {
			t.Errorf("it is in files of %s: %q", name, found)
		}
	}
}

func TestAPlayerWithoutANetworkIsServedByStickAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	data := filepath.Join(t.TempDir(), "player")
	p := d.player(data)
	p.trusted(d.bundle("1"))
	reader := answer[struct {
		Recipient string `json:"recipient"`
	}](t, d.run("", "vitrine", "export", "key", "--keys", d.keys, "--json")).Recipient
	stick := t.TempDir()
	d.put(filepath.Join(d.home, "players.jsonl"), []byte(d.run("", "vitrine-player", "status", "--json", "--data", data)))

	d.run("", "vitrine", "parcel", "settings", "--keys", d.keys, "--stick", stick, "--name", "Kiosk", "--volume", "35", "--in-group", "kiosks", "--export-to", reader)
	d.run("pw", "vitrine", "secret", "seal", "smb", "--players", filepath.Join(d.home, "players.jsonl"), "--host", "files.example.lan", "--keys", d.keys, "--stick", stick)
	d.run("", "vitrine", "export", "order", "--keys", d.keys, "--stick", stick, "--group", "kiosks")
	d.run("", "vitrine-player", "import", stick, "--data", data)
	s := p.shows("the settings hold", func(s status) bool { return s.Name == "Kiosk" && s.Volume.Own == 35 })
	if list := d.run("", "vitrine-player", "secret", "list", "--data", data); !strings.Contains(list, "by stick") {
		t.Errorf("the list is %q", list)
	}

	p.shows("something has been shown and left", func(s status) bool { return s.Renderer.Presented > 60 })
	exports := func() []string {
		all, err := filepath.Glob(filepath.Join(stick, "vitrine", "exports", "*.vitrine-export"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if n := len(exports()); n != 1 {
		t.Fatalf("%d exports on the stick", n)
	}
	until(t, "a later export has plays", func() bool {
		d.run("", "vitrine-player", "import", stick, "--data", data)
		all := exports()
		return strings.Contains(d.run("", "vitrine", "export", "read", all[len(all)-1], "--keys", d.keys, "--json"), `"plays":`) &&
			!strings.Contains(d.run("", "vitrine", "export", "read", all[len(all)-1], "--keys", d.keys, "--json"), `"plays":0`)
	})

	r := d.relay()
	all := exports()
	last := all[len(all)-1]
	d.refuses("knows no player with this key", "", "vitrine", append([]string{"export", "push", last, "--keys", d.keys}, r.flags...)...)
	type pushed struct {
		Player           string
		Taken, Had, Left int
	}
	push := func(file string, more ...string) pushed {
		t.Helper()
		return answer[pushed](t, d.run("", "vitrine", append(append([]string{"export", "push", file, "--keys", d.keys, "--json"}, more...), r.flags...)...))
	}
	first := push(last, "--adopt", "Kiosk")
	if first.Taken == 0 || first.Left != 0 || first.Player == "" {
		t.Fatalf("the first push: %+v", first)
	}
	if again := push(last); again.Taken != 0 || again.Had != first.Taken {
		t.Errorf("the same again: %+v after %+v", again, first)
	}
	d.run("", "vitrine-player", "export", filepath.Join(d.home, "later.vitrine-export"), "--only", "plays", "--data", data)
	if later := push(filepath.Join(d.home, "later.vitrine-export")); later.Had != first.Taken {
		t.Errorf("a later export: %+v after %+v", later, first)
	}
	if verdict := d.run("", "vitrine", append([]string{"plays", "verify", "--player", first.Player}, r.flags...)...); !strings.Contains(verdict, "every one is as the player wrote it") {
		t.Errorf("the relay's plays: %s", verdict)
	}
	d.run("", "vitrine", "export", "read", last, "--keys", d.keys, "-o", filepath.Join(d.home, "read"))
	files, err := filepath.Glob(filepath.Join(d.home, "read", "*", "*", "plays.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if verdict := d.run("", "vitrine", "plays", "verify", files[0]); !strings.Contains(verdict, "every one is as the player wrote it") {
		t.Errorf("the export's plays: %s", verdict)
	}
	b, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	d.put(filepath.Join(d.home, "half.vitrine-export"), b[:len(b)/2])
	d.refuses("ends too early", "", "vitrine", "export", "read", filepath.Join(d.home, "half.vitrine-export"), "--keys", d.keys)

	// What a stick may not bring.
	other := newDesk(t)
	theirs := t.TempDir()
	other.run("", "vitrine", "parcel", "settings", "--keys", other.keys, "--stick", theirs, "--name", "Mine")
	d.refuses("have signed", "", "vitrine-player", "import", theirs, "--data", data)
	elsewhere := t.TempDir()
	d.run("", "vitrine", "parcel", "settings", "--keys", d.keys, "--stick", elsewhere, "--name", "Other", "--group", "shops")
	d.refuses("other players", "", "vitrine-player", "import", elsewhere, "--data", data)
	older := t.TempDir()
	d.run("", "vitrine", "parcel", "settings", "--keys", d.keys, "--stick", older, "--name", "Old", "--serial", "5")
	d.refuses("had a newer one", "", "vitrine-player", "import", older, "--data", data)
	if s.ID != "" {
		t.Errorf("it has the id %q without a relay", s.ID)
	}
}

func TestARelayIsLeftForAnotherOnlyWhenThatOneAnswers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, second := d.relay(), d.relay()
	data := filepath.Join(t.TempDir(), "player")
	p := d.player(data, "--relay", first.url, "--relay-pin", first.pin)
	p.trusted(d.bundle("1"))
	move := func(address, pin, within string) string {
		stick := t.TempDir()
		d.run("", "vitrine", "parcel", "relay", address, "--new-pin", pin, "--within", within, "--keys", d.keys, "--stick", stick)
		return stick
	}
	d.run("", "vitrine-player", "import", move(second.url, first.pin, "10s"), "--data", data) // another than the one that is named
	until(t, "the wrong one was given up", func() bool {
		b, err := os.ReadFile(filepath.Join(data, "parcels.json"))
		return err == nil && strings.Contains(string(b), `"state": "left"`)
	})
	if s, err := p.status(); err != nil || s.Relay != first.url {
		t.Fatalf("the relay is %q, %v", s.Relay, err)
	}
	d.run("", "vitrine-player", "import", move(second.url, second.pin, "10m"), "--data", data)
	p.shows("the player offers itself to the other relay", func(s status) bool { return s.Relay == second.url && s.Claim != nil })
	p.kill()
	p = d.player(data, "--relay", first.url, "--relay-pin", first.pin)
	p.shows("it is still there after a restart", func(s status) bool { return s.Relay == second.url && s.Claim != nil })
	p.kill()
	third := d.relay()
	p = d.player(data, "--relay", third.url, "--relay-pin", third.pin)
	p.shows("whoever starts it with another relay is obeyed", func(s status) bool { return s.Relay == third.url })
}
