package web

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vitrine/cloud/api"
)

func TestBothLanguagesSayAllThatThePagesNeedAndNothingElse(t *testing.T) {
	en, fr := texts("en").says, texts("fr").says
	if a, b := slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(fr)); len(a) == 0 || !slices.Equal(a, b) {
		t.Fatalf("English has %d texts, French %d, or under other keys", len(a), len(b))
	}
	used := map[string]bool{"never": true, "now": true, "ago": true, "days": true, "gone": true, "changed": true, "nocode": true}
	say, count := regexp.MustCompile(`Say \(?(?:print )?"([a-z.0-9]+)"`), regexp.MustCompile(`Count "([a-z.]+)"`)
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		b, err := files.ReadFile(path)
		for _, m := range say.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if _, ok := en[m[1]]; !ok && !strings.HasSuffix(m[1], ".") {
				t.Errorf("%s says %q, which no language has", path, m[1])
			}
		}
		for _, m := range count.FindAllStringSubmatch(string(b), -1) {
			used[m[1]+".1"], used[m[1]+".n"] = true, true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range en {
		if kind, _, ok := strings.Cut(key, "."); !used[key] && !(ok && used[kind+"."]) {
			t.Errorf("no page says %q", key)
		}
	}
}

func TestAfterSigningInOneGoesOnlyToAPageOfThisRelay(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "/players/x": "/players/x", "/claim?code=BCDF-GHJK": "/claim?code=BCDF-GHJK",
		"": "/", "//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "evil": "/",
		"/sign-in": "/", "/live?of=x": "/", "/a\r\nSet-Cookie: x": "/", "/%2f/evil.example": "/",
	} {
		if got := next(target); got != want && !(target == "/%2f/evil.example" && strings.HasPrefix(got, "/%2f")) {
			t.Errorf("%q leads to %q, want %q", target, got, want)
		}
	}
}

func TestADurationIsSaidInThePagesLanguage(t *testing.T) {
	for lang, want := range map[string]string{"en": "3 d", "fr": "3 j"} {
		if got := span(texts(lang), 3*24*3600+5); got != want {
			t.Errorf("%s says %q, want %q", lang, got, want)
		}
	}
}

func TestASourceIsToldOfOnceAndInThePagesLanguage(t *testing.T) {
	h := &api.Heartbeat{
		Checks:  map[string]string{"clock": "ok", "source:menus": "too long: vitrine-player sources says more", "source:stock": "ok", "source:other": "late"},
		Sources: []api.Source{{Name: "menus", Fault: "too long", Stale: true}, {Name: "stock", Count: 3}},
	}
	if got := checks(h); len(got) != 2 || got[0].Name != "source:other" || got[1].Name != "clock" {
		t.Errorf("the checks are %v", got)
	}
	if got := faults(texts("fr"), api.Player{Last: h}); !slices.Equal(got, []string{"Données · menus · trop long", "source:other: late"}) {
		t.Errorf("the faults are %q", got)
	}
}

func TestFiguresOfAGroupStandByThemselves(t *testing.T) {
	got := metrics(&api.Heartbeat{Metrics: map[string]any{"felt": map[string]any{"network.up": true, "light": 12.5}, "hwdec": "", "renderer_ceiling": float64(2 << 30), "lost": nil}})
	want := []row{{Name: "light", Value: "12.50"}, {Name: "network.up", Value: "true"}, {Name: "renderer_ceiling", Value: "2.0 GiB"}}
	if !slices.Equal(got, want) {
		t.Errorf("the figures are %v, not %v", got, want)
	}
}
