package bundle_test

import (
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/render/scene"
)

func TestAHostileManifestBringsNothingThatAPlayerCouldNotShow(t *testing.T) {
	item := func(i scene.Item) func(*scene.Scene) {
		return func(s *scene.Scene) { s.Zones[0].Playlist = []scene.Item{i} }
	}
	stream := func(address string) func(*scene.Scene) {
		return item(scene.Item{Kind: scene.Stream, Src: address, For: 1})
	}
	web := func(address string) func(*scene.Scene) {
		return item(scene.Item{Kind: scene.Web, Src: address, For: 1})
	}
	zone := func(z scene.Zone) func(*scene.Scene) {
		return func(s *scene.Scene) {
			z.At = scene.Rect{0, 0, 9, 9}
			s.For, s.Zones = 1, []scene.Zone{z}
		}
	}
	bed := func(b scene.Bed) func(*scene.Scene) { return func(s *scene.Scene) { s.Audio = &b } }
	long := strings.Repeat("x", 10_001)
	picture := "media/a.png"
	for name, c := range map[string]struct {
		change func(*scene.Scene)
		says   string // "" = taken
	}{
		"a stream by https":                  {stream("https://example.com/live.m3u8"), ""},
		"a stream by UDP multicast":          {stream("udp://239.1.2.3:5004?fifo_size=1000"), ""},
		"a stream by UDP as others write it": {stream("udp://@239.1.2.3:5004"), ""},
		"a stream by RTP, IPv6":              {stream("rtp://[ff15::1]:5004"), ""},
		"a stream by RTSP":                   {stream("rtsp://camera.example:554/1"), ""},
		"a stream by SRT":                    {stream("srt://10.0.0.1:9000?mode=caller"), ""},
		"a stream from a file":               {stream("file:///etc/passwd"), "begins with"},
		"a stream from a pipe":               {stream("pipe://0"), "begins with"},
		"a stream of mpv's own":              {stream("edl://media/a.png"), "begins with"},
		"a stream of ffmpeg's own":           {stream("lavf://udp://239.0.0.1:1"), "begins with"},
		"a stream of concatenated things":    {stream("concat:http://example.com/x"), "begins with"},
		"a stream without a host":            {stream("https:///x"), "no machine"},
		"a stream of a port alone":           {stream("udp://:5004"), "no machine"},
		"a stream from port 70000":           {stream("udp://239.0.0.1:70000"), "port"},
		"a stream without a port":            {stream("rtp://239.0.0.1"), "port"},
		"a stream with a password":           {stream("rtsp://me:pw@camera/1"), "password"},
		"a stream with a line's end":         {stream("https://example.com/\nx"), "plain"},
		"a stream with a space":              {stream("https://example.com/ x"), "plain"},
		"a stream with an endless address":   {stream("https://example.com/" + strings.Repeat("a", 3000)), "plain"},
		"a stream with a host of dots":       {stream("https://../x"), "no machine"},
		"a stream with a link-local zone":    {stream("http://[fe80::1%25eth0]/x"), "no machine"},
		"a stream without a length":          {item(scene.Item{Kind: scene.Stream, Src: "https://example.com/x"}), "length"},
		"a page by https":                    {web("https://www.example.com/a?b=c#d"), ""},
		"a page by http":                     {web("http://www.example.com"), "begins with"},
		"a page of a browser's own":          {web("chrome://settings"), "begins with"},
		"a page from a file":                 {web("file:///etc/passwd"), "begins with"},
		"a page of script":                   {web("javascript://example.com/%0aalert(1)"), "begins with"},
		"a page with a password":             {web("https://me:pw@example.com"), "password"},
		"a page that is not in the bundle":   {web("web/x/index.html"), "not in the bundle"},
		"a page without a folder":            {web("index.html"), "folder"},
		"a page's host is an address":        {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, Hosts: []string{"https://b.example"}}), "host"},
		"a page has hundreds of hosts":       {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, Hosts: make([]string, 33)}), "hosts"},
		"a page's source is not there":       {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, Source: "gone"}), "not defined"},
		"a page brings files":                {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, Files: map[string]string{"a": "/etc/passwd"}}), "of its own"},
		"a page brings rows":                 {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, Rows: []map[string]string{{}}}), "of its own"},
		"a stand-in that is not there":       {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, StandIn: "/etc/passwd"}), "stand-in"},
		"a stand-in":                         {item(scene.Item{Kind: scene.Web, Src: "https://a.example", For: 1, StandIn: picture}), ""},
		"a picture with a stand-in":          {item(scene.Item{Kind: scene.Image, Src: picture, For: 1, StandIn: picture}), "stand-in"},
		"a picture with rows":                {item(scene.Item{Kind: scene.Image, Src: picture, For: 1, Source: "s"}), "source"},
		"a picture with a page":              {item(scene.Item{Kind: scene.Image, Src: picture, For: 1, Page: 2}), "page"},
		"page 0":                             {item(scene.Item{Kind: scene.Page, Src: picture, For: 1}), "page"},
		"page a million":                     {item(scene.Item{Kind: scene.Page, Src: picture, For: 1, Page: 1e6}), "page"},
		"a page of a document":               {item(scene.Item{Kind: scene.Page, Src: picture, For: 1, Page: 2}), ""},
		"a page of a document, no length":    {item(scene.Item{Kind: scene.Page, Src: picture, Page: 2}), "length"},
		"an animation of its own length":     {item(scene.Item{Kind: scene.Animation, Src: picture}), ""},
		"a sound on the screen":              {item(scene.Item{Kind: scene.Audio, Src: picture}), "audio"},
		"a kind that is none":                {item(scene.Item{Kind: "hologram", Src: picture, For: 1}), "kind"},
		"a length of years":                  {item(scene.Item{Kind: scene.Image, Src: picture, For: scene.Duration(10000 * time.Hour)}), "length"},
		"a scene of years":                   {func(s *scene.Scene) { s.For = scene.Duration(10000 * time.Hour) }, "length"},
		"a transition that is none":          {item(scene.Item{Kind: scene.Video, Src: picture, Transition: &scene.Transition{Kind: "explode"}}), "transition"},
		"a transition of an hour":            {item(scene.Item{Kind: scene.Video, Src: picture, Transition: &scene.Transition{Kind: "fade", For: scene.Duration(time.Hour)}}), "transition"},
		"a transition toward nowhere":        {func(s *scene.Scene) { s.Transition = &scene.Transition{Kind: "slide", Toward: "inside"} }, "toward"},
		"a bed":                              {bed(scene.Bed{Playlist: []scene.Item{{Kind: scene.Audio, Src: picture}}, Volume: 50, Duck: 10}), ""},
		"a bed of nothing":                   {bed(scene.Bed{}), "audio"},
		"a bed of video":                     {bed(scene.Bed{Playlist: []scene.Item{{Kind: scene.Video, Src: picture}}}), "audio"},
		"a bed that is too loud":             {bed(scene.Bed{Playlist: []scene.Item{{Kind: scene.Audio, Src: picture}}, Volume: 101}), "volume"},
		"a bed that is not there":            {bed(scene.Bed{Playlist: []scene.Item{{Kind: scene.Audio, Src: "x.mp3"}}}), "not in the bundle"},
		"a clock with a moon":                {zone(scene.Zone{Clock: &scene.Clock{Cities: []scene.City{{Label: "x", Zone: "Moon/Base"}}}}), "IANA"},
		"a clock without a city's zone":      {zone(scene.Zone{Clock: &scene.Clock{Cities: []scene.City{{Label: "x"}}}}), "label or no zone"},
		"a clock with a strange face":        {zone(scene.Zone{Clock: &scene.Clock{Face: "smile"}}), "face"},
		"a clock with a thousand cities":     {zone(scene.Zone{Clock: &scene.Clock{Cities: make([]scene.City, 1000)}}), "cities"},
		"cards of no source":                 {zone(scene.Zone{Cards: &scene.Cards{Title: "x"}}), "source"},
		"cards in a hundred columns":         {zone(scene.Zone{Cards: &scene.Cards{Source: "s", Title: "x", Columns: 100}}), "12 each"},
		"cards that call a function":         {zone(scene.Zone{Cards: &scene.Cards{Source: "s", Title: "{{len .x}}"}}), "more than a column"},
		"cards with pictures from outside":   {zone(scene.Zone{Cards: &scene.Cards{Source: "s", Title: "x", Pictures: "../x"}}), "folder"},
		"cards that bring rows":              {zone(scene.Zone{Cards: &scene.Cards{Source: "s", Title: "x", Cells: [][]string{{"x"}}}}), "rows of its own"},
		"weather of no source":               {zone(scene.Zone{Weather: &scene.Weather{Label: "x", Sky: "x"}}), "source"},
		"weather that brings rows":           {zone(scene.Zone{Weather: &scene.Weather{Source: "s", Label: "x", Sky: "x", Cells: [][]string{{"x"}}}}), "rows of its own"},
		"a text without end":                 {zone(scene.Zone{Text: &scene.Text{Text: long}}), "10001 bytes"},
		"a ticker's separator without end":   {zone(scene.Zone{Ticker: &scene.Ticker{Text: "x", Separator: long}}), "10001 bytes"},
		"thousands of fonts":                 {zone(scene.Zone{Text: &scene.Text{Text: "x", Style: scene.Style{Font: make([]string, 1001)}}}), "list of 1001"},
		"a table's page of a year":           {zone(scene.Zone{Table: &scene.Table{Columns: []scene.Column{{Name: "x"}}, Every: scene.Duration(9000 * time.Hour)}}), "length"},
		"a z without end":                    {zone(scene.Zone{Z: 1 << 40, Background: "#000000"}), "z 1099511627776"},
	} {
		t.Run(name, func(t *testing.T) {
			m := bundletest.New(t).Content(t, bundle.Manifest{}, map[string][]byte{picture: []byte("p")}).Manifest
			s := bundletest.Slide(picture, 1)
			c.change(&s)
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", Location: bundle.Location{Type: "file", Path: "/x"}}}
			m.Scenes = map[string]scene.Scene{"a": s}
			err := m.Validate()
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
		})
	}
}
