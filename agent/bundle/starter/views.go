package starter

import (
	"image"
	"image/color"
	"math"
	"runtime"
	"sync"
)

// sky is a backdrop: three colours from top to bottom, a glow, and hills in front.
type sky struct {
	top, middle, bottom color.NRGBA
	glow                color.NRGBA
	x, y, radius        float64 // of the glow, shares of width, height, height
	hills               []color.NRGBA
	phase               float64
}

func dawn() sky {
	return sky{rgb(0x16335b), rgb(0x3f6fa3), rgb(0xf2a978), rgb(0xffe2b0), 0.74, 0.63, 0.55, []color.NRGBA{rgb(0x5f6f96), rgb(0x3c4f7a), rgb(0x20335a)}, 0.6}
}

func dusk() sky {
	return sky{rgb(0x1b2445), rgb(0x4a3a6b), rgb(0xd0727a), rgb(0xffb98a), 0.22, 0.72, 0.5, []color.NRGBA{rgb(0x5a3f68), rgb(0x3a2c55), rgb(0x221d3f)}, 2.1}
}

func night() sky {
	return sky{rgb(0x07101f), rgb(0x0f2440), rgb(0x24516f), rgb(0x8fd0e0), 0.5, 0.9, 0.75, []color.NRGBA{rgb(0x143650), rgb(0x0e263e), rgb(0x08172a)}, 4.0}
}

func day() sky {
	return sky{rgb(0x3f86c9), rgb(0x8fc1ea), rgb(0xe7f2f5), rgb(0xffffff), 0.7, 0.3, 0.5, []color.NRGBA{rgb(0x8fb5a0), rgb(0x5f9470), rgb(0x3c7350)}, 1.2}
}

// sketch draws a sky with room for more.
func (s sky) sketch(w, h int, seed uint64) *easel {
	e := newEasel(w, h, seed)
	e.img = s.paint(w, h).(*image.RGBA)
	return e
}

// skyline is a town in the evening.
func skyline(w, h int) *easel {
	s := dusk()
	s.hills = nil
	e := s.sketch(w, h, 11)
	for row, c := range []uint32{0x6b4a70, 0x46335f, 0x251f44} {
		for x := -0.05; x < e.wide(); {
			bw, bh := e.between(0.07, 0.16), e.between(0.16, 0.46)-0.07*float64(row)
			top := 1 - bh
			e.box(x, top, x+bw, 1, rgb(c))
			for wy := top + 0.03; row > 0 && wy < 0.98; wy += 0.036 {
				for wx := x + 0.014; wx < x+bw-0.02; wx += 0.026 {
					if e.between(0, 1) < 0.32 {
						e.box(wx, wy, wx+0.012, wy+0.018, glass(rgb(0xffd58a), e.between(0.4, 0.95)))
					}
				}
			}
			x += bw + e.between(-0.01, 0.03)
		}
	}
	return e
}

func (e *easel) box(x0, y0, x1, y1 float64, c color.NRGBA) {
	e.fill(c, func(to func(x, y float64)) { to(x0, y0); to(x1, y0); to(x1, y1); to(x0, y1) })
}

// harbour is the sea below a low sun, with sails.
func harbour(w, h int) *easel {
	s := dawn()
	s.hills = nil
	s.y, s.x = 0.56, 0.5
	e := s.sketch(w, h, 5)
	sun := e.wide() * 0.5
	e.disc(sun, 0.55, 0.085, rgb(0xfff3d6))
	e.box(0, 0.6, e.wide(), 1, rgb(0x2f5f8f))
	for i := range 26 {
		y := 0.605 + 0.0148*float64(i)
		half := 0.05 + 0.012*float64(i)*e.between(0.4, 1.4)
		e.box(sun-half, y, sun+half, y+0.005, glass(rgb(0xffdcae), 0.75-0.022*float64(i)))
	}
	for _, b := range [][3]float64{{0.28, 0.72, 1}, {1.2, 0.67, 0.7}, {1.42, 0.8, 1.3}} {
		x, y, k := b[0], b[1], b[2]
		sail := func(dx float64, c uint32) {
			e.fill(rgb(c), func(to func(x, y float64)) { to(x, y-0.2*k); to(x+dx*k, y-0.02*k); to(x, y-0.02*k) })
		}
		sail(0.1, 0xfdf6ea)
		sail(-0.07, 0xf2c9a8)
		e.fill(rgb(0x1d2f4d), func(to func(x, y float64)) {
			to(x-0.09*k, y)
			to(x+0.11*k, y)
			to(x+0.08*k, y+0.03*k)
			to(x-0.065*k, y+0.03*k)
		})
	}
	return e
}

// forest is a row of firs before hills.
func forest(w, h int) *easel {
	s := day()
	s.hills = []color.NRGBA{rgb(0x9cc0b0), rgb(0x6d9f88)}
	e := s.sketch(w, h, 21)
	for row, c := range []uint32{0x4c8266, 0x2f6350, 0x17423a} {
		foot := 0.84 + 0.09*float64(row)
		for x := -0.02; x < e.wide()+0.05; x += e.between(0.035, 0.075) {
			tall := e.between(0.16, 0.3) + 0.05*float64(row)
			for k := range 3 {
				y, half := foot-tall+tall*0.24*float64(k), (0.022+0.016*float64(k))*(1+0.3*float64(row))
				e.fill(rgb(c), func(to func(x, y float64)) { to(x, y); to(x+half, y+tall*0.45); to(x-half, y+tall*0.45) })
			}
		}
		e.box(0, foot-0.02, e.wide(), 1, rgb(c))
	}
	return e
}

// peaks are mountains with snow.
func peaks(w, h int) *easel {
	s := night()
	s.top, s.middle, s.bottom, s.glow = rgb(0x2b4a7d), rgb(0x6f9ad0), rgb(0xf3d9c9), rgb(0xfff0dd)
	s.hills, s.y = nil, 0.6
	e := s.sketch(w, h, 8)
	for row, c := range []uint32{0x7d93b8, 0x4d678f, 0x2b4066} {
		for i := range 4 {
			x, top, half := e.wide()*(float64(i)+e.between(0.1, 0.7))/3.4, 0.3+0.16*float64(row)+e.between(0, 0.12), e.between(0.32, 0.46)
			slope := (1.02 - top) / half
			e.fill(rgb(c), func(to func(x, y float64)) { to(x, top); to(x+half, 1.02); to(x-half, 1.02) })
			e.fill(tint(rgb(c), -0.12), func(to func(x, y float64)) { to(x, top); to(x+half, 1.02); to(x+half*0.12, 1.02); to(x-0.02, top+0.2) })
			snow := 0.12 - 0.02*float64(row)
			e.fill(rgb(0xf6f9fd), func(to func(x, y float64)) {
				to(x, top)
				to(x+snow/slope, top+snow)
				to(x+0.35*snow/slope, top+0.72*snow)
				to(x, top+1.1*snow)
				to(x-0.4*snow/slope, top+0.7*snow)
				to(x-snow/slope, top+snow)
			})
		}
	}
	return e
}

// balloons float over hills.
func balloons(w, h int) *easel {
	e := day().sketch(w, h, 3)
	for _, b := range [][4]float64{{0.42, 0.34, 0.15, 0}, {1.02, 0.24, 0.1, 1}, {1.32, 0.5, 0.07, 2}} {
		x, y, r := b[0], b[1], b[2]
		main, stripe := rgb([]uint32{0xe4572e, 0x2e86ab, 0xf2a541}[int(b[3])]), rgb(0xfdf3e1)
		e.fill(main, func(to func(x, y float64)) {
			to(x-0.86*r, y+0.5*r)
			to(x+0.86*r, y+0.5*r)
			to(x+0.2*r, y+1.5*r)
			to(x-0.2*r, y+1.5*r)
		})
		e.disc(x, y, r, main)
		e.oval(x, y+0.02*r, 0.62*r, 0.99*r, 0, stripe)
		e.oval(x, y+0.02*r, 0.28*r, 0.99*r, 0, main)
		e.stroke(0.006, rgb(0x5a4632), [2]float64{x - 0.17*r, y + 1.48*r}, [2]float64{x - 0.12*r, y + 1.8*r})
		e.stroke(0.006, rgb(0x5a4632), [2]float64{x + 0.17*r, y + 1.48*r}, [2]float64{x + 0.12*r, y + 1.8*r})
		e.box(x-0.16*r, y+1.76*r, x+0.16*r, y+2.02*r, rgb(0x8a5a34))
	}
	return e
}

// stars are a clear night with a moon.
func stars(w, h int) *easel {
	e := night().sketch(w, h, 14)
	for range 150 {
		e.disc(e.between(0, e.wide()), e.between(0, 0.66), e.between(0.001, 0.0035), glass(rgb(0xffffff), e.between(0.3, 0.95)))
	}
	e.disc(e.wide()*0.72, 0.26, 0.1, rgb(0xf6f1d8))
	for _, c := range [][3]float64{{-0.03, -0.02, 0.022}, {0.035, 0.03, 0.03}, {0.01, -0.055, 0.014}} {
		e.disc(e.wide()*0.72+c[0], 0.26+c[1], c[2], rgb(0xdfd8b8))
	}
	return e
}

func (s sky) paint(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	ridges := s.ridges(w)
	var wait sync.WaitGroup
	bands := runtime.GOMAXPROCS(0)
	for band := range bands {
		wait.Go(func() {
			for y := band * h / bands; y < (band+1)*h/bands; y++ {
				s.line(img, y, ridges)
			}
		})
	}
	wait.Wait()
	return img
}

// ridges are the heights of the hills' edges by column, as shares of the picture's height from its top.
func (s sky) ridges(w int) [][]float64 {
	all := make([][]float64, len(s.hills))
	for i := range all {
		k := float64(i)
		for x := range w {
			fx := float64(x) / float64(w)
			all[i] = append(all[i], 0.70+0.085*k+(0.055-0.008*k)*math.Sin(fx*(3.1+1.3*k)+s.phase+k*1.9)+0.018*math.Sin(fx*(9.7+2.1*k)+s.phase*2+k))
		}
	}
	return all
}

func (s sky) line(img *image.RGBA, y int, ridges [][]float64) {
	w, h := img.Rect.Dx(), float64(img.Rect.Dy())
	fy, aspect := float64(y)/h, float64(w)/h
	r0, g0, b0 := blend(s.middle, s.bottom, smooth(math.Max(0, (fy*1.6-1)/0.6)))
	if t := fy * 1.6; t < 1 {
		r0, g0, b0 = blend(s.top, s.middle, smooth(t))
	}
	for x := range w {
		r, g, b := r0, g0, b0
		dx, dy := (float64(x)/float64(w)-s.x)*aspect/s.radius, (fy-s.y)/s.radius
		over(&r, &g, &b, s.glow, 0.75*math.Exp(-5*(dx*dx+dy*dy)))
		for i, hill := range s.hills {
			if edge := (fy - ridges[i][x]) * h; edge > 0 { // pixels below the ridge: the first of them blends
				over(&r, &g, &b, hill, math.Min(1, edge)*(0.86+0.05*float64(i)))
			}
		}
		// A little noise keeps the slow gradients from showing steps.
		n := float64((uint32(x)*374761393+uint32(y)*668265263)*2654435761>>24)/255 - 0.5
		p := img.Pix[img.PixOffset(x, y):][:4]
		p[0], p[1], p[2], p[3] = level(r+n), level(g+n), level(b+n), 0xff
	}
}

func blend(a, b color.NRGBA, t float64) (float64, float64, float64) {
	mix := func(a, b uint8) float64 { return float64(a) + (float64(b)-float64(a))*t }
	return mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B)
}

func over(r, g, b *float64, c color.NRGBA, alpha float64) {
	*r += (float64(c.R) - *r) * alpha
	*g += (float64(c.G) - *g) * alpha
	*b += (float64(c.B) - *b) * alpha
}

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

func level(v float64) uint8 {
	switch {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	}
	return uint8(v + 0.5)
}
