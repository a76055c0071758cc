package output

import (
	"fmt"
	"image"
	"strings"
	"testing"
)

// offers are written like 3840x2160@60i, the preferred one first.
func offersFrom(t *testing.T, all ...string) []offer {
	t.Helper()
	var out []offer
	for i, s := range all {
		m, err := ParseMode(strings.TrimSuffix(s, "i"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, offer{id: 1, size: m.Size, hz: m.Rate, interlace: strings.HasSuffix(s, "i")})
		out[i].id += 10
	}
	return out
}

func TestADisplayGetsASaneMode(t *testing.T) {
	television := []string{"3840x2160@30", "4096x2160@60", "3840x2160@60", "1920x1080@50", "1920x1080@60", "1920x1080@60i", "1920x1200@60", "1280x720@60", "640x480@60"}
	for name, c := range map[string]struct {
		mode   string
		cores  int
		offers []string
		want   string // or what the error says
	}{
		"2160 lines on 2 cores":            {"auto", 2, television, "1920x1080@60"},
		"on 4 cores":                       {"auto", 4, append(television, "2560x1440@60"), "2560x1440@60"},
		"on 8 cores, at 60 Hz":             {"auto", 8, television, "3840x2160@60"},
		"the shape of the preferred one":   {"auto", 2, []string{"1280x1024@60", "1920x1080@60", "1024x819@60"}, "1280x1024@60"},
		"no other shape, though larger":    {"auto", 2, []string{"3840x2400@60", "1920x1080@60", "1280x800@60"}, "1280x800@60"},
		"none is small enough":             {"auto", 1, []string{"3840x2160@60", "2560x1440@60"}, "2560x1440@60"},
		"only what is interlaced is left":  {"auto", 2, []string{"1920x1080@60i", "1280x720@60"}, "1280x720@60"},
		"a size":                           {"1920x1080", 2, television, "1920x1080@60"},
		"a size and a rate":                {"1920x1080@50", 2, television, "1920x1080@50"},
		"what a person wants may be large": {"3840x2160", 1, television, "3840x2160@60"},
		"a rate that is written shortly":   {"1920x1080@59.94", 2, television, "1920x1080@60"},
		"a rate that it does not have":     {"1920x1080@75", 2, television, "it does not offer 1920x1080@75; it offers 3840x2160@30, "},
		"a display that says nothing":      {"auto", 2, nil, "it offers no modes"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMode(c.mode)
			if err != nil {
				t.Fatal(err)
			}
			o, err := m.choose(offersFrom(t, c.offers...), c.cores)
			got := fmt.Sprintf("%dx%d@%g", o.size.X, o.size.Y, o.hz)
			if err != nil {
				got = err.Error()
			}
			if err == nil && (got != c.want || o.interlace) || err != nil && !strings.HasPrefix(got, c.want) {
				t.Errorf("chosen: %s (interlaced: %v), want %s", got, o.interlace, c.want)
			}
		})
	}
	for _, s := range []string{"1920", "x1080", "0x0", "1920x1080@", "1920x1080@0", "1920x1080@NaN", "best", "99999x1080"} {
		if m, err := ParseMode(s); err == nil {
			t.Errorf("%q was read as %+v", s, m)
		}
	}
}

func TestDisplaysStandSideBySideAsTheyWere(t *testing.T) {
	full, half := offer{id: 2, size: image.Pt(1920, 1080)}, offer{id: 3, size: image.Pt(1280, 720)}
	heads := []head{{is: 1, mode: full}, {is: 1, at: image.Pt(3840, 0), mode: half}, {mode: full}}
	if !arrange(heads) {
		t.Error("nothing is said to be done")
	}
	if heads[1].at != image.Pt(1920, 0) || heads[2].at != image.Pt(3200, 0) {
		t.Errorf("they stand at %v and %v", heads[1].at, heads[2].at)
	}
	clones := []head{{is: 2, mode: full}, {is: 2, mode: full}}
	if arrange(clones) || clones[1].at != (image.Point{}) {
		t.Errorf("displays that show the same were moved: %+v", clones)
	}
}
