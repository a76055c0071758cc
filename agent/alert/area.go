package alert

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Match says whether an area holds at a site.
type Match int

// The answers. Unsure: the area is given in a way that the site knows nothing of, say in codes while it knows its position.
const (
	Elsewhere Match = iota
	Unsure
	Here
)

// readPoint reads "lat,lon".
func readPoint(s string) (Point, error) {
	lat, lon, ok := strings.Cut(s, ",")
	a, okA := number(lat)
	b, okB := number(lon)
	if !ok || !okA || !okB || math.Abs(a) > 90 || math.Abs(b) > 180 {
		return Point{}, fmt.Errorf("%q is not a latitude and a longitude in degrees, like 45.76,4.84", short(s))
	}
	return Point{Lat: a, Lon: b}, nil
}

// readRing reads points apart by space; it must be closed (3.2.4).
func readRing(s string, most int) (Ring, error) {
	var r Ring
	for f := range strings.FieldsSeq(s) {
		p, err := readPoint(f)
		if err != nil {
			return nil, err
		}
		if r = append(r, p); len(r) > most {
			return nil, fmt.Errorf("the message has more than %d points", maxPoints)
		}
	}
	if len(r) < 4 || r[0] != r[len(r)-1] {
		return nil, errors.New("it needs at least four points, and the last must be the first again")
	}
	return r, nil
}

// readCircle reads "lat,lon radius", in kilometres.
func readCircle(s string) (Circle, error) {
	f := strings.Fields(s)
	if len(f) != 2 {
		return Circle{}, errors.New("it is not a centre and a radius in km, like \"45.76,4.84 12\"")
	}
	p, err := readPoint(f[0])
	if err != nil {
		return Circle{}, err
	}
	km, ok := number(f[1])
	if !ok || km < 0 {
		return Circle{}, fmt.Errorf("its radius %q is not a number of km", short(f[1]))
	}
	return Circle{Center: p, Radius: km}, nil
}

// match compares a whole info with a site. An info that names no area, and one whose areas have no shape at all, is for
// everyone (3.2.2: area is optional); so is every info where the site knows nothing of where it is.
func (i *Info) match(s Site) Match {
	if len(i.Areas) == 0 || s.Position == nil && len(s.Geocodes) == 0 {
		return Here
	}
	best := Elsewhere
	for k := range i.Areas {
		best = max(best, i.Areas[k].match(s))
	}
	return best
}

// match compares an area, the union of its shapes (3.2.4).
func (a *Area) match(s Site) Match {
	shapes := len(a.Polygons) + len(a.Circles)
	if shapes+len(a.Geocodes) == 0 && !a.Damaged {
		return Here
	}
	if s.Position != nil {
		for _, r := range a.Polygons {
			if r.contains(*s.Position) {
				return Here
			}
		}
		for _, c := range a.Circles {
			if c.contains(*s.Position) {
				return Here
			}
		}
	}
	known := false
	for _, g := range a.Geocodes {
		for _, ours := range s.Geocodes {
			if !strings.EqualFold(g.Name, ours.Name) {
				continue
			}
			if known = true; strings.EqualFold(g.Value, ours.Value) {
				return Here
			}
		}
	}
	if !a.Damaged && (shapes > 0 && s.Position != nil || known) {
		return Elsewhere
	}
	return Unsure
}

// contains says whether a point is inside the ring or on its edge: even-odd rule on the plane of degrees, as senders draw
// them. A ring over the date line is followed the shorter way round.
func (r Ring) contains(p Point) bool {
	lon := make([]float64, len(r))
	west, east := math.Inf(1), math.Inf(-1)
	for i, q := range r {
		if lon[i] = q.Lon; i > 0 {
			step := q.Lon - lon[i-1]
			if math.Abs(step) > 180 && math.Abs(q.Lon-r[i-1].Lon) != 360 { // from -180 to 180 goes round the world
				step = math.Remainder(step, 360)
			}
			lon[i] = lon[i-1] + step
		}
		west, east = math.Min(west, lon[i]), math.Max(east, lon[i])
	}
	for _, x := range []float64{p.Lon - 360, p.Lon, p.Lon + 360} {
		if x >= west && x <= east && r.inside(lon, x, p.Lat) {
			return true
		}
	}
	return false
}

func (r Ring) inside(lon []float64, x, y float64) bool {
	in := false
	for i := 1; i < len(r); i++ {
		x1, y1, x2, y2 := lon[i-1], r[i-1].Lat, lon[i], r[i].Lat
		cross := (x2-x1)*(y-y1) - (y2-y1)*(x-x1)
		if math.Abs(cross) < 1e-12 && x >= min(x1, x2) && x <= max(x1, x2) && y >= min(y1, y2) && y <= max(y1, y2) {
			return true
		}
		if (y1 > y) != (y2 > y) && x < x1+(y-y1)/(y2-y1)*(x2-x1) {
			in = !in
		}
	}
	return in
}

const earthRadius = 6371.0088 // km, the mean radius R1 of WGS 84's ellipsoid

// contains compares with the great-circle distance (haversine).
func (c Circle) contains(p Point) bool {
	rad := math.Pi / 180
	dLat, dLon := (p.Lat-c.Center.Lat)*rad/2, (p.Lon-c.Center.Lon)*rad/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(p.Lat*rad)*math.Cos(c.Center.Lat*rad)*math.Sin(dLon)*math.Sin(dLon)
	return 2*earthRadius*math.Asin(math.Sqrt(min(1, h))) <= c.Radius
}
