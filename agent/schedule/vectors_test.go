package schedule

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// vector is one line of a file of questions with the answer expected: only the keys that it names are compared.
type vector struct {
	ID     string         `json:"id"`
	Note   string         `json:"note"`
	Expect map[string]any `json:"expect"`
}

func TestEveryQuestionOfTheFilesHasTheAnswerExpected(t *testing.T) {
	for _, name := range []string{"testdata/examples.jsonl", "testdata/clauses.jsonl"} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		seen := map[string]bool{}
		for lines.Scan() {
			var v vector
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatalf("%s: %v in %s", name, err, lines.Bytes())
			}
			if seen[v.ID] {
				t.Errorf("%s: %s twice", name, v.ID)
			}
			seen[v.ID] = true
			t.Run(v.ID+" "+v.Note, func(t *testing.T) { v.run(t, lines.Bytes()) })
		}
		if err := lines.Err(); err != nil || len(seen) == 0 {
			t.Fatalf("%s: %d questions, %v", name, len(seen), err)
		}
	}
}

func (v *vector) run(t *testing.T, line []byte) {
	text, _ := Answer(line)
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["id"] != v.ID {
		t.Errorf("id %v, not %v", got["id"], v.ID)
	}
	if len(v.Expect) == 0 {
		t.Fatal("nothing is expected")
	}
	for key, want := range v.Expect {
		if want == nil {
			if value, ok := got[key]; ok {
				t.Errorf("%s is %v, want none", key, value)
			}
		} else if !reflect.DeepEqual(got[key], want) {
			t.Errorf("%s is %v, want %v\n%s", key, got[key], want, text)
		}
	}
}
