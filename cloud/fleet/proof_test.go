package fleet_test

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"vitrine/cloud/api"
)

func TestPlaysAreKeptByteForByteAndOneThatIsMalformedHoldsBackNothing(t *testing.T) {
	f, done := open(t, t.TempDir())
	defer done()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Admit(api.EnrolRequest{Public: public}, api.DeviceKeyID(public), api.Claim{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	last := `{"scene":"c", "unknown":[1, 2],"n":4,"chain":"x"}`
	head := &api.PlaysHead{Chain: "x", N: 4, Hash: api.PlayHash("b", []byte(last)), At: time.Now()}
	head.Sign(key)
	var p api.Proofs
	send := func(head *api.PlaysHead) {
		t.Helper()
		signed, err := json.Marshal(head)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"boot":"b","plays":[{"n":1,"scene":"a"},{"n":2,"scene":7},"no play",{"scene":"no number"},{"n":3,"start":"never"},` + last + `],"head":` + string(signed) + `}`
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if taken, err := f.Prove(m.ID, p); err != nil || taken.N != 4 {
			t.Fatal(taken, err)
		}
	}
	forged := *head
	forged.Hash = api.PlayHash("b", []byte("other"))
	forged.Sign(key)
	send(&forged)
	plays, next, err := f.Plays(m.ID, "", 10)
	if err != nil || next != "" || len(plays) != 4 || string(plays[3].Record) != last || plays[1].N != 2 || plays[3].Head != nil {
		t.Fatalf("%+v, %q, %v", plays, next, err)
	}
	send(head) // again, after an answer that was lost: with its signature now
	plays, _, err = f.Plays(m.ID, "", 10)
	if err != nil || len(plays) != 4 || plays[3].Head == nil || !plays[3].Head.SignedBy(public) {
		t.Fatalf("%+v, %v", plays, err)
	}
	page, next, err := f.Plays(m.ID, "", 3)
	if err != nil || len(page) != 3 || next == "" {
		t.Fatal(len(page), next, err)
	}
	if page, next, err = f.Plays(m.ID, next, 3); err != nil || len(page) != 1 || next != "" {
		t.Fatal(len(page), next, err)
	}
}

func TestAChainThatGoesBackIsAnAlarm(t *testing.T) {
	f, done := open(t, t.TempDir())
	defer done()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Admit(api.EnrolRequest{Public: public}, api.DeviceKeyID(public), api.Claim{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		chain  string
		n      uint64
		hash   string
		second int64
		alarm  bool
	}{
		{"x", 5, "five", 1, false}, {"x", 9, "nine", 2, false}, {"x", 9, "nine", 3, false}, {"x", 7, "seven", 1, false}, {"x", 7, "seven", 4, true},
		{"x", 9, "other", 5, true}, {"x", 10, "ten", 6, false}, {"y", 1, "one", 7, false},
	} {
		h := beat(m.Rev)
		h.Plays = &api.PlaysHead{Chain: c.chain, N: c.n, Hash: c.hash, At: time.Unix(c.second, 0)}
		h.Plays.Sign(key)
		if _, err := f.Heartbeat(t.Context(), m.ID, "", h, 0); err != nil {
			t.Fatal(err)
		}
		if p, err := f.Player(m.ID); err != nil || (len(p.Alarms) == 1) != c.alarm {
			t.Errorf("heartbeat %d: %q, %v", i, p.Alarms, err)
		}
	}
}
