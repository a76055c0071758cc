package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sourceFolder is a bundle's folder with one source and a file of data.
func sourceFolder(t *testing.T, source, data string) string {
	t.Helper()
	dir := t.TempDir()
	text := "id: x\nzone: Europe/Paris\nlocale: fr\nsources:\n  menus: " + source + "\nscenes:\n  a:\n    for: 5s\n    zones: [{at: [0, 0, 9, 9], background: \"#000000\"}]\nfallback: [a]\n"
	for name, content := range map[string]string{"bundle.yaml": text, "menus.csv": data} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const weekly = "Jour;Prix TTC;plat\n19/11/2026;3,20 €;soupe\n20/11/2026;gratuit;pain\n20/11/2026;12,50 €;gratin\n"

const weeklySource = `{type: delimited, separator: ";", locale: fr-FR, location: {type: bundle, path: menus.csv}, filter: "day == today()",
    map: [{name: day, from: Jour, type: date, format: "02/01/2006"}, {name: price, from: "Prix TTC", type: decimal, show: "0.00 €"}, {name: title, expr: "upper(plat)"}]}`

func TestASourceIsTriedHere(t *testing.T) {
	dir := sourceFolder(t, weeklySource, weekly)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"source", "test", dir, "menus", "--at", "2026-11-20T12:00"}, nil, &out, &errs); code != 0 {
		t.Fatalf("%d: %s", code, errs.String())
	}
	for _, want := range []string{"read ", "parse ", "show ", `dropped: row 2, column price: "gratuit" is not a number`, "the source has 3 rows", "zones see 2 rows", "decimal 1, null 1", "20/11/2026  12,50 €  GRATIN"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if code := run(t.Context(), []string{"source", "test", dir, "menus", "--at", "2026-11-19T12:00", "--json"}, nil, &out, &errs); code != 0 {
		t.Fatalf("%d: %s", code, errs.String())
	}
	var got struct {
		OK      bool
		Count   int
		Rows    []map[string]string
		Dropped []struct{ Place string }
		Steps   []struct{ Step string }
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || !got.OK || got.Count != 1 || got.Rows[0]["title"] != "SOUPE" || len(got.Dropped) != 1 || len(got.Steps) < 3 {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestASourceThatCannotBeReadSaysWhy(t *testing.T) {
	const canary = "k4narienvogel-7731"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	defer server.Close()
	secrets := filepath.Join(t.TempDir(), "secrets.json")
	if err := os.WriteFile(secrets, []byte(`{"canteen": {"token": "`+canary+`"}, "elsewhere": {"token": "`+canary+`", "hosts": ["files.example.lan"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, source, data, says string
		args                     []string
	}{
		{"a column is missing", weeklySource, "Jour;plat\n20/11/2026;soupe\n", `no column "Prix TTC"`, nil},
		{"there is no such source", weeklySource, weekly, "", []string{"menu"}},
		{"no secret is given", `{type: json, location: {type: https, url: "` + server.URL + `", auth: {secret: canteen}}}`, "", "give a file with --secrets", nil},
		{"the secret is for another host", `{type: json, location: {type: https, url: "` + server.URL + `", auth: {secret: elsewhere}}}`, "", "may not be sent to", []string{"menus", "--secrets", secrets}},
		{"the server's certificate is unknown", `{type: json, location: {type: https, url: "` + server.URL + `", auth: {secret: canteen}}}`, "", "certificate", []string{"menus", "--secrets", secrets}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := sourceFolder(t, c.source, c.data)
			args := []string{"source", "test", dir, "menus"}
			if c.args != nil {
				args = append([]string{"source", "test", dir}, c.args...)
			}
			var out, errs bytes.Buffer
			code := run(t.Context(), args, strings.NewReader(""), &out, &errs)
			if code != exitRefused || !strings.Contains(errs.String(), c.says) {
				t.Errorf("%d: %s%s", code, out.String(), errs.String())
			}
			if strings.Contains(out.String()+errs.String(), canary) {
				t.Error("the secret is in what it says")
			}
		})
	}
}
