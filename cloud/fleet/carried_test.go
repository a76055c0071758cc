package fleet_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/fleet"
)

// chained makes a run of a player's plays, signed at its end.
func chained(t *testing.T, key ed25519.PrivateKey, from, to uint64, prev string) (api.Proofs, string) {
	t.Helper()
	run := api.Proofs{Boot: "b"}
	for n := from; n <= to; n++ {
		raw, err := json.Marshal(api.Proof{N: n, Chain: "x", Prev: prev, Scene: fmt.Sprintf("scene-%d", n)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := api.ReadProof(raw)
		if err != nil {
			t.Fatal(err)
		}
		run.Plays = append(run.Plays, p)
		prev = api.PlayHash("b", raw)
	}
	run.Head = &api.PlaysHead{Chain: "x", N: to, Hash: prev, At: time.Unix(int64(to), 0)}
	run.Head.Sign(key)
	return run, prev
}

func TestPlaysThatAreCarriedByHandAreTakenOnceAndOnlyAsThePlayerSignedThem(t *testing.T) {
	f, done := open(t, t.TempDir())
	defer done()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, thief, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Admit(api.EnrolRequest{Public: public}, api.DeviceKeyID(public), api.Claim{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	first, prev := chained(t, key, 1, 5, "")
	second, _ := chained(t, key, 6, 9, prev)
	put := func(name string, run api.Proofs, taken, had, left int) {
		t.Helper()
		got, err := f.Import(m.ID, run)
		if err != nil || got.Taken != taken || got.Had != had || got.Left != left || left > 0 && len(got.Reasons) == 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	changed := first
	changed.Plays = slices.Clone(first.Plays)
	changed.Plays[2], err = api.ReadProof([]byte(strings.Replace(string(first.Plays[2].Record()), "scene-3", "scene-9", 1)))
	if err != nil {
		t.Fatal(err)
	}
	put("one that was changed in the middle", changed, 2, 0, 3)
	short := first
	short.Plays = slices.Delete(slices.Clone(first.Plays), 1, 2)
	put("one that was taken out", short, 1, 2, 1)
	put("all of them", first, 2, 3, 0)
	put("the same again", first, 0, 5, 0)
	if taken, err := f.Prove(m.ID, second); err != nil || taken.N != 9 { // by itself, over the network
		t.Fatal(taken, err)
	}
	put("what the player has sent itself meanwhile", second, 0, 4, 0)
	plays, _, err := f.Plays(m.ID, "", 100)
	if err != nil || len(plays) != 9 || plays[8].Scene != "scene-9" || plays[4].Head == nil {
		t.Errorf("%d plays are kept, %v", len(plays), err)
	}
	for n, p := range plays {
		if p.N != uint64(n+1) {
			t.Errorf("play %d stands at place %d", p.N, n)
		}
	}
	forged, _ := chained(t, thief, 10, 12, "")
	unsigned := second
	unsigned.Head = nil
	for name, run := range map[string]api.Proofs{"another's signature": forged, "no signature": unsigned, "nothing": {Boot: "b", Head: first.Head}, "a boot that is a path": {Boot: "../b", Plays: first.Plays, Head: first.Head}} {
		if _, err := f.Import(m.ID, run); !errors.Is(err, fleet.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Import("nobody", first); !errors.Is(err, fleet.ErrUnknown) {
		t.Errorf("a player that is not known: %v", err)
	}
	other, _ := chained(t, key, 9, 9, "another")
	put("another record under the same number", other, 0, 0, 1)
}
