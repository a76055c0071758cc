package paint

import (
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"
)

// sky is one of ten conditions that can be drawn; skyNone is anything else.
type sky int

const (
	skyNone sky = iota
	skyClear
	skyPartly
	skyCloudy
	skyFog
	skyDrizzle
	skyRain
	skyShowers
	skySleet
	skySnow
	skyThunder
)

// skyWords are the conditions' names in a bundle's data, in English and French, in the order of the constants.
func skyWords(language string) [11]string {
	if strings.HasPrefix(strings.ToLower(language), "fr") {
		return [11]string{"", "Dégagé", "Éclaircies", "Couvert", "Brouillard", "Bruine", "Pluie", "Averses", "Neige fondue", "Neige", "Orages"}
	}
	return [11]string{"", "Clear", "Partly cloudy", "Cloudy", "Fog", "Drizzle", "Rain", "Showers", "Sleet", "Snow", "Thunderstorms"}
}

// skyOf reads a WMO code (WMO 306, volume I.1, code table 4677, as forecasts publish it) or a condition's word.
func skyOf(s string) sky {
	s = strings.ToLower(strings.TrimSpace(s))
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		return skyOfCode(v)
	}
	for i, word := range [...]string{"clear", "partly", "cloudy", "fog", "drizzle", "rain", "showers", "sleet", "snow", "thunder"} {
		if s == word {
			return skyClear + sky(i)
		}
	}
	return skyNone
}

// skyOfCode follows code table 4677; 0 to 3 are read as forecasts use them: how much of the sky is covered.
func skyOfCode(v float64) sky {
	if v < 0 || v > 99 || v != math.Trunc(v) {
		return skyNone
	}
	code := int(v)
	single := map[int]sky{0: skyClear, 1: skyClear, 2: skyPartly, 3: skyCloudy, 13: skyThunder, 17: skyThunder, 20: skyDrizzle, 21: skyRain,
		22: skySnow, 23: skySleet, 24: skySleet, 25: skyShowers, 26: skySnow, 27: skySleet, 28: skyFog, 29: skyThunder,
		56: skySleet, 57: skySleet, 58: skyRain, 59: skyRain, 66: skySleet, 67: skySleet, 68: skySleet, 69: skySleet,
		79: skySleet, 83: skySleet, 84: skySleet, 85: skySnow, 86: skySnow}
	if s, ok := single[code]; ok {
		return s
	}
	switch {
	case code < 10, code >= 30 && code < 36: // haze, smoke, dust, sand
		return skyFog
	case code < 13, code >= 40 && code < 50:
		return skyFog
	case code < 30:
		return skyCloudy
	case code < 40:
		return skySnow
	case code < 60:
		return skyDrizzle
	case code < 70:
		return skyRain
	case code < 80:
		return skySnow
	case code < 83:
		return skyShowers
	case code < 91:
		return skySleet // hail
	}
	return skyThunder
}

// paints are the colours of a drawn sky, for light or dark ground.
type paints struct{ sun, cloud, shade, rain, snow, bolt color.NRGBA }

func paintsFor(ink color.NRGBA) paints {
	if bright(ink) {
		return paints{sun: hex(0xffc648), cloud: hex(0xf1f5fa), shade: hex(0xb9c6d8), rain: hex(0x74bbff), snow: hex(0xffffff), bolt: hex(0xffd23f)}
	}
	return paints{sun: hex(0xf2a100), cloud: hex(0x94a5bb), shade: hex(0x6d8099), rain: hex(0x1f78cc), snow: hex(0x5f97c9), bolt: hex(0xe39000)}
}

func hex(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// easel draws on a field of 100 × 100 units.
type easel struct {
	dst  *image.RGBA
	x, y float64 // of the field's top left corner, in pixels
	k    float64 // pixels a unit
	paints
}

// drawSky draws a condition into a square with its top left corner at x, y.
func drawSky(dst *image.RGBA, s sky, x, y, side float64, ink color.NRGBA) {
	e := easel{dst: dst, x: x, y: y, k: side / 100, paints: paintsFor(ink)}
	switch s {
	case skyClear:
		e.sunAt(50, 50, 21, 8)
	case skyPartly:
		e.sunAt(64, 36, 17, 8)
		e.cloudAt(42, 62, 1, e.cloud)
	case skyCloudy:
		e.cloudAt(62, 42, 0.72, e.shade)
		e.cloudAt(45, 58, 1.02, e.cloud)
	case skyFog:
		e.cloudAt(50, 40, 0.9, e.cloud)
		e.sticks(e.shade, 3.2, [4]float64{20, 68, 80, 68}, [4]float64{28, 79, 72, 79}, [4]float64{38, 90, 62, 90})
	case skyDrizzle:
		e.cloudAt(50, 42, 1, e.cloud)
		e.sticks(e.rain, 2.4, [4]float64{36, 74, 34, 80}, [4]float64{52, 74, 50, 80}, [4]float64{68, 74, 66, 80}, [4]float64{43, 86, 41, 92}, [4]float64{59, 86, 57, 92})
	case skyRain:
		e.cloudAt(50, 42, 1, e.cloud)
		e.sticks(e.rain, 3, [4]float64{35, 74, 29, 91}, [4]float64{50, 74, 44, 91}, [4]float64{65, 74, 59, 91})
	case skyShowers:
		e.sunAt(68, 29, 14, 8)
		e.cloudAt(46, 46, 0.95, e.cloud)
		e.sticks(e.rain, 3, [4]float64{33, 76, 28, 91}, [4]float64{48, 76, 43, 91}, [4]float64{63, 76, 58, 91})
	case skySleet:
		e.cloudAt(50, 42, 1, e.cloud)
		e.sticks(e.rain, 3, [4]float64{34, 74, 28, 91}, [4]float64{66, 74, 60, 91})
		e.flake(48, 82, 7.5)
	case skySnow:
		e.cloudAt(50, 40, 1, e.cloud)
		e.flake(32, 78, 7)
		e.flake(51, 86, 7)
		e.flake(70, 78, 7)
	case skyThunder:
		e.cloudAt(50, 42, 1, e.cloud)
		e.boltAt(51, 63)
		e.sticks(e.rain, 3, [4]float64{31, 74, 26, 88}, [4]float64{72, 74, 67, 88})
	}
}

func (e easel) px(x, y float64) (float64, float64) { return e.x + x*e.k, e.y + y*e.k }

func (e easel) fill(p *path, c color.NRGBA) { p.fill(e.dst, image.NewUniform(c)) }

// sunAt is a disc with rays.
func (e easel) sunAt(x, y, r float64, rays int) {
	var p path
	cx, cy := e.px(x, y)
	p.begin()
	p.arc(cx, cy, r*e.k, 0, 2*math.Pi)
	for i := range rays {
		a := 2*math.Pi*float64(i)/float64(rays) + math.Pi/float64(rays)
		c, s := math.Cos(a), math.Sin(a)
		p.stick(cx+c*1.42*r*e.k, cy+s*1.42*r*e.k, cx+c*1.85*r*e.k, cy+s*1.85*r*e.k, 0.135*r*e.k)
	}
	e.fill(&p, e.sun)
}

// cloudAt is a cloud around a centre, 60 units wide at size 1.
func (e easel) cloudAt(x, y, size float64, c color.NRGBA) {
	var p path
	for _, d := range [...][3]float64{{-19, 9, 13}, {-5, -3, 17.5}, {13, 1, 14}, {22, 11, 11}} {
		cx, cy := e.px(x+d[0]*size, y+d[1]*size)
		p.begin()
		p.arc(cx, cy, d[2]*size*e.k, 0, 2*math.Pi)
	}
	left, top := e.px(x-19*size, y+4*size)
	p.round(left, top, 41*size*e.k, 18*size*e.k, 0, false)
	e.fill(&p, c)
}

// sticks are strokes with round ends, r thick on either side.
func (e easel) sticks(c color.NRGBA, r float64, lines ...[4]float64) {
	var p path
	for _, l := range lines {
		x0, y0 := e.px(l[0], l[1])
		x1, y1 := e.px(l[2], l[3])
		p.stick(x0, y0, x1, y1, r*e.k)
	}
	e.fill(&p, c)
}

// flake is a snow crystal of three strokes.
func (e easel) flake(x, y, r float64) {
	var lines [][4]float64
	for i := range 3 {
		a := math.Pi/2 + math.Pi*float64(i)/3
		c, s := r*math.Cos(a), r*math.Sin(a)
		lines = append(lines, [4]float64{x - c, y - s, x + c, y + s})
	}
	e.sticks(e.snow, 1.5, lines...)
}

func (e easel) boltAt(x, y float64) {
	var p path
	p.begin()
	for _, v := range [...][2]float64{{4, 0}, {-11, 20}, {-2, 20}, {-7, 36}, {11, 12}, {1, 12}, {8, 0}} {
		p.to(e.px(x+v[0], y+v[1]))
	}
	e.fill(&p, e.bolt)
}

// stick adds a stroke with round ends.
func (p *path) stick(x0, y0, x1, y1, r float64) {
	a := math.Atan2(y1-y0, x1-x0)
	p.begin()
	p.arc(x1, y1, r, a-math.Pi/2, a+math.Pi/2)
	p.arc(x0, y0, r, a+math.Pi/2, a+math.Pi*3/2)
}
