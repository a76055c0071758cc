package errand_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"vitrine/agent/connect/database/errand"
	"vitrine/agent/connect/rows"
)

// FuzzRead: whatever a child writes, it is rows that fit their columns, or an error; and what a Writer writes is read.
func FuzzRead(f *testing.F) {
	var good bytes.Buffer
	w := errand.NewWriter(&good)
	for _, l := range []errand.Line{{Columns: []string{"a", "b"}}, {Row: []rows.Value{{Kind: rows.Null}, {Kind: rows.Text, Text: "é\n"}}}, {End: true}} {
		if err := w.Write(l); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(good.Bytes())
	f.Add([]byte(`{"fault":{"state":"28000","message":"no","step":"connect"}}`))
	f.Add([]byte("{\"columns\":[\"a\"]}\n{\"row\":[{\"k\":\"float\",\"t\":\"1\"}]}\n"))
	f.Add([]byte("{\"end\":true}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		wide, seen := -1, 0
		err := errand.Read(bytes.NewReader(b), func(names []string) error {
			if wide >= 0 {
				t.Fatal("columns come twice")
			}
			wide = len(names)
			return nil
		}, func(row []rows.Value) error {
			if seen++; len(row) != wide {
				t.Fatalf("a row of %d values under %d columns", len(row), wide)
			}
			return nil
		})
		var fault *errand.Fault
		if err != nil && !errors.Is(err, errand.ErrBroken) && !errors.As(err, &fault) {
			t.Fatalf("an error of no known kind: %v", err)
		}
		if bytes.Equal(b, good.Bytes()) && (err != nil || seen != 1) {
			t.Fatalf("what was written is not read: %d rows, %v", seen, err)
		}
	})
}

func TestAnAnswerThatBreaksOffIsNotTakenForAWholeOne(t *testing.T) {
	for _, s := range []string{"", "{", `{"columns":["a"]}` + "\n", `{"columns":["a"]}` + "\n" + `{"row":[{"k":"text"}]}` + "\n" + `{"en`, `{"row":[]}`, `{"columns":["a"]}` + "\n" + `{"columns":["a"]}`} {
		err := errand.Read(strings.NewReader(s), func([]string) error { return nil }, func([]rows.Value) error { return nil })
		if !errors.Is(err, errand.ErrBroken) {
			t.Errorf("%q gives %v", s, err)
		}
	}
}

func TestARequestMustBeWhole(t *testing.T) {
	for _, s := range []string{"", "{}", `{"connection":"x","query":"y","rows":0,"bytes":1,"seconds":1}`, `[]`} {
		if _, err := errand.ReadRequest(strings.NewReader(s)); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
