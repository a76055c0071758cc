package account_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/account"
)

// clock is a clock that stands until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)} }

func TestTheAdministratorsTokenIsKeptAsAHashAndReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.json")
	a, err := account.OpenAdministrator(path)
	if err != nil || a.Exists() {
		t.Fatal(a, err)
	}
	if _, ok := a.Check(""); ok {
		t.Fatal("nobody's token was taken")
	}
	first, err := a.Replace(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	info, serr := os.Stat(path)
	if err != nil || serr != nil || bytes.Contains(raw, []byte(first)) || info.Mode().Perm() != 0o600 {
		t.Fatalf("%s, %v, %v", raw, info.Mode(), err)
	}
	was, ok := a.Check(first)
	if !ok || was.Key == "" || strings.Contains(string(raw), was.Key) {
		t.Fatal("the token is not taken, or its hash leaves the house")
	}

	command, err := account.OpenAdministrator(path) // another process
	if err != nil {
		t.Fatal(err)
	}
	second, err := command.Replace(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Check(first); ok {
		t.Error("a replaced token is taken by a running relay")
	}
	if now, ok := a.Check(second); !ok || now.Key == was.Key || a.Current() != now {
		t.Error("the new token is not taken, or old sessions go on")
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Check(second); ok {
		t.Error("a damaged file lets somebody in")
	}
}

func TestSessionsEnd(t *testing.T) {
	c := newClock()
	s := account.NewSessions(30*time.Minute, 2, c.Now)
	first, ends := s.Begin("a", "key")
	if holder, key, ok := s.Check(first); !ok || holder != "a" || key != "key" || !ends.Equal(c.now.Add(30*time.Minute)) {
		t.Fatal(holder, key, ok, ends)
	}
	c.now = ends
	if _, _, ok := s.Check(first); ok {
		t.Error("after its time")
	}
	two, _ := s.Begin("a", "")
	three, _ := s.Begin("a", "")
	other, _ := s.Begin("b", "")
	four, _ := s.Begin("a", "")
	for token, want := range map[string]bool{two: false, three: true, four: true, other: true, "": false} {
		if _, _, ok := s.Check(token); ok != want {
			t.Errorf("%q is good: %v, want %v", token, ok, want)
		}
	}
	s.End(four)
	s.EndAll("a")
	for token, want := range map[string]bool{three: false, four: false, other: true} {
		if _, _, ok := s.Check(token); ok != want {
			t.Errorf("after the end %q is good: %v, want %v", token, ok, want)
		}
	}
}

func TestTriesComeBackWithTime(t *testing.T) {
	c := newClock()
	tries := account.NewTries(3, time.Minute, c.Now)
	for range 3 {
		if !tries.Take("192.0.2.1") {
			t.Fatal("refused within the burst")
		}
	}
	if tries.Take("192.0.2.1") {
		t.Fatal("a fourth was let in")
	}
	if ok, wait := tries.Left("192.0.2.1"); ok || wait != time.Minute {
		t.Fatal(ok, wait)
	}
	if !tries.Take("192.0.2.2") {
		t.Fatal("another address pays for the first")
	}
	c.now = c.now.Add(time.Minute)
	if !tries.Take("192.0.2.1") || tries.Take("192.0.2.1") {
		t.Fatal("after a minute there is one try, and one only")
	}
}

func TestOneMachineWithManyAddressesIsOne(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "a device": "a device",
	} {
		if got := account.Network(address); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
}

func TestACodeIsClaimedOnceInTimeAndOnlyByItsDeviceLearnt(t *testing.T) {
	c := newClock()
	codes := account.NewCodes[string](15*time.Minute, 2, c.Now)
	user, device, _, err := codes.Offer("key", "a box")
	if err != nil || len(user) != account.CodeLength || strings.Trim(user, account.Alphabet) != "" {
		t.Fatal(user, err)
	}
	typed := " " + strings.ToLower(user[:4]) + " - " + user[4:]
	if what, ends, err := codes.Look(typed); err != nil || what != "a box" || !ends.Equal(c.now.Add(15*time.Minute)) {
		t.Fatal(what, ends, err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if id, err := codes.Wait(done, user, device); id != "" || err != nil {
		t.Fatal(id, err)
	}
	if _, err := codes.Wait(done, user, user); !errors.Is(err, account.ErrNotYours) {
		t.Fatal("somebody else's device code:", err)
	}
	boom := errors.New("disk full")
	if _, err := codes.Claim(user, func(string) (string, error) { return "", boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if id, err := codes.Claim(user, func(string) (string, error) { return "p1", nil }); id != "p1" || err != nil {
		t.Fatal(id, err)
	}
	if _, err := codes.Claim(user, func(string) (string, error) { return "p2", nil }); !errors.Is(err, account.ErrNoCode) {
		t.Fatal("claimed twice:", err)
	}
	if id, err := codes.Wait(done, user, device); id != "p1" || err != nil {
		t.Fatal(id, err)
	}

	if _, _, _, err := codes.Offer("key 2", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := codes.Offer("key 3", ""); !errors.Is(err, account.ErrTooMany) {
		t.Fatal("a third waits:", err)
	}
	again, _, _, err := codes.Offer("key", "a box") // the same device asks again
	if err != nil || again == user {
		t.Fatal(err)
	}
	if _, _, err := codes.Look(user); !errors.Is(err, account.ErrNoCode) {
		t.Fatal("the code before is good still:", err)
	}
	c.now = c.now.Add(15 * time.Minute)
	if _, _, err := codes.Look(again); !errors.Is(err, account.ErrExpired) {
		t.Fatal(err)
	}
	if _, _, _, err := codes.Offer("key 3", ""); err != nil {
		t.Fatal("expired codes take up room:", err)
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("bcdf-ghjk")
	f.Add("BCDFGHJK")
	f.Fuzz(func(t *testing.T, s string) {
		got := account.Canonical(s)
		if got != "" && (len(got) != account.CodeLength || strings.Trim(got, account.Alphabet) != "" || account.Canonical(got) != got) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
