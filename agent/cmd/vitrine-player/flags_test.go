package main

import (
	"io"
	"strings"
	"testing"

	"vitrine/agent"
	"vitrine/agent/alert"
)

func TestPlacesOfTheScreen(t *testing.T) {
	cases := []struct {
		name string
		args []string
		want alert.Site
		err  string // "" = none
	}{
		{"nothing is known without flags", nil, alert.Site{}, ""},
		{"a position", []string{"--site", "48.85, 2.35"}, alert.Site{Position: &alert.Point{Lat: 48.85, Lon: 2.35}}, ""},
		{"two codes", []string{"--site-code", "EMMA_ID=FR101", "--site-code=INSEE=75056"},
			alert.Site{Geocodes: []alert.Pair{{Name: "EMMA_ID", Value: "FR101"}, {Name: "INSEE", Value: "75056"}}}, ""},
		{"half a position", []string{"--site", "48.85"}, alert.Site{}, "latitude,longitude"},
		{"a latitude beyond the pole", []string{"--site", "98.85,2.35"}, alert.Site{}, "latitude,longitude"},
		{"a latitude that is no number", []string{"--site", "NaN,2.35"}, alert.Site{}, "latitude,longitude"},
		{"a code without a name", []string{"--site-code", "FR101"}, alert.Site{}, "name=value"},
		{"a feed that is no address", []string{"--alert-feed", "alerts.xml"}, alert.Site{}, "https://host"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var cfg agent.Config
			var said strings.Builder
			done, err := playFlags("run", &cfg).parse(append([]string{"run"}, c.args...), 0, io.Discard, &said)
			if !done && err == nil {
				if err = check(&cfg); err != nil {
					said.WriteString(err.Error())
				}
			}
			if c.err != "" {
				if err == nil || !strings.Contains(said.String(), c.err) {
					t.Fatalf("%v, said: %s", err, said.String())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := cfg.Site
			if (got.Position == nil) != (c.want.Position == nil) || got.Position != nil && *got.Position != *c.want.Position {
				t.Errorf("the position is %v", got.Position)
			}
			if len(got.Geocodes) != len(c.want.Geocodes) {
				t.Fatalf("the codes are %v", got.Geocodes)
			}
			for i, g := range got.Geocodes {
				if g != c.want.Geocodes[i] {
					t.Errorf("the codes are %v", got.Geocodes)
				}
			}
		})
	}
}
