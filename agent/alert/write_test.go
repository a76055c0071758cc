package alert_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"vitrine/agent/alert"
)

func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	for name, xml := range map[string]string{"advisory": advisory, "thunderstorm": thunderstorm, "earthquake": earthquake, "amber": amber} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, xml)
			m.Faults = nil
			out, err := m.XML()
			if err != nil {
				t.Fatal(err)
			}
			again, err := alert.Parse(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			m.Version = "1.2"
			if !reflect.DeepEqual(again, m) {
				t.Errorf("it became\n%+v\nfrom\n%+v\nby\n%s", again, m, out)
			}
		})
	}
}

func TestWhatCannotBeReadIsNotWritten(t *testing.T) {
	m := message(alert.TypeCancel, "c", 0) // of nothing
	if out, err := m.XML(); err == nil {
		t.Errorf("written: %s", out)
	}
	m = message(alert.TypeAlert, "a", 0)
	m.Infos[0].Headline = "Évacuez <vite> & sans\ncourir \u202e!"
	out, err := m.XML()
	if err != nil || strings.Contains(string(out), "<vite>") {
		t.Fatalf("%v: %s", err, out)
	}
	if again := parse(t, string(out)); again.Infos[0].Headline != "Évacuez <vite> & sans\ncourir !" {
		t.Errorf("read again as %q", again.Infos[0].Headline)
	}
}

func TestAMessageIsOverWhenItsLastInfoIs(t *testing.T) {
	m := message(alert.TypeAlert, "a", 0)
	m.Infos = append(m.Infos, m.Infos[0])
	m.Infos[0].Expires, m.Infos[1].Expires = noon().Add(time.Hour), noon().Add(3*time.Hour)
	if got := m.Over(); !got.Equal(noon().Add(3 * time.Hour)) {
		t.Errorf("over at %s", got)
	}
	if m.Infos = nil; m.Over().Sub(m.Sent) != 31*24*time.Hour {
		t.Errorf("a bare one is over at %s", m.Over())
	}
}

func TestShapesAreReadAsCAPWritesThem(t *testing.T) {
	for shape, want := range map[string]string{"45.76,4.84 12": "1 circle", "0,0 0,1 1,1 0,0": "1 polygon", "45.76,4.84": "", "1,2 x": "", "0,0 0,1 1,1 2,2": ""} {
		a, err := alert.ReadArea(shape)
		got := ""
		switch {
		case err != nil:
		case len(a.Circles) == 1:
			got = "1 circle"
		case len(a.Polygons) == 1:
			got = "1 polygon"
		}
		if got != want {
			t.Errorf("%q is %q (%v), want %q", shape, got, err, want)
		}
	}
}
