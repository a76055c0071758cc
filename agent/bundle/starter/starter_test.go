package starter_test

import (
	"bytes"
	"strings"
	"testing"

	"vitrine/agent/bundle/starter"
)

func TestEveryPointSpeaksBothLanguages(t *testing.T) {
	for _, p := range starter.Points() {
		en, err := p.Texts("Hall d’accueil", "en")
		if err != nil {
			t.Fatal(err)
		}
		fr, err := p.Texts("Hall d’accueil", "fr")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range en {
			if bytes.Equal(text, fr[name]) || bytes.Contains(text, []byte("<%")) || len(fr[name]) == 0 {
				t.Errorf("%s: %s is not in two languages", p.Name, name)
			}
		}
		if !strings.Contains(string(en["bundle.yaml"]), `id: "Hall-d-accueil"`) {
			t.Errorf("%s: its id is not the folder's name: %.300s", p.Name, en["bundle.yaml"])
		}
		if other, err := p.Texts("…", "en"); err != nil || !strings.Contains(string(other["bundle.yaml"]), `id: "`+p.Name+`"`) {
			t.Errorf("%s: a folder without a name that can be an id, %v", p.Name, err)
		}
		if found, ok := starter.Find(p.Name); !ok || found.Short != p.Short {
			t.Errorf("%s is not found", p.Name)
		}
	}
}

func TestATimetableIsOneFileAndTheSameEachTime(t *testing.T) {
	p, _ := starter.Find("departures")
	a, err := p.Texts("x", "fr")
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Texts("x", "fr")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(a["data/timetable.zip"], []byte("PK")) || !bytes.Equal(a["data/timetable.zip"], b["data/timetable.zip"]) {
		t.Errorf("%.40q, then %.40q", a["data/timetable.zip"], b["data/timetable.zip"])
	}
	for name := range a {
		if strings.Contains(name, ".zip/") {
			t.Errorf("%s stands outside of its zip file too", name)
		}
	}
}

func TestPicturesAreTheSameEachTime(t *testing.T) {
	p, _ := starter.Find("news-wall")
	a, err := p.Files("x", "en")
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Files("x", "en")
	if err != nil {
		t.Fatal(err)
	}
	pictures := 0
	for name := range a {
		if strings.HasPrefix(name, "media/") {
			pictures++
		}
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs from one time to the next", name)
		}
	}
	if pictures != 7 {
		t.Errorf("%d pictures", pictures)
	}
}
