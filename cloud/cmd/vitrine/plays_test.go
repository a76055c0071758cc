package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud"
	"vitrine/cloud/api"
	records "vitrine/cloud/shelf"
)

// chained makes records as a player does, in runs of five with a signature each. Those that lose names were lost: the last
// record tells so.
func chained(key ed25519.PrivateKey, n int, lose ...uint64) []api.Proofs {
	begin := time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)
	var runs []api.Proofs
	var run api.Proofs
	prev := ""
	seal := func(p api.Proof) {
		if run.Plays != nil {
			run.Head = &api.PlaysHead{Chain: p.Chain, N: p.N, Hash: api.PlayHash(run.Boot, p.Record()), At: begin.Add(time.Hour)}
			run.Head.Sign(key)
			runs = append(runs, run)
		}
		run = api.Proofs{}
	}
	var last api.Proof
	for i := uint64(1); i <= uint64(n); i++ {
		p := api.Proof{N: i, Chain: "chain", Prev: prev, Start: begin.Add(time.Duration(i) * time.Minute), End: begin.Add(time.Duration(i+1) * time.Minute),
			Scene: fmt.Sprint("scene", i), Layer: "default", Reason: "eof"}
		if i == uint64(n) && len(lose) > 0 {
			p.Gap = &api.Gap{From: lose[0], To: lose[len(lose)-1], Why: "the record was damaged"}
		}
		prev = api.PlayHash("boot1", p.Record())
		if slices.Contains(lose, i) {
			seal(last)
			continue
		}
		run.Boot, run.Plays, last = "boot1", append(run.Plays, p), p
		if i%5 == 0 || i == uint64(n) {
			seal(p)
		}
	}
	return runs
}

// listed is what a relay lists of runs.
func listed(runs []api.Proofs) (plays []api.Play) {
	for _, run := range runs {
		for _, p := range run.Plays {
			plays = append(plays, api.Play{Boot: run.Boot, Proof: p, Record: p.Record()})
		}
		plays[len(plays)-1].Head = run.Head
	}
	return plays
}

func TestWhatWasDoneToPlaysIsFoundAndSaid(t *testing.T) {
	_, key, _ := ed25519.GenerateKey(nil)
	_, thief, _ := ed25519.GenerateKey(nil)
	public := key.Public().(ed25519.PublicKey)
	rewrite := func(p *api.Play, old, new string) {
		p.Record = bytes.Replace(p.Record, []byte(old), []byte(new), 1)
		p.Proof, _ = api.ReadProof(p.Record)
	}
	head := func(n int) *api.PlaysHead { return listed(chained(key, n))[n-1].Head }
	cases := []struct {
		name    string
		does    func([]api.Play) []api.Play
		witness *api.PlaysHead
		says    string // "" = whole
		notes   string
	}{
		{"nothing", func(p []api.Play) []api.Play { return p }, head(20), "", ""},
		{"a play edited", func(p []api.Play) []api.Play { rewrite(&p[6], "scene7", "scene8"); return p }, nil, "Record 8 or the one before it was changed", ""},
		{"a play edited where the player signed", func(p []api.Play) []api.Play { rewrite(&p[4], "scene5", "scene9"); return p }, nil, "Record 5 is not the one that the player has signed", ""},
		{"only the fields edited", func(p []api.Play) []api.Play { p[6].Scene = "other"; return p }, nil, "Record 7 says something else in its fields", ""},
		{"a play deleted", func(p []api.Play) []api.Play { return slices.Delete(p, 6, 7) }, nil, "Record 7 of chain chain is missing", ""},
		{"the oldest deleted", func(p []api.Play) []api.Play { return p[5:] }, nil, "Records 1 to 5 of chain chain are missing", ""},
		{"two exchanged", func(p []api.Play) []api.Play { p[6], p[7] = p[7], p[6]; return p }, nil, "Record 7 stands after record 8", ""},
		{"one doubled", func(p []api.Play) []api.Play { return slices.Insert(p, 7, p[6]) }, nil, "Record 7 is there twice", ""},
		{"the end cut within a run", func(p []api.Play) []api.Play { return p[:18] }, nil, "Records 16 to 18 of chain chain: no signature", ""},
		{"the end cut between runs", func(p []api.Play) []api.Play { return p[:15] }, head(20), "", "Records 16 to 20 of chain chain, which the player had at"},
		{"plays added", func(p []api.Play) []api.Play { return append(p, listed(chained(thief, 25))[20:]...) }, nil, "The signature at record 25 is not by the player's key", ""},
		{"plays added without a signature", func(p []api.Play) []api.Play { return append(p, listed(chained(thief, 24))[20:23]...) }, nil, "Records 21 to 23 of chain chain: no signature", ""},
		{"all of them made up", func([]api.Play) []api.Play { return listed(chained(thief, 20)) }, nil, "The signature at record 5 is not by the player's key", ""},
		{"a signature taken away", func(p []api.Play) []api.Play { p[19].Head = nil; return p }, nil, "no signature of the player covers", ""},
		{"another's head in the heartbeat", func(p []api.Play) []api.Play { return p }, listed(chained(thief, 20))[19].Head, "last heartbeat is not signed", ""},
		{"a record that cannot be read", func(p []api.Play) []api.Play { p[6].Record = []byte(`{"n":"x"}`); return p }, nil, "The record at place 7 cannot be read", ""},
		{"losses that the player tells", func([]api.Play) []api.Play { return listed(chained(key, 20, 7, 8)) }, nil, "", "of records 7 to 8 some were lost: the record was damaged"},
		{"more deleted than the player has lost", func([]api.Play) []api.Play { return slices.Delete(listed(chained(key, 20, 7, 8)), 6, 7) }, nil, "Record 9 of chain chain is missing", ""},
		{"no plays", func([]api.Play) []api.Play { return nil }, nil, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			check := newChecker(&ledger{Player: "p1", Public: public, Head: c.witness})
			for _, p := range c.does(listed(chained(key, 20))) {
				check.add(p)
			}
			v := check.finish(strings.Join(bundle.Words(public), " "))
			if v.Whole != (c.says == "") || !strings.Contains(strings.Join(v.Faults, "\n"), c.says) || !strings.Contains(strings.Join(v.Notes, "\n"), c.notes) {
				t.Errorf("faults %q, notes %q; want %q, %q", v.Faults, v.Notes, c.says, c.notes)
			}
		})
	}
	if v := newChecker(&ledger{Public: public}).finish("four other words here"); v.Whole {
		t.Error("other words than the key's were taken")
	}
}

// serve runs a relay on a folder until stop is called.
func serve(t *testing.T, dir string) (r *cloud.Relay, stop func()) {
	t.Helper()
	r, err := cloud.New(cloud.Config{Data: dir, Listen: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the relay ended with %v", err)
		}
	}
}

func TestPlaysAreExportedAndAChangeInTheRelaysFileIsFound(t *testing.T) {
	alone(t)
	dir, token := t.TempDir(), filepath.Join(t.TempDir(), "token")
	r, stop := serve(t, dir)
	secret, err := r.Token()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	access := func(r *cloud.Relay) []string {
		return []string{"--relay", "https://" + r.Addr().String(), "--pin", r.Authority().Pin(), "--token-file", token}
	}
	id, key := prove(t, r, secret)
	with := func(args ...string) []string { return append(append([]string{"plays"}, args...), access(r)...) }

	refuses(t, exitUsage, "--player", with("export")...)
	refuses(t, exitUsage, "export or verify", with()...)
	refuses(t, exitRefused, "no such player", with("verify", "--player", "nobody")...)
	words := strings.Join(bundle.Words(key.Public().(ed25519.PublicKey)), " ")
	if out := right(t, with("verify", "--player", id, "--words", words)...); !strings.Contains(out, "20 plays in 20 records: every one") {
		t.Errorf("verify says %s", out)
	}
	sheet := right(t, with("export", "--player", id, "--from", "2027-01-04T00:02:00Z", "--to", "2027-01-04T00:12:00Z")...)
	rows, err := csv.NewReader(strings.NewReader(sheet)).ReadAll()
	if err != nil || len(rows) != 11 || rows[1][7] != "scene2" || rows[1][4] != "60.000" || !strings.Contains(sheet, "\r\n") {
		t.Errorf("%v in %s", err, sheet)
	}
	file := filepath.Join(t.TempDir(), "part.jsonl")
	right(t, with("export", "--player", id, "--json", "--from", "2027-01-04T00:07:00Z", "--to", "2027-01-04T00:12:00Z", "-o", file)...)
	v := answer[verdict](t, right(t, "plays", "verify", file, "--json"))
	if !v.Whole || !v.Part || v.Chains[0].First != 7 || v.Chains[0].Vouched != 15 {
		t.Errorf("the part's verdict is %+v, %+v", v, v.Chains[0])
	}
	edit(t, filepath.Dir(file), filepath.Base(file), `"n":9,`, `"n":8,`)
	refuses(t, exitRefused, "in its fields", "plays", "verify", file)
	if err := os.WriteFile(file, []byte(sheet), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitRefused, "a CSV file holds no signatures", "plays", "verify", file)

	stop()
	s, err := records.Open(filepath.Join(dir, "relay.db"))
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := s.Case("proofs")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := proofs.Delete(fmt.Sprintf("%s/boot1/%020d", id, 13), records.Any); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, stop = serve(t, dir)
	defer stop()
	refuses(t, exitRefused, "Record 13 of chain chain is missing", with("verify", "--player", id)...)
	if o := vitrine(t, "", with("export", "--player", id)...); o.code != exitRight || !strings.Contains(o.errors, "2 faults in the chain") {
		t.Errorf("export says %q", o.errors)
	}
}

// prove claims a player and hands its plays over, some twice and the runs out of order.
func prove(t *testing.T, r *cloud.Relay, secret string) (id string, key ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	hc, err := api.NewHTTP(api.Trust{Pin: r.Authority().Pin()})
	if err != nil {
		t.Fatal(err)
	}
	defer hc.CloseIdleConnections()
	base := "https://" + r.Addr().String()
	d, admin := &api.Client{Base: base, HTTP: hc}, &api.Client{Base: base, HTTP: hc, Token: api.Fixed(secret)}
	d.Token = d.Device(key, time.Now)
	e, err := d.Enrol(t.Context(), key, time.Now(), api.EnrolRequest{Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "Lobby"})
	if err != nil {
		t.Fatal(err)
	}
	runs := chained(key, 20)
	for _, i := range []int{1, 0, 1, 3, 2, 3} {
		if _, err := d.SendProofs(t.Context(), p.ID, runs[i]); err != nil {
			t.Fatal(err)
		}
	}
	return p.ID, key
}

func TestANameIsNeverAFormula(t *testing.T) {
	for in, want := range map[string]string{"lobby": "lobby", "=1+1": "'=1+1", "+33": "'+33", "-x": "'-x", "@SUM(A1)": "'@SUM(A1)", " =1": "' =1", "＝1": "'＝1",
		"\t=1": "'\t=1", "a=b": "a=b", "": "", "a\xffb": "a\uFFFDb"} {
		if got := harmless(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	p := api.Proof{N: 1, Scene: "=cmd|' /C calc'!A0", Event: "a,\"b\"\nc"}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if cells := line(&ledger{}, api.Play{Record: raw}, p); cells[7] != "'=cmd|' /C calc'!A0" || len(cells) != len(columns()) {
		t.Errorf("the line is %q", cells)
	}
}

func FuzzLedger(f *testing.F) {
	_, key, _ := ed25519.GenerateKey(nil)
	var b bytes.Buffer
	l := &ledger{Kind: ledgerKind, Public: key.Public().(ed25519.PublicKey)}
	if err := printJSON(&b, l); err != nil {
		f.Fatal(err)
	}
	for _, p := range listed(chained(key, 6, 3)) {
		if err := printJSON(&b, p); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := readLedger(bytes.NewReader(b), "file")
		if err != nil {
			return
		}
		check := newChecker(l)
		for p, err := range l.plays {
			if err != nil {
				return
			}
			check.add(p)
		}
		check.finish("")
	})
}
