package alert_test

import (
	"strings"
	"testing"

	"vitrine/agent/alert"
)

// shown says whether a message with these areas is shown at a site.
func shown(t *testing.T, areas string, s alert.Site) bool {
	t.Helper()
	m := parse(t, wrap(head(nil)+"<info><headline>x</headline>"+areas+"</info>"))
	var b alert.Book
	if _, err := b.Take(m); err != nil {
		t.Fatal(err)
	}
	return len(b.Active(s, m.Sent)) == 1
}

func TestAreas(t *testing.T) {
	square := "<polygon>0,0 0,10 10,10 10,0 0,0</polygon>"
	fiji := "<polygon>-15,178 -15,-178 -20,-178 -20,178 -15,178</polygon>"
	world := "<polygon>-90,-180 90,-180 90,180 -90,180 -90,-180</polygon>"
	hook := "<polygon>0,0 10,0 10,10 8,10 8,2 0,2 0,0</polygon>"
	lyon := "<circle>45.7640,4.8357 10</circle>"
	code := func(name, value string) string {
		return "<geocode><valueName>" + name + "</valueName><value>" + value + "</value></geocode>"
	}
	in := func(parts ...string) string {
		return "<area><areaDesc>x</areaDesc>" + strings.Join(parts, "") + "</area>"
	}
	at := func(lat, lon float64) alert.Site {
		return alert.Site{Position: &alert.Point{Lat: lat, Lon: lon}, OnlySure: true}
	}
	coded := alert.Site{Geocodes: []alert.Pair{{Name: "INSEE", Value: "69123"}}, OnlySure: true}
	for name, c := range map[string]struct {
		areas string
		site  alert.Site
		here  bool
	}{
		"no area is everywhere":                                      {"", at(50, 50), true},
		"an area without a shape is everywhere":                      {in(), at(50, 50), true},
		"a site that knows nothing of itself gets all":               {in(square), alert.Site{OnlySure: true}, true},
		"inside of a polygon":                                        {in(square), at(5, 5), true},
		"outside of it":                                              {in(square), at(5, 11), false},
		"on its edge":                                                {in(square), at(0, 5), true},
		"on its corner":                                              {in(square), at(10, 10), true},
		"in the bay of a hook":                                       {in(hook), at(4, 6), false},
		"in the arm of a hook":                                       {in(hook), at(9, 9), true},
		"inside of a polygon over the date line, west of it":         {in(fiji), at(-17, 179), true},
		"and east of it":                                             {in(fiji), at(-17, -179), true},
		"and on the other side of the world":                         {in(fiji), at(-17, 0), false},
		"in the whole world":                                         {in(world), at(45, 5), true},
		"inside of a circle":                                         {in(lyon), at(45.76, 4.84), true},
		"9.9 km north of its centre":                                 {in(lyon), at(45.7640+9.9/111.195, 4.8357), true},
		"10.1 km north of its centre":                                {in(lyon), at(45.7640+10.1/111.195, 4.8357), false},
		"9.9 km east, where degrees are narrower":                    {in(lyon), at(45.7640, 4.8357+9.9/77.57), true},
		"10.2 km east":                                               {in(lyon), at(45.7640, 4.8357+10.2/77.57), false},
		"at the centre of a circle without a radius":                 {in("<circle>1,2 0</circle>"), at(1, 2), true},
		"in the second area":                                         {in(square) + in(lyon), at(45.76, 4.84), true},
		"in the second shape of one":                                 {in(square, lyon), at(45.76, 4.84), true},
		"with the code":                                              {in(code("INSEE", "69123")), coded, true},
		"with the code, whatever the case of its name":               {in(code("insee", "69123")), coded, true},
		"with another code":                                          {in(code("INSEE", "69001")), coded, false},
		"with the code of another system, which is not sure":         {in(code("SAME", "69123")), coded, false},
		"with one of several codes":                                  {in(code("INSEE", "69001"), code("INSEE", "69123")), coded, true},
		"a polygon that is not closed is left out, which is unsure":  {in("<polygon>0,0 0,10 10,10 10,0</polygon>"), at(5, 5), false},
		"a polygon of three points":                                  {in("<polygon>0,0 0,10 0,0</polygon>"), at(0, 5), false},
		"a latitude of 91 degrees":                                   {in("<circle>91,0 100</circle>"), at(90, 0), false},
		"a radius that is no number":                                 {in("<circle>1,2 NaN</circle>"), at(1, 2), false},
		"a radius without end":                                       {in("<circle>1,2 Inf</circle>"), at(1, 2), false},
		"a damaged polygon beside a good one does not hide the good": {in("<polygon>x</polygon>", square), at(5, 5), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shown(t, c.areas, c.site); got != c.here {
				t.Errorf("shown: %v, want %v", got, c.here)
			}
		})
	}
	t.Run("what is unsure is shown where a site does not ask for more", func(t *testing.T) {
		for _, areas := range []string{in(code("SAME", "1")), in("<polygon>x</polygon>"), in("<polygon>x</polygon>", square)} {
			if !shown(t, areas, alert.Site{Position: &alert.Point{Lat: 50, Lon: 50}}) {
				t.Errorf("not shown: %s", areas)
			}
		}
	})
}
