package folder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const newEvent = "# from elsewhere\n- id: new\n  items: [a]\n"

func TestEntriesAreInsertedWithoutTouchingTheRest(t *testing.T) {
	tests := []struct{ name, section, text, entries, want string }{
		{"at the end of a list, before the next section's comments", "events", "id: x # stable\nevents: # when\n  # one\n  - id: a\n    items: [a] # a\n  # done\n\n# the scenes\nscenes: {}\n", newEvent,
			"id: x # stable\nevents: # when\n  # one\n  - id: a\n    items: [a] # a\n  # done\n  # from elsewhere\n  - id: new\n    items: [a]\n\n# the scenes\nscenes: {}\n"},
		{"in a list that is not indented", "events", "events:\n- id: a\n\n\n", newEvent, "events:\n- id: a\n# from elsewhere\n- id: new\n  items: [a]\n"},
		{"in a list with deep indentation", "events", "events:\n      - {id: a}", newEvent, "events:\n      - {id: a}\n      # from elsewhere\n      - id: new\n        items: [a]\n"},
		{"in an empty list", "events", "events: [] # none yet\nid: x\n", newEvent, "events: # none yet\n  # from elsewhere\n  - id: new\n    items: [a]\nid: x\n"},
		{"in a section with nothing in it", "events", "events:\nid: x\n", newEvent, "events:\n  # from elsewhere\n  - id: new\n    items: [a]\nid: x\n"},
		{"where there is no such section", "events", "id: x", newEvent, "id: x\n\nevents:\n  # from elsewhere\n  - id: new\n    items: [a]\n"},
		{"among named ones", "scenes", "scenes:\n  a: {for: 1s}\n  b:\n    text: |\n      # no comment\n\nid: x\n", "new:\n  for: 2s\n", "scenes:\n  a: {for: 1s}\n  b:\n    text: |\n      # no comment\n  new:\n    for: 2s\n\nid: x\n"},
		{"with the line ends of Windows", "events", "events:\r\n  - id: a\r\nid: x\r\n", newEvent, "events:\r\n  - id: a\r\n  # from elsewhere\r\n  - id: new\r\n    items: [a]\r\nid: x\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := insert([]byte(test.text), test.section, test.entries)
			if err != nil || string(got) != test.want {
				t.Errorf("%v\ngot  %q\nwant %q", err, got, test.want)
			}
		})
	}
}

func TestWhereNothingCanBeInsertedSafelyPeopleAreAsked(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"a list on one line", "events: [{id: a}]\n"},
		{"a list on several lines in brackets", "events: [\n  {id: a}]\n"},
		{"all on one line", "{events: [], id: x}\n"},
		{"an anchor", "events: &e\n  - id: a\n"},
		{"an alias", "x: &e\n  - id: a\nevents: *e\n"},
		{"no object", "- events\n"},
		{"a text that looks as if a comment came after it", "events:\n  - id: \"a\n# b\"\nid: x\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := insert([]byte(test.text), "events", newEvent); err == nil || !strings.Contains(err.Error(), "under events: yourself") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestAFileIsReplacedOnlyIfItIsRightThen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, File)
	before := "id: x\nscenes: {a: {for: 1s, zones: [{at: [0, 0, 10, 10], text: hello}]}}\nfallback: [a]\n"
	if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Insert(dir, "events", "- {id: new, items: [b]}\n"); err == nil || !strings.Contains(err.Error(), `bundle.yaml:6:23: there is no scene "b"`) {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != before {
		t.Errorf("the file is %q, %v", after, err)
	}
	if err := Insert(dir, "events", newEvent); err != nil {
		t.Fatal(err)
	}
	f, err := Load(dir)
	if err != nil || len(f.Manifest.Schedule.Events) != 1 || f.Manifest.Schedule.Events[0].ID != "new" {
		t.Errorf("%+v, %v", f, err)
	}
}

// Whatever is in the file: it is refused, or it has what it had, line by line, and the entries.
func FuzzInsert(f *testing.F) {
	for _, text := range []string{"events:\n  - id: a\n# c\nid: x\n", "events: []", "a: |\n  events:\nevents:\n- b\n", "events: ~\n...\n", "'events':\n - x", "? events\n: - x\n", "\ufeffevents:\n- a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := insert([]byte(text), "events", newEvent)
		if err != nil {
			return
		}
		rest := strings.Split(string(got), "\n")
		for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
			for len(rest) > 0 && strings.TrimRight(rest[0], "\r") != strings.TrimRight(line, "\r") && !strings.HasPrefix(strings.TrimSpace(line), "events:") {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("%q of %q is not in %q", line, text, got)
			}
		}
		before, _ := readYAML([]byte(text))
		after, _ := readYAML(got)
		had, _ := before.value.(map[string]any)["events"].([]any)
		if has, _ := after.value.(map[string]any)["events"].([]any); len(has) != len(had)+1 {
			t.Errorf("%d events and one make %d", len(had), len(has))
		}
	})
}

func TestAQuotedTextIsReadAsItself(t *testing.T) {
	for _, text := range []string{"", "a", "true", "No", "12", "1e3", "2027-01-01", "12:30", "a: b", "- a", "#a", "a #b", "é", "~", "null", "\"", "'", "\\", "a\nb", "{", "*a", "&a", "!a", "@a", "`", " a ", "media/a b.jpg", "\u2028", "🕐", "0x1f", ".inf", "=", "<<"} {
		for _, form := range []string{"- %", "a: %", "{a: %}", "[%, b]"} {
			yaml := strings.Replace(form, "%", Quote(text), 1)
			tree, faults := readYAML([]byte(yaml))
			if tree == nil {
				t.Errorf("%s: %v", yaml, faults)
				continue
			}
			var got any
			switch v := tree.value.(type) {
			case []any:
				got = v[0]
			case map[string]any:
				got = v["a"]
			}
			if got != text {
				t.Errorf("%s is read as %#v", yaml, got)
			}
		}
	}
}
