package main

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"vitrine/agent"
	"vitrine/agent/alert"
	"vitrine/agent/uplink"
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

func TestLimitsOfDownloads(t *testing.T) {
	cases := []struct {
		name string
		args []string
		want uplink.Limits
		err  string // "" = none
	}{
		{"large bundles are polite without flags", nil, uplink.Limits{Idle: true}, ""},
		{"nights and a rate", []string{"--fetch-window", "22:00-05:00,12:00-13:00", "--fetch-rate=2M", "--fetch-idle=false"},
			uplink.Limits{Windows: []uplink.Window{{From: 22 * 60, To: 5 * 60}, {From: 12 * 60, To: 13 * 60}}, Rate: 2e6}, ""},
		{"half a window", []string{"--fetch-window", "22:00"}, uplink.Limits{}, "like 22:00-05:00"},
		{"a rate that is none", []string{"--fetch-rate", "fast"}, uplink.Limits{}, "like 500k or 2M"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var cfg agent.Config
			var said strings.Builder
			_, err := playFlags("run", &cfg).parse(append([]string{"run"}, c.args...), 0, io.Discard, &said)
			if (err != nil) != (c.err != "") || !strings.Contains(said.String(), c.err) {
				t.Fatalf("%v, said: %s", err, said.String())
			}
			if err == nil && !reflect.DeepEqual(cfg.Fetch, c.want) {
				t.Errorf("the limits are %+v", cfg.Fetch)
			}
		})
	}
}
