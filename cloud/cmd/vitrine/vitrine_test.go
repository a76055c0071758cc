package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/cloud/api"
)

func TestEveryVerbHasHelpWithAnExampleAndKnowsWrongUse(t *testing.T) {
	alone(t)
	for _, v := range verbs() {
		t.Run(v.name, func(t *testing.T) {
			if out := right(t, v.name, "--help"); !strings.Contains(out, "example: "+v.example) {
				t.Errorf("the help has no example: %q", out)
			}
			if !strings.HasPrefix(v.example, "vitrine "+v.name+" ") {
				t.Errorf("the example %q is of another verb", v.example)
			}
			refuses(t, exitUsage, "there is no flag -nonsense", v.name, "--nonsense")
			refuses(t, exitUsage, "usage: vitrine "+v.name, v.name, "one", "two", "three")
			if !strings.Contains(right(t, "help"), v.short) || !strings.Contains(right(t, "help", v.name), v.example) {
				t.Error("the overview does not tell of it")
			}
		})
	}
	refuses(t, exitUsage, "there is no verb", "nonsense")
	refuses(t, exitUsage, "vitrine makes, checks, builds")
}

func TestTheStartingPointPlaysAsItStands(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		t.Run(lang, func(t *testing.T) {
			alone(t)
			dir := filepath.Join(t.TempDir(), "lobby")
			right(t, "new", dir, "--lang", lang)
			if out := right(t, "check", dir); strings.Contains(out, "note:") || !strings.Contains(out, "2 tests passed") {
				t.Errorf("check says %q", out)
			}
			text, err := os.ReadFile(filepath.Join(dir, yaml))
			if err != nil || !strings.HasPrefix(string(text), "# yaml-language-server: $schema=.vitrine/bundle.schema.json\n") {
				t.Errorf("the file does not lead editors to the schema (%v)", err)
			}
			if schema, err := os.ReadFile(filepath.Join(dir, ".vitrine/bundle.schema.json")); err != nil || string(schema) != string(folder.Schema()) {
				t.Errorf("the schema beside it is another (%v)", err)
			}
			refuses(t, exitRefused, "not empty", "new", dir)
		})
	}
	alone(t)
	for _, name := range []string{"2027", "true", "_Ma vitrine!", "été"} {
		right(t, "new", filepath.Join(t.TempDir(), name)) // checks what it has made
	}
	if !strings.Contains(right(t, "new", "--list"), "lobby") {
		t.Error("the list of starting points lacks lobby")
	}
}

func TestAProblemIsToldWithItsPlaceAndTheExitCodeSaysSo(t *testing.T) {
	dir := lobbyDir(t)
	edit(t, dir, yaml, "days:", "dayz:")
	refuses(t, exitRefused, `bundle.yaml:72:5: unknown field "dayz" in an event; write "days"`, "check", dir)
	refuses(t, exitRefused, `unknown field "dayz"`, "build", dir, "-o", filepath.Join(t.TempDir(), "x"))
	o := vitrine(t, "", "check", "--json", dir)
	got := answer[struct {
		OK       bool
		Problems folder.Problems
	}](t, o.out)
	if o.code != exitRefused || got.OK || len(got.Problems) != 1 || got.Problems[0].Line != 72 {
		t.Errorf("exit %d, %+v", o.code, got)
	}
}

func TestABundleIsBuiltOnlyIfItsOwnTestsPass(t *testing.T) {
	dir := lobbyDir(t)
	edit(t, dir, yaml, "expect: [programme, time]", "expect: [welcome]")
	out := filepath.Join(t.TempDir(), "x")
	refuses(t, exitRefused, "the test at 2027-01-04T12:30 fails: expected [welcome], got [programme, time]", "build", dir, "-o", out)
	if _, err := os.Stat(out); err == nil {
		t.Error("a bundle was written all the same")
	}
}

func TestABuiltBundleIsInspectedToTheLastByte(t *testing.T) {
	dir := lobbyDir(t)
	file, tree := filepath.Join(t.TempDir(), "lobby.vitrine"), t.TempDir()
	first := answer[map[string]any](t, right(t, "build", dir, "-o", file, "--json"))
	second := answer[map[string]any](t, right(t, "build", dir, "--tree", tree, "--json"))
	if first["seq"] != 1.0 || second["seq"] != 2.0 {
		t.Errorf("serials %v and %v; want 1 and 2", first["seq"], second["seq"])
	}
	for _, path := range []string{file, tree} {
		got := answer[inspection](t, right(t, "inspect", "--json", path))
		if !got.Verified || !got.Yours || got.Customer != "acme" || got.Stream != "lobby" || len(got.Words) != 4 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1024-600] ^= 1 // in the last blob
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitRefused, "not those that were signed", "inspect", file)
	if err := os.WriteFile(file, b[:len(b)-5000], 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitRefused, "copy is not complete", "inspect", file)
	right(t, "key", "new", "--dir", filepath.Join(t.TempDir(), "other"))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	right(t, "key", "new")
	if got := answer[inspection](t, right(t, "inspect", "--json", tree)); got.Yours || !got.Verified {
		t.Errorf("a bundle of others is said to be one's own: %+v", got)
	}
}

func TestKeysAreSecretAndNeverReplaced(t *testing.T) {
	alone(t)
	dir := filepath.Join(t.TempDir(), "keys")
	made := answer[madeKeys](t, right(t, "key", "new", "--dir", dir, "--customer", "acme", "--root-keys", "3", "--threshold", "2", "--json"))
	if len(made.Root) != 3 || len(made.Words) != 4 {
		t.Errorf("%+v", made)
	}
	for _, name := range []string{"publisher.key", "root-1.key", "root-2.key", "root-3.key"} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, st, err)
		}
	}
	trust, err := readChain(dir)
	if err != nil || trust.Root().Roles[bundle.RoleRoot].Threshold != 2 {
		t.Errorf("%v, %v", trust, err)
	}
	refuses(t, exitRefused, "keys are never replaced", "key", "new", "--dir", dir)
	refuses(t, exitUsage, "--threshold", "key", "new", "--dir", t.TempDir(), "--threshold", "2")
	if err := os.Chmod(filepath.Join(dir, "publisher.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	lobby := os.Getenv(madeOnce)
	refuses(t, exitRefused, "chmod 600", "build", lobby, "--keys", dir, "-o", filepath.Join(t.TempDir(), "x"))
	refuses(t, exitRefused, "vitrine key new", "build", lobby, "-o", filepath.Join(t.TempDir(), "x"))
}

func TestExplainAnswersEveryExampleOfTheScheduleOnALineOfItsOwn(t *testing.T) {
	questions, err := os.ReadFile("../../../agent/schedule/testdata/examples.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	o := vitrine(t, string(questions), "explain", "--json")
	if o.code != exitRight {
		t.Fatalf("exit %d: %s", o.code, o.errors)
	}
	answers := bufio.NewScanner(strings.NewReader(o.out))
	n := 0
	for line := range strings.Lines(string(questions)) {
		n++
		if !answers.Scan() {
			t.Fatalf("no answer to question %d", n)
		}
		q := answer[struct {
			ID     string
			Expect map[string]any
		}](t, line)
		got := answer[map[string]any](t, answers.Text())
		if got["id"] != q.ID {
			t.Errorf("answer %d is to %v, not to %s", n, got["id"], q.ID)
		}
		for field, want := range q.Expect {
			if !reflect.DeepEqual(got[field], want) {
				t.Errorf("%s: %s is %v; want %v", q.ID, field, got[field], want)
			}
		}
	}
	if n == 0 || answers.Scan() {
		t.Errorf("%d questions, and more answers", n)
	}
}

func TestAQuestionThatCannotBeReadDoesNotStopTheNext(t *testing.T) {
	o := vitrine(t, "nonsense\n\n{\"id\":\"b\",\"schedule\":{},\"player\":{},\"now\":\"2027-01-04T08:00:00Z\"}", "explain", "--json")
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	if o.code != exitRefused || len(lines) != 2 || !strings.Contains(lines[0], `"error"`) || !strings.Contains(lines[1], `"id":"b"`) {
		t.Errorf("exit %d: %q", o.code, o.out)
	}
}

func TestAPersonIsToldWhyAnEventDoesNotPlayAndWhenThatChanges(t *testing.T) {
	dir := lobbyDir(t)
	out := right(t, "explain", dir, "--at", "2027-01-04T12:30")
	for _, want := range []string{"Monday 4 January 2027, 12:30:00", "scheduled, showing programme, time", "lunch                plays", "next change: Monday 4 January 2027, 14:00:00"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q lacks %q", out, want)
		}
	}
	if out = right(t, "explain", dir, "--at", "2027-01-04T15:00"); !strings.Contains(out, "lunch                no: ") || !strings.Contains(out, "default, showing welcome") {
		t.Errorf("%q", out)
	}
	refuses(t, exitUsage, "is not a time", "explain", dir, "--at", "noon")
}

func TestATimelineListsEveryChange(t *testing.T) {
	dir := lobbyDir(t)
	out := right(t, "timeline", dir, "--from", "2027-01-04", "--to", "2027-01-05", "--json")
	var layers []string
	var at []string
	for line := range strings.Lines(out) {
		v := answer[struct {
			At    time.Time
			Layer string
		}](t, line)
		layers, at = append(layers, v.Layer), append(at, v.At.Format("15:04"))
	}
	if !slices.Equal(layers, []string{"default", "scheduled", "default"}) || !slices.Equal(at[1:], []string{"11:30", "14:00"}) {
		t.Errorf("%v at %v", layers, at)
	}
	if text := right(t, "timeline", dir, "--from", "2027-01-04", "--to", "2027-01-05"); strings.Count(text, "\n") != 3 {
		t.Errorf("for people: %q", text)
	}
	refuses(t, exitUsage, "not after", "timeline", dir, "--from", "2027-01-05", "--to", "2027-01-04")
}

func TestAPreviewShowsWhatIsOnThen(t *testing.T) {
	dir := lobbyDir(t)
	out := filepath.Join(t.TempDir(), "out.png")
	said := right(t, "preview", dir, "--at", "2027-01-04T12:30", "-o", out, "--width", "480")
	if !strings.Contains(said, "scene programme, 1 of 2 (scheduled)") {
		t.Errorf("%q", said)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 480 || b.Dy() != 270 {
		t.Errorf("%v; want 480 x 270", b)
	}
	// The table's panel darkens the sky: above it and in it differ, and white text is somewhere in it.
	white := 0
	for y := 60; y < 220; y++ {
		for x := 30; x < 450; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); r > 0xe000 && g > 0xe000 && b > 0xe000 {
				white++
			}
		}
	}
	if white < 500 {
		t.Errorf("%d white pixels in the table; its rows are not there", white)
	}
	refuses(t, exitUsage, "--item is 1 to 2", "preview", dir, "--at", "2027-01-04T12:30", "-o", out, "--item", "3")
	refuses(t, exitUsage, "-o out.png", "preview", dir)
}

func TestAPublishedBundleReachesTheRelayWholeAndOnce(t *testing.T) {
	dir := lobbyDir(t)
	flags, _ := relay(t)
	with := func(args ...string) []string { return append(args, flags...) }
	file := filepath.Join(t.TempDir(), "lobby.vitrine")
	right(t, "build", dir, "-o", file)
	right(t, with("push", file, "--to", "*")...)
	right(t, with("push", file)...) // again: nothing to do
	built := answer[map[string]any](t, right(t, with("build", dir, "-publish", "--json")...))
	if built["seq"] != 2.0 {
		t.Errorf("published serial %v; want 2", built["seq"])
	}
	refuses(t, exitRefused, "players take nothing older than 2", with("push", file)...)

	// A folder that lost its state goes on above the relay's serial.
	if err := os.Remove(filepath.Join(dir, ".vitrine/state.json")); err != nil {
		t.Fatal(err)
	}
	if built = answer[map[string]any](t, right(t, with("build", dir, "-publish", "--json")...)); built["seq"] != 3.0 {
		t.Errorf("serial %v after the state was lost; want 3", built["seq"])
	}

	// Other keys of the same customer's name are not taken.
	other := filepath.Join(t.TempDir(), "keys")
	right(t, "key", "new", "--dir", other, "--customer", "acme")
	refuses(t, exitRefused, "is not yours", with("build", dir, "-publish", "--keys", other)...)
}

func TestWhatConnectKeepsIsUsedByTheOtherVerbs(t *testing.T) {
	dir := lobbyDir(t)
	refuses(t, exitUsage, "say which relay", "players")
	flags, _ := relay(t)
	right(t, append([]string{"connect"}, flags[1:]...)...)
	right(t, "build", dir, "-publish", "--to", "*")
	right(t, "players")
	refuses(t, exitUsage, "https://", "players", "--relay", "http://127.0.0.1:1")
	refuses(t, exitRefused, "read the token", "players", "--token-file", filepath.Join(t.TempDir(), "none"))
}

func TestAPlayerIsClaimedOnlyByTheWordsOnItsScreen(t *testing.T) {
	alone(t)
	flags, r := relay(t)
	http, err := api.NewHTTP(api.Trust{Pin: r.Authority().Pin()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.CloseIdleConnections)
	device := &api.Client{Base: "https://" + r.Addr().String(), HTTP: http}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := device.Enrol(t.Context(), key, time.Now(), api.EnrolRequest{Version: "0.1.0", Hostname: "box"})
	if err != nil {
		t.Fatal(err)
	}
	with := func(args ...string) []string {
		return append(append([]string{"claim", e.UserCode, "--name", "Left", "--group", "lobby"}, args...), flags...)
	}
	refuses(t, exitRefused, "do not claim it", with("--words", "some other four words")...)
	if o := vitrine(t, "n\n", with()...); o.code != exitRefused || !strings.Contains(o.errors, strings.Join(bundle.Words(public), " ")) {
		t.Errorf("exit %d: %q; want the words and a question", o.code, o.errors)
	}
	if o := vitrine(t, "", with()...); o.code != exitRefused {
		t.Error("claimed without an answer")
	}
	player := answer[api.Player](t, right(t, with("--json", "--words", strings.Join(bundle.Words(public), " "))...))
	if player.Name != "Left" || !slices.Equal(player.Groups, []string{"lobby"}) {
		t.Errorf("%+v", player)
	}
	var listed api.Player
	if err := json.Unmarshal([]byte(right(t, append([]string{"players", "--json"}, flags...)...)), &listed); err != nil || listed.ID != player.ID {
		t.Errorf("%+v, %v; want the claimed player", listed, err)
	}
	if out := right(t, append([]string{"players"}, flags...)...); !strings.Contains(out, "Left") || !strings.Contains(out, "lobby") {
		t.Errorf("%q", out)
	}
	refuses(t, exitUsage, "--name", append([]string{"claim", e.UserCode}, flags...)...)
}
