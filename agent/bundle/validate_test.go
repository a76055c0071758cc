package bundle_test

import (
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

func TestAManifestIsNotRightWhen(t *testing.T) {
	zone := func(m *bundle.Manifest) *scene.Zone { return &m.Scenes["a"].Zones[0] }
	widget := func(change func(*scene.Zone)) func(*bundle.Manifest) {
		return func(m *bundle.Manifest) {
			s := m.Scenes["a"]
			s.For = 1
			z := scene.Zone{At: scene.Rect{0, 0, 10, 10}}
			change(&z)
			s.Zones = []scene.Zone{z}
			m.Scenes["a"] = s
		}
	}
	segmented := func(change func(*bundle.Blob)) func(*bundle.Manifest) {
		return func(m *bundle.Manifest) {
			d := m.Blobs[0].Digest
			b := bundle.Blob{Digest: d, Size: 3<<20 + 1, Segment: 1 << 20, Segments: []bundle.Digest{d, d, d, d}}
			change(&b)
			m.Blobs[0] = b
		}
	}
	for name, c := range map[string]struct {
		change func(*bundle.Manifest)
		says   string
	}{
		"the format is another":              {func(m *bundle.Manifest) { m.Format = "vitrine/9" }, "format"},
		"the customer has a slash":           {func(m *bundle.Manifest) { m.Customer = "a/b" }, "customer"},
		"the stream is dots":                 {func(m *bundle.Manifest) { m.Stream = ".." }, "id"},
		"the serial is above a double's":     {func(m *bundle.Manifest) { m.Seq = bundle.MaxSeq + 1 }, "serial"},
		"the root is zero":                   {func(m *bundle.Manifest) { m.Root = 0 }, "root version"},
		"the agent is no version":            {func(m *bundle.Manifest) { m.Agent = "1.x" }, "three numbers"},
		"issued is missing":                  {func(m *bundle.Manifest) { m.Issued = time.Time{} }, "issued"},
		"issued has half seconds":            {func(m *bundle.Manifest) { m.Issued = m.Issued.Add(time.Millisecond) }, "issued"},
		"expires is not UTC":                 {func(m *bundle.Manifest) { m.Expires = m.Issued.In(time.FixedZone("", 3600)) }, "expires"},
		"the previous manifest is no digest": {func(m *bundle.Manifest) { m.Previous = "abc" }, "previous"},
		"the zone does not exist":            {func(m *bundle.Manifest) { m.Zone = "Mars/Olympus" }, "IANA"},
		"the canvas is empty":                {func(m *bundle.Manifest) { m.Canvas = scene.Size{} }, "canvas"},
		"the canvas is absurd":               {func(m *bundle.Manifest) { m.Canvas.Width = 1 << 30 }, "canvas"},
		"a blob is listed twice":             {func(m *bundle.Manifest) { m.Blobs = append(m.Blobs, m.Blobs[0]) }, "twice"},
		"a blob has no bytes":                {func(m *bundle.Manifest) { m.Blobs[0].Size = 0 }, "size"},
		"a blob is larger than any":          {func(m *bundle.Manifest) { m.Blobs[0].Size = bundle.MaxBlob + 1 }, "size"},
		"a blob's digest is upper case":      {func(m *bundle.Manifest) { m.Blobs[0].Digest = bundle.Digest(strings.Repeat("A", 64)) }, "digest"},
		"a blob is encrypted somehow":        {func(m *bundle.Manifest) { m.Blobs[0].Encryption = "rot13" }, "encryption"},
		"a large blob has no segments":       {func(m *bundle.Manifest) { m.Blobs[0].Size = bundle.MaxSegment + 1 }, "without segments"},
		"segments have no length":            {func(m *bundle.Manifest) { m.Blobs[0].Segments = []bundle.Digest{m.Blobs[0].Digest} }, "without a length"},
		"segments are not a power of two":    {segmented(func(b *bundle.Blob) { b.Segment = 3 << 19 }), "power of two"},
		"segments are tiny":                  {segmented(func(b *bundle.Blob) { b.Segment = 1 << 10 }), "power of two"},
		"segments are huge":                  {segmented(func(b *bundle.Blob) { b.Segment = 32 << 20 }), "power of two"},
		"segments are negative":              {segmented(func(b *bundle.Blob) { b.Segment = -1 << 20 }), "power of two"},
		"a segment is missing":               {segmented(func(b *bundle.Blob) { b.Segments = b.Segments[:3] }), "segments"},
		"a segment is too many":              {segmented(func(b *bundle.Blob) { b.Segments = append(b.Segments, b.Digest) }), "segments"},
		"a segment has no digest":            {segmented(func(b *bundle.Blob) { b.Segments[2] = "x" }), "segment"},
		"one segment is enough":              {segmented(func(b *bundle.Blob) { b.Size = 1 << 20; b.Segments = b.Segments[:1] }), "fits into one"},
		"there are too many segments":        {segmented(func(b *bundle.Blob) { b.Size = 2001 << 20; b.Segments = make([]bundle.Digest, 2001) }), "segments"},
		"a file names no blob":               {func(m *bundle.Manifest) { m.Files["media/b.png"] = bundle.DigestOf(nil) }, "not listed"},
		"a blob is of no file":               {func(m *bundle.Manifest) { delete(m.Files, "media/a.png") }, "no file"},
		"a path is absolute":                 {func(m *bundle.Manifest) { m.Files["/etc/x"] = m.Blobs[0].Digest }, "plain path"},
		"a path climbs":                      {func(m *bundle.Manifest) { m.Files["media/../../x"] = m.Blobs[0].Digest }, "plain path"},
		"a path has a backslash":             {func(m *bundle.Manifest) { m.Files[`media\x`] = m.Blobs[0].Digest }, "plain path"},
		"a path has a drive":                 {func(m *bundle.Manifest) { m.Files["c:x"] = m.Blobs[0].Digest }, "plain path"},
		"a path has a line's end":            {func(m *bundle.Manifest) { m.Files["a\nb"] = m.Blobs[0].Digest }, "plain path"},
		"a path is endless":                  {func(m *bundle.Manifest) { m.Files[strings.Repeat("a", 300)] = m.Blobs[0].Digest }, "plain path"},
		"namespaces without an xpath": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "xml", Namespaces: map[string]string{"g": "urn:g"}, Location: bundle.Location{Type: "file", Path: "/x"}}}
		}, "without an xpath"},
		"a namespace's prefix has a colon": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "xml", XPath: "//a", Namespaces: map[string]string{"g:h": "urn:g"}, Location: bundle.Location{Type: "file", Path: "/x"}}}
		}, "is not a prefix"},
		"a namespace is none": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "xml", XPath: "//a", Namespaces: map[string]string{"g": ""}, Location: bundle.Location{Type: "file", Path: "/x"}}}
		}, "is not a prefix"},
		"the prefix xml is bound": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "xml", XPath: "//a", Namespaces: map[string]string{"xml": "urn:g"}, Location: bundle.Location{Type: "file", Path: "/x"}}}
		}, "is not a prefix"},
		"a source is of no known type": {func(m *bundle.Manifest) { m.Sources = map[string]bundle.SourceSpec{"s": {Type: "sqk"}} }, "its type"},
		"a database is asked nothing that it could be at": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "odbc", SQL: "select 1", Location: bundle.Location{Type: "smb", Host: "h", Share: "s", Path: "p"}}}
		}, "location's type"},
		"a field is another type's": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", SQL: "select 1", Location: bundle.Location{Type: "file", Path: "/x"}}}
		}, "no sql"},
		"a connection string is smuggled in": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "odbc", SQL: "select 1", Location: bundle.Location{Type: "odbc", DSN: "x;Driver=/tmp/evil.so"}}}
		}, "character"},
		"pictures may come from anywhere": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", Location: bundle.Location{Type: "file", Path: "/x"}, Pictures: bundle.Pictures{Columns: []string{"a"}}}}
		}, "hosts"},
		"a computed column is also a plain one": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", Location: bundle.Location{Type: "file", Path: "/x"}, Map: []bundle.RowColumn{{Name: "a", From: "b", Expr: "c"}}}}
		}, "from and expr"},
		"a source's file is not there": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", Location: bundle.Location{Type: "bundle", Path: "x"}}}
		}, "not in the bundle"},
		"a source's address is another scheme's": {func(m *bundle.Manifest) {
			m.Sources = map[string]bundle.SourceSpec{"s": {Type: "text", Location: bundle.Location{Type: "https", URL: "file:///etc/passwd"}}}
		}, "https://"},
		"a scene has no zones":           {func(m *bundle.Manifest) { m.Scenes["a"] = scene.Scene{For: 1} }, "zones"},
		"a scene has a strange name":     {func(m *bundle.Manifest) { m.Scenes["a b"] = m.Scenes["a"] }, "name"},
		"a zone has no width":            {func(m *bundle.Manifest) { zone(m).At[2] = 0 }, "at least 1"},
		"a zone is outside":              {func(m *bundle.Manifest) { zone(m).At[0] = 1920 }, "outside"},
		"a zone's place overflows":       {func(m *bundle.Manifest) { zone(m).At = scene.Rect{1 << 62, 0, 1 << 62, 1} }, "within"},
		"a zone shows two things":        {func(m *bundle.Manifest) { zone(m).QR = &scene.QR{Text: "x"} }, "kinds of content"},
		"a zone shows nothing":           {func(m *bundle.Manifest) { zone(m).Playlist = nil; s := m.Scenes["a"]; s.For = 1; m.Scenes["a"] = s }, "neither"},
		"a zone is the player's card":    {widget(func(z *scene.Zone) { z.Card = &scene.Card{} }), "card"},
		"an opacity is above one":        {func(m *bundle.Manifest) { zone(m).Opacity = 1.5 }, "opacity"},
		"a picture has no length":        {func(m *bundle.Manifest) { zone(m).Playlist[0].For = 0 }, "length"},
		"an item is of no kind":          {func(m *bundle.Manifest) { zone(m).Playlist[0].Kind = "gif" }, "kind"},
		"an item is louder than 100":     {func(m *bundle.Manifest) { zone(m).Playlist[0].Volume = 101 }, "volume"},
		"nothing gives a scene a length": {widget(func(z *scene.Zone) { z.Text = &scene.Text{Text: "x"} }), ""},
		"a colour is a word":             {widget(func(z *scene.Zone) { z.Text = &scene.Text{Text: "x", Style: scene.Style{Color: "red"}} }), "color"},
		"a font is not there": {widget(func(z *scene.Zone) {
			z.Text = &scene.Text{Text: "x", Style: scene.Style{Font: []string{"fonts/x.ttf"}}}
		}), "font"},
		"a ticker has an unknown source": {widget(func(z *scene.Zone) { z.Ticker = &scene.Ticker{Source: "s", Text: "x"} }), "not defined"},
		"a ticker brings its own rows":   {widget(func(z *scene.Zone) { z.Ticker = &scene.Ticker{Text: "x", Items: []string{"y"}} }), "bound rows"},
		"a table has no columns":         {widget(func(z *scene.Zone) { z.Table = &scene.Table{} }), "columns"},
		"a QR code has no text":          {widget(func(z *scene.Zone) { z.QR = &scene.QR{} }), "QR"},
		"a countdown is to nothing":      {widget(func(z *scene.Zone) { z.Countdown = &scene.Countdown{To: "soon"} }), "countdown"},
		"a countdown's zone is nowhere":  {widget(func(z *scene.Zone) { z.Countdown = &scene.Countdown{To: "2026-12-31T24:00", Zone: "Mars/X"} }), "IANA"},
		"a chart has no values":          {widget(func(z *scene.Zone) { z.Chart = &scene.Chart{Label: "x"} }), "chart"},
		"a chart brings its own rows":    {widget(func(z *scene.Zone) { z.Chart = &scene.Chart{Cells: [][]string{{"x"}}} }), "bound rows"},
		"a chart has an unknown source":  {widget(func(z *scene.Zone) { z.Chart = &scene.Chart{Source: "s", Label: "x", Values: []string{"y"}} }), "not defined"},
		"a shape is a star":              {widget(func(z *scene.Zone) { z.Shape = &scene.Shape{Form: "star"} }), "shape"},
		"a span's font is not there": {widget(func(z *scene.Zone) {
			z.Text = &scene.Text{Spans: []scene.Span{{Text: "x", Font: []string{"fonts/x.ttf"}}}}
		}), "font"},
		"a span is enormous":      {widget(func(z *scene.Zone) { z.Text = &scene.Text{Spans: []scene.Span{{Text: "x", Scale: 99}}} }), "scale"},
		"an event shows no scene": {func(m *bundle.Manifest) { m.Schedule.Events = []schedule.Event{{ID: "e", Items: []string{"b"}}} }, "not a scene"},
		"two events have one id": {func(m *bundle.Manifest) {
			m.Schedule.Events = []schedule.Event{{ID: "e", Items: []string{"a"}}, {ID: "e", Items: []string{"a"}}}
		}, "doubled"},
		"the fallback shows no scene": {func(m *bundle.Manifest) { m.Fallback = []string{"b"} }, "not a scene"},
		"a group's default is not there": {func(m *bundle.Manifest) {
			m.Schedule.Defaults.Group = map[string][]string{"g": {"b"}}
		}, "not a scene"},
	} {
		t.Run(name, func(t *testing.T) {
			m := bundletest.New(t).Content(t, bundle.Manifest{}, picture()).Manifest
			c.change(m)
			if name == "nothing gives a scene a length" {
				s := m.Scenes["a"]
				s.For = 0
				m.Scenes["a"] = s
				c.says = "no length"
			}
			wants(t, m.Validate(), c.says)
		})
	}
}

func TestSegmentSizesKeepManifestsSmall(t *testing.T) {
	many := make([]int64, 100)
	for i := range many {
		many[i] = 1 << 30
	}
	for name, c := range map[string]struct {
		sizes []int64
		want  int64 // 0 = refused
	}{
		"nothing":                       {nil, 1 << 20},
		"a small file":                  {[]int64{10}, 1 << 20},
		"exactly 2000 MiB":              {[]int64{2000 << 20}, 1 << 20},
		"a byte more":                   {[]int64{2000<<20 + 1}, 2 << 20},
		"the largest file":              {[]int64{bundle.MaxBlob}, 16 << 20},
		"a byte more than the largest":  {[]int64{bundle.MaxBlob + 1}, 0},
		"a hundred files of a gigabyte": {many, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bundle.SegmentSize(c.sizes)
			if got != c.want || (err != nil) != (c.want == 0) {
				t.Errorf("%d, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestTheDateOfTheReleaseIsPast(t *testing.T) {
	if d := bundle.AgentDate(); d.After(time.Now()) || d.Year() < 2026 {
		t.Errorf("the release's date is %v: a player would count from a time that is not past", d)
	}
}
