package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shuffled writes JSON with the fields of every object in another order.
func shuffled(r *rand.Rand, v any) string {
	switch x := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(x))
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		var parts []string
		for _, k := range keys {
			parts = append(parts, fmt.Sprintf("%q:%s", k, shuffled(r, x[k])))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, one := range x {
			parts = append(parts, shuffled(r, one))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // cannot be: it came from JSON
	}
	return string(b)
}

func TestEveryProcessGivesTheSameAnswersWhateverTheOrderOfFields(t *testing.T) {
	program := filepath.Join(t.TempDir(), "vitrine")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var questions []any
	for _, name := range []string{"examples", "clauses"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "agent", "schedule", "testdata", name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var q any
			d := json.NewDecoder(bytes.NewReader(line))
			d.UseNumber()
			if err := d.Decode(&q); err != nil {
				t.Fatal(err)
			}
			questions = append(questions, q)
		}
	}
	var first []string
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 9))
		order := r.Perm(len(questions))
		var in strings.Builder
		for _, i := range order { // in another order too: what one question leaves behind must not show in the next
			in.WriteString(shuffled(r, questions[i]) + "\n")
		}
		cmd := exec.Command(program, "explain", "--json")
		cmd.Stdin = strings.NewReader(in.String())
		out, err := cmd.Output()
		if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != exitRefused) { // some cannot be answered, which is an answer
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != len(questions) {
			t.Fatalf("%d answers to %d questions", len(lines), len(questions))
		}
		answers := make([]string, len(questions))
		for n, i := range order {
			answers[i] = lines[n]
		}
		if first == nil {
			first = answers
		}
		for i := range answers {
			if answers[i] != first[i] {
				t.Errorf("process %d says %s\nprocess 0 said %s", seed, answers[i], first[i])
			}
		}
	}
}
