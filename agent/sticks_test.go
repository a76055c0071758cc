package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/usb/importer"
	"vitrine/usb/sticktest"
	"vitrine/usb/udisks"
)

// port is where a test plugs in folders as sticks.
type port struct {
	events chan udisks.Event
	mu     sync.Mutex
	dirs   map[string]string // by device
	locked bool              // nothing can be written
}

func newPort() *port { return &port{events: make(chan udisks.Event), dirs: map[string]string{}} }

func (p *port) Events() <-chan udisks.Event { return p.events }
func (p *port) Mount(_ context.Context, s udisks.Stick) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dirs[s.Device], nil
}
func (p *port) MountToWrite(ctx context.Context, s udisks.Stick) (string, error) {
	if p.locked {
		return "", errors.New("it is write-protected")
	}
	return p.Mount(ctx, s)
}
func (p *port) Unmount(context.Context, udisks.Stick) error { return nil }

func (p *port) plug(name, dir string) udisks.Stick {
	p.mu.Lock()
	p.dirs[name] = dir
	p.mu.Unlock()
	s := udisks.Stick{Device: name, Label: strings.ToUpper(name)}
	p.events <- udisks.Event{Stick: s}
	return s
}

func (p *port) pull(s udisks.Stick) { p.events <- udisks.Event{Stick: s, Gone: true} }

// onto lays a bundle out as on a stick; change may spoil it.
func onto(t *testing.T, dir string, c bundle.Content, change func(i *importer.Index)) string {
	t.Helper()
	if err := bundle.WriteTree(t.Context(), filepath.Join(dir, "vitrine"), c, nil); err != nil {
		t.Fatal(err)
	}
	i := importer.Index{Format: importer.Format, Manifest: string(bundle.DigestOf(c.Envelope)), Roots: len(c.Roots)}
	if change != nil {
		change(&i)
	}
	b, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "vitrine", "stick.json"), b)
	return dir
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// stuck is a player with a port that shows version 5 of a publisher's.
type stuck struct {
	*port
	pub *bundletest.Publisher
	c   *control.Client
}

func withPort(t *testing.T, lang string) stuck {
	t.Helper()
	s := stuck{newPort(), bundletest.New(t), nil}
	s.c, _ = player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "640x360", Renderer: renderer(t), Lang: lang, Port: s.port, StickReports: true, Name: "Lobby left"})
	words := strings.Join(bundle.Words(s.pub.Chain[0]), " ")
	if _, err := s.c.Import(t.Context(), s.pub.File(t, bundle.Manifest{Seq: 5}, map[string][]byte{"a.png": plain(t, red)}), words, func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	shows(t, s.c, red)
	return s
}

// content is a version whose picture has a colour.
func (s stuck) content(t *testing.T, seq uint64, c color.RGBA, change func(*bundle.Manifest)) bundle.Content {
	t.Helper()
	m := bundle.Manifest{Seq: seq}
	if change != nil {
		change(&m)
	}
	return s.pub.Content(t, m, map[string][]byte{"a.png": plain(t, c)})
}

// said plugs a stick in and waits for how its import ended.
func (s stuck) said(t *testing.T, dir string) (state, said string) {
	t.Helper()
	before, err := s.c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stick := s.plug("one", dir)
	defer s.pull(stick)
	until(t, "the import has ended", func() bool {
		st, err := s.c.Status(t.Context())
		if err != nil || st.Stick == nil || st.Stick.State == "importing" || before.Stick != nil && st.Stick.At.Equal(before.Stick.At) {
			return false
		}
		state, said = st.Stick.State, st.Stick.Said
		return true
	})
	return state, said
}

func TestEachWrongStickHasItsSentenceAndTheOldContentStays(t *testing.T) {
	s := withPort(t, "en")
	thief := bundletest.New(t)
	now := time.Now().UTC().Truncate(time.Second)
	next := func(t *testing.T) bundle.Content { return s.content(t, 6, blue, nil) }
	ticket := func(change func(*bundle.Ticket), key bundle.PrivateKey) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			c := next(t)
			k := &bundle.Ticket{Format: bundle.FormatTicket, Customer: s.pub.Customer, Root: 1, Issued: now, Manifest: bundle.DigestOf(c.Envelope)}
			change(k)
			sealed, err := k.Seal(key)
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "vitrine", "t", string(bundle.DigestOf(sealed))+".json"), sealed)
			onto(t, dir, c, func(i *importer.Index) { i.Ticket = string(bundle.DigestOf(sealed)) })
		}
	}
	blob := func(dir string, c bundle.Content) string {
		return filepath.Join(dir, "vitrine", c.Manifest.Blobs[0].Digest.BlobPath())
	}
	for _, test := range []struct {
		name, want string
		write      func(t *testing.T, dir string)
	}{
		{"half a stick", "only half written", func(t *testing.T, dir string) { put(t, filepath.Join(dir, "vitrine", importer.Marker), []byte("{}")) }},
		{"an old stick, of which a newer version is half written", "only half written", func(t *testing.T, dir string) {
			onto(t, dir, s.pub.Content(t, bundle.Manifest{Seq: 5}, map[string][]byte{"a.png": plain(t, red)}), nil)
			put(t, filepath.Join(dir, "vitrine", importer.Marker), []byte("{}"))
		}},
		{"a stick whose index was being replaced", "only half written", func(t *testing.T, dir string) {
			onto(t, dir, next(t), nil)
			put(t, filepath.Join(dir, "vitrine", "stick.json"), nil)
			put(t, filepath.Join(dir, "vitrine", importer.Marker), []byte("{}"))
		}},
		{"another site's stick", "for another site", func(t *testing.T, dir string) {
			onto(t, dir, thief.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"a.png": plain(t, blue)}), nil)
		}},
		{"an older one", "older than what is here. It has version 4, this player has had version 5", func(t *testing.T, dir string) { onto(t, dir, s.content(t, 4, blue, nil), nil) }},
		{"nothing for this player", "nothing on this stick is for this player", func(t *testing.T, dir string) {
			onto(t, dir, s.content(t, 6, blue, func(m *bundle.Manifest) { m.Targets = &bundle.Targets{Groups: []string{"canteen"}} }), nil)
		}},
		{"a damaged blob", "a file on this stick is damaged", func(t *testing.T, dir string) {
			c := next(t)
			onto(t, dir, c, nil)
			b, err := os.ReadFile(blob(dir, c))
			if err != nil {
				t.Fatal(err)
			}
			b[len(b)/2]++
			put(t, blob(dir, c), b)
		}},
		{"a blob cut short", "a file on this stick is damaged", func(t *testing.T, dir string) {
			c := next(t)
			onto(t, dir, c, nil)
			if err := os.Truncate(blob(dir, c), 7); err != nil {
				t.Fatal(err)
			}
		}},
		{"a blob that is missing", "a file is missing on this stick", func(t *testing.T, dir string) {
			c := next(t)
			onto(t, dir, c, nil)
			if err := os.Remove(blob(dir, c)); err != nil {
				t.Fatal(err)
			}
		}},
		{"content that a thief has signed", "not signed by this player’s publisher", func(t *testing.T, dir string) {
			c := thief.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"a.png": plain(t, blue)})
			c.Roots = s.pub.Chain
			onto(t, dir, c, nil)
		}},
		{"a ticket for others", "nothing on this stick is for this player", ticket(func(k *bundle.Ticket) { k.Players = []string{"somebody"} }, s.pub.Key)},
		{"a ticket that is over", "the time of this stick is over", ticket(func(k *bundle.Ticket) {
			k.NotBefore, k.NotAfter = now.AddDate(-3, 0, 0), now.AddDate(-2, 0, 0)
			k.NotAfter = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // before the live bundle was issued: certainly past
			k.NotBefore = k.NotAfter.AddDate(0, 0, -1)
		}, s.pub.Key)},
		{"a ticket for another bundle", "for another bundle", ticket(func(k *bundle.Ticket) { k.Manifest = bundle.DigestOf([]byte("another")) }, s.pub.Key)},
		{"a ticket of a thief's", "not signed by this player’s publisher", ticket(func(*bundle.Ticket) {}, thief.Key)},
		{"a manifest used as a ticket", "USB: ", func(t *testing.T, dir string) {
			c := next(t)
			d := string(bundle.DigestOf(c.Envelope))
			onto(t, dir, c, func(i *importer.Index) { i.Ticket = d })
			put(t, filepath.Join(dir, "vitrine", "t", d+".json"), c.Envelope)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.write(t, dir)
			state, said := s.said(t, dir)
			if state != "refused" || !strings.Contains(said, test.want) {
				t.Errorf("%s: %q, want a refusal with %q", state, said, test.want)
			}
			if st, err := s.c.Status(t.Context()); err != nil || st.Bundle.Seq != 5 || st.Showing.Scene != "a" {
				t.Errorf("afterwards: %+v, %v", st.Bundle, err)
			}
		})
	}
	shows(t, s.c, red)
}

func TestAGoodStickIsTakenAndHearsOfIt(t *testing.T) {
	s := withPort(t, "fr")
	report := func(i *importer.Index) { i.Report = true }
	dir := onto(t, t.TempDir(), s.content(t, 6, blue, nil), report)
	if state, said := s.said(t, dir); state != "taken" || said != "USB : lobby, version 6, est en place. Vous pouvez retirer la clé" {
		t.Errorf("%s: %q", state, said)
	}
	shows(t, s.c, blue)
	var r struct {
		Player, State, Error string
		Said                 []string
		Bundle               struct{ Seq uint64 }
	}
	b, err := os.ReadFile(filepath.Join(dir, "vitrine", "results", "lobby-left.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || r.Player != "Lobby left" || r.State != "taken" || r.Bundle.Seq != 6 || len(r.Said) != 2 {
		t.Errorf("the result is %s, %v", b, err)
	}
	if state, _ := s.said(t, dir); state != "same" {
		t.Errorf("a second time: %s", state)
	}
	old := onto(t, t.TempDir(), s.content(t, 4, red, nil), report)
	if state, said := s.said(t, old); state != "refused" || !strings.Contains(said, "plus ancienne") {
		t.Errorf("an older one: %s: %q", state, said)
	}
	if b, err := os.ReadFile(filepath.Join(old, "vitrine", "results", "lobby-left.json")); err != nil || !strings.Contains(string(b), `"state": "refused"`) {
		t.Errorf("its result is %s, %v", b, err)
	}
	stranger := bundletest.New(t)
	other := onto(t, t.TempDir(), stranger.Content(t, bundle.Manifest{Seq: 9}, map[string][]byte{"a.png": plain(t, red)}), report)
	if state, _ := s.said(t, other); state != "refused" {
		t.Errorf("a stranger's: %s", state)
	}
	if _, err := os.Stat(filepath.Join(other, "vitrine", "results")); err == nil {
		t.Error("something was written onto a stranger's stick")
	}
	s.locked = true
	if state, _ := s.said(t, onto(t, t.TempDir(), s.content(t, 7, red, nil), report)); state != "taken" {
		t.Errorf("one that cannot be written: %s", state)
	}
}

func TestAStickWithNothingOfOursIsLeftAlone(t *testing.T) {
	s := withPort(t, "en")
	holiday := t.TempDir()
	put(t, filepath.Join(holiday, "DCIM", "1.jpg"), []byte("beach"))
	s.pull(s.plug("holiday", holiday)) // taken off again only when its turn is over, or while it lasts
	if state, _ := s.said(t, onto(t, t.TempDir(), s.content(t, 6, blue, nil), nil)); state != "taken" {
		t.Errorf("the next stick: %s", state)
	}
}

// A real, slow file system on which the player is in the middle of a file: the stick is pulled, a second one waits meanwhile.
func TestAPulledStickGoesOnWhenItComesBackAndASecondOneHasItsTurn(t *testing.T) {
	s := withPort(t, "en")
	noise := make([]byte, 6<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	big := s.pub.Content(t, bundle.Manifest{Seq: 6}, map[string][]byte{"a.png": plain(t, blue), "z.bin": noise})
	stick := sticktest.Make(t, "ext4", 32<<20)
	onto(t, stick.Mount(true), big, nil)
	stick.Slow(4 << 20)
	one := s.plug("one", stick.Mount(false))
	half := int64(0)
	until(t, "an import is under way", func() bool {
		st, err := s.c.Status(t.Context())
		if err == nil && st.Stick != nil && st.Stick.State == "importing" {
			half = st.Stick.Have
		}
		return half >= 1<<20
	})
	second := s.plug("two", onto(t, t.TempDir(), s.content(t, 5, red, nil), nil))
	until(t, "it is said that one waits", func() bool {
		st, err := s.c.Status(t.Context())
		return err == nil && st.Stick != nil && (st.Stick.Waiting == 1 || st.Stick.State != "importing")
	})
	stick.Pull()
	s.pull(one)
	until(t, "the second stick had its turn", func() bool {
		st, err := s.c.Status(t.Context())
		return err == nil && st.Stick != nil && st.Stick.Label == "TWO" && st.Stick.State != "importing"
	})
	s.pull(second)
	if st, err := s.c.Status(t.Context()); err != nil || st.Bundle.Seq != 5 {
		t.Errorf("after the pull: %+v, %v", st.Bundle, err)
	}
	stick.Unplug()
	stick.Plug()
	s.plug("one", stick.Mount(false))
	until(t, "it went on and is there", func() bool {
		st, err := s.c.Status(t.Context())
		return err == nil && st.Stick != nil && st.Stick.State == "taken" && st.Bundle.Seq == 6
	})
	shows(t, s.c, blue)
}
