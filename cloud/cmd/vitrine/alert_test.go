package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
)

// warner is a publisher with keys, and a relay.
func warner(t *testing.T) (flags []string) {
	t.Helper()
	alone(t)
	right(t, "key", "new", "--customer", "acme")
	flags, _ = relay(t)
	return flags
}

// cmd puts a verb's words before the relay's flags.
func cmd(flags []string, words ...string) []string {
	return append(append([]string{}, words...), flags...)
}

// states are the lines of the list.
func states(t *testing.T, flags []string) (out []warningLine) {
	t.Helper()
	for l := range strings.Lines(right(t, cmd(flags, "alert", "list", "--all", "--json")...)) {
		out = append(out, answer[warningLine](t, l))
	}
	return out
}

func TestAWarningIsSentReplacedAndCancelled(t *testing.T) {
	flags := warner(t)
	first := answer[sent](t, right(t, cmd(flags, "alert", "send", "--headline", "fr=Évacuez le hall", "--headline", "en=Leave the hall", "--instruction", "fr=Par l’escalier B.",
		"--severity", "Extreme", "--expires", "2h", "--group", "lobby", "--player", "p1", "--area", "Hall", "--shape", "45.76,4.84 12", "--geocode", "INSEE=69123", "--json")...))
	if first.Serial != 1 || first.To != "group lobby, player p1" || !first.Relay {
		t.Fatalf("sent is %+v", first)
	}
	second := answer[sent](t, right(t, cmd(flags, "alert", "send", "--update", "1", "--headline", "Le hall reste fermé", "--lang", "fr", "--json")...))
	if second.Type != "Update" || second.Serial != 2 {
		t.Fatalf("the update is %+v", second)
	}
	refuses(t, exitRefused, "replaced by 2", cmd(flags, "alert", "cancel", "1")...)
	right(t, cmd(flags, "alert", "cancel", second.Identifier, "--note", "false alarm")...)
	refuses(t, exitRefused, "cancelled by 3", cmd(flags, "alert", "cancel", "2")...)
	got := states(t, flags)
	if len(got) != 3 || got[0].State != "replaced by 2" || got[1].State != "cancelled by 3" || got[2].State != "cancels" || got[2].Headline != "false alarm" || got[0].Headline != "Évacuez le hall" {
		t.Errorf("the list is %+v", got)
	}
	if list := right(t, cmd(flags, "alert", "list")...); strings.Contains(list, "hall") {
		t.Errorf("what is over is listed: %s", list)
	}
	refuses(t, exitRefused, "there is no warning 9", cmd(flags, "alert", "cancel", "9")...)
}

func TestAKeyForWarningsAloneSignsThem(t *testing.T) {
	alone(t)
	right(t, "key", "new", "--customer", "acme", "--warning-key")
	flags, _ := relay(t)
	if s := answer[sent](t, right(t, cmd(flags, "alert", "send", "--headline", "x", "--wait", "0", "--json")...)); s.Serial != 1 {
		t.Errorf("sent is %+v", s)
	}
	for _, half := range []string{warningFile, "warning.pub"} { // the publisher's key alone is left
		if err := os.Remove(filepath.Join(keyDir(), half)); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, exitRefused, "0 of them are here", cmd(flags, "alert", "send", "--headline", "x")...)
}

func TestACAPFileIsSentAsItIs(t *testing.T) {
	flags := warner(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	draft := right(t, "alert", "send", "--print", "--headline", "Leave the hall", "--lang", "en")
	for name, c := range map[string]struct{ text, says string }{
		"a good one":             {draft, ""},
		"an older version":       {strings.ReplaceAll(draft, "cap:1.2", "cap:1.1"), ""},
		"one that is over":       {strings.ReplaceAll(draft, time.Now().UTC().Format("2006-"), "2020-"), "is over since"},
		"one with a bomb":        {strings.Replace(draft, "<alert", `<!DOCTYPE a [<!ENTITY x "y">]><alert`, 1), "document type"},
		"one without an address": {strings.Replace(draft, "<sender>", "<sender> a b", 1), "sender"},
		"no message":             {"hello", "XML"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file("a.xml", c.text)
			if c.says != "" {
				refuses(t, exitRefused, c.says, cmd(flags, "alert", "send", path)...)
				return
			}
			right(t, cmd(flags, "alert", "send", path, "--wait", "0")...)
		})
	}
	refuses(t, exitUsage, "one CAP file, or", cmd(flags, "alert", "send")...)
	refuses(t, exitUsage, "one CAP file, or", cmd(flags, "alert", "send", "a.xml", "--headline", "x")...)
	refuses(t, exitUsage, "is past", cmd(flags, "alert", "send", "--headline", "x", "--expires", "2020-01-01T00:00Z")...)
	refuses(t, exitUsage, "--shape", cmd(flags, "alert", "send", "--headline", "x", "--shape", "here")...)
	refuses(t, exitUsage, "\"send\", \"cancel\" or \"list\"", "alert", "shout")
	refuses(t, exitRefused, "counts as Unknown", cmd(flags, "alert", "send", "--headline", "x", "--severity", "Terrible")...)
}

func TestAStickCarriesSignedWarnings(t *testing.T) {
	flags := warner(t)
	stick := t.TempDir()
	send := func(words ...string) sent {
		return answer[sent](t, right(t, append([]string{"alert", "send", "--stick", stick, "--json", "--headline"}, words...)...))
	}
	if s := send("without a relay"); s.Relay || s.Serial != 1 {
		t.Errorf("it became %+v", s)
	}
	if s := answer[sent](t, right(t, cmd(flags, "alert", "send", "--headline", "with one", "--json", "--wait", "0")...)); s.Serial != 2 {
		t.Errorf("the next is %+v", s)
	}
	send("a second")
	right(t, "alert", "cancel", "1", "--stick", stick)
	b, err := os.ReadFile(filepath.Join(stick, "vitrine", "stick.json"))
	var index stickIndex
	if err != nil || json.Unmarshal(b, &index) != nil || len(index.Warnings) != 3 || index.Roots != 1 || index.Manifest != "" {
		t.Fatalf("the index is %s, %v", b, err)
	}
	trust, err := readChain(keyDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range index.Warnings {
		raw, err := os.ReadFile(filepath.Join(stick, "vitrine", "w", d+".json"))
		if err != nil || string(bundle.DigestOf(raw)) != d {
			t.Fatalf("%s: %v", d, err)
		}
		if _, err := trust.Warning(raw); err != nil {
			t.Error(err)
		}
	}
	if s := right(t, "alert", "list", "--offline", "--all"); !strings.Contains(s, "cancelled by 4") || !strings.Contains(s, "a second") {
		t.Errorf("without a relay is listed:\n%s", s)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	right(t, "key", "new", "--customer", "other")
	refuses(t, exitRefused, "another publisher", "alert", "send", "--headline", "x", "--stick", stick)
	refuses(t, exitRefused, "is not yours", cmd(flags, "alert", "send", "--headline", "x")...)
}
