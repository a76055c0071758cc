package starter

import (
	"image/color"
	"math"
)

// dish is a plate from above: what lies on it, and the table below.
type dish struct {
	light, dark uint32 // of the table
	plate       uint32
	food        func(e *easel, x, y float64)
}

func dishes() map[string]dish {
	return map[string]dish{
		"coffee.jpg":    {0xf3dcc2, 0xc98f5e, 0xffffff, coffee},
		"croissant.jpg": {0xfbe9c9, 0xe3b26a, 0xfdfbf7, croissant},
		"pancakes.jpg":  {0xd9ecf2, 0x86b6c6, 0xffffff, pancakes},
		"salad.jpg":     {0xe9f1da, 0x9dbb6f, 0xfbfbf6, salad},
		"soup.jpg":      {0x3f5d5a, 0x1f3534, 0xf1ece2, soup},
		"pasta.jpg":     {0xf6d9cd, 0xd98a6a, 0xffffff, pasta},
		"pizza.jpg":     {0x4a4f63, 0x23273a, 0x3a3f52, pizza},
		"tart.jpg":      {0xf4dbe4, 0xc77c99, 0xffffff, tart},
	}
}

func (d dish) draw(w, h int, seed uint64) *easel {
	e := newEasel(w, h, seed)
	e.ground(rgb(d.light), rgb(d.dark))
	x, y := e.wide()/2, 0.5
	e.shadow(x+0.02, y+0.035, 0.4, 0.06, 0.34)
	e.disc(x, y, 0.41, tint(rgb(d.plate), -0.08))
	e.disc(x-0.003, y-0.004, 0.405, rgb(d.plate))
	e.disc(x, y, 0.31, tint(rgb(d.plate), -0.045))
	e.disc(x+0.003, y+0.004, 0.302, tint(rgb(d.plate), -0.015))
	d.food(e, x, y)
	return e
}

func coffee(e *easel, x, y float64) {
	e.stroke(0.05, tint(rgb(0xffffff), -0.06), [2]float64{x + 0.2, y + 0.02}, [2]float64{x + 0.3, y + 0.06})
	e.shadow(x+0.012, y+0.02, 0.235, 0.03, 0.3)
	e.disc(x, y, 0.24, rgb(0xffffff))
	e.disc(x, y, 0.212, rgb(0x5b3420))
	e.disc(x, y, 0.204, rgb(0x8a5631))
	for i := range 5 { // the leaf of milk
		t := float64(i)
		e.oval(x, y-0.1+0.046*t, 0.035+0.024*t-0.003*t*t, 0.026, 0, rgb(0xf1dcc0))
		e.oval(x, y-0.088+0.046*t, 0.026+0.02*t-0.003*t*t, 0.012, 0, rgb(0x9b683f))
	}
	e.stroke(0.012, rgb(0xf1dcc0), [2]float64{x, y - 0.14}, [2]float64{x, y + 0.14})
}

func croissant(e *easel, x, y float64) {
	const n = 9
	var body [][2]float64
	for i := range 30 {
		a := math.Pi*1.5 + (float64(i)/29*2-1)*1.3
		body = append(body, [2]float64{x + 0.18*math.Cos(a), y + 0.1 + 0.18*math.Sin(a)})
	}
	e.stroke(0.11, rgb(0xb4702a), body...)
	for _, under := range []bool{true, false} {
		for i := range n {
			t := float64(i)/(n-1)*2 - 1
			a := math.Pi*1.5 + t*1.45
			px, py := x+0.185*math.Cos(a), y+0.1+0.185*math.Sin(a)
			long, thick := 0.082*(1-0.55*t*t)+0.016, 0.05*(1-0.25*t*t)
			if under {
				e.oval(px+0.012, py+0.02, long, thick, a, glass(rgb(0x000000), 0.16))
				continue
			}
			e.oval(px, py, long, thick, a, rgb(0xa9611f))
			e.oval(px-0.004, py-0.006, long*0.9, thick*0.78, a, rgb(0xd58a36))
			e.oval(px-0.008, py-0.012, long*0.6, thick*0.34, a, rgb(0xf0b867))
		}
	}
	for range 26 {
		e.disc(x+e.between(-0.27, 0.27), y+e.between(0.14, 0.24), e.between(0.002, 0.006), rgb(0xc98136))
	}
}

func pancakes(e *easel, x, y float64) {
	for i, c := range []uint32{0xb8712f, 0xc67f39, 0xd08b45} {
		d := 0.012 * float64(i)
		e.shadow(x+0.006-d, y+0.02-d, 0.2, 0.02, 0.22)
		e.disc(x-d, y-d, 0.215, rgb(0xf0cf95))
		e.disc(x-d, y-d, 0.203, rgb(c))
		e.disc(x-d-0.01, y-d-0.01, 0.17, tint(rgb(c), 0.1))
	}
	e.oval(x-0.03, y+0.03, 0.15, 0.1, 0.4, glass(rgb(0x7a3d10), 0.55))
	e.oval(x+0.08, y+0.1, 0.05, 0.09, -0.5, glass(rgb(0x7a3d10), 0.55))
	e.fill(rgb(0xffe68a), func(to func(x, y float64)) {
		for i := range 4 {
			a := math.Pi/4 + math.Pi/2*float64(i) + 0.3
			to(x-0.03+0.07*math.Cos(a), y-0.02+0.07*math.Sin(a))
		}
	})
	for i := range 9 {
		a := e.between(0, 2*math.Pi)
		berry(e, x+0.255*math.Cos(a), y+0.255*math.Sin(a), 0.021, []uint32{0x3d4f8f, 0xc8324a}[i%2])
	}
}

func berry(e *easel, x, y, r float64, c uint32) {
	e.disc(x+0.004, y+0.006, r, glass(rgb(0x000000), 0.2))
	e.disc(x, y, r, rgb(c))
	e.disc(x-r*0.3, y-r*0.35, r*0.35, glass(rgb(0xffffff), 0.35))
}

func leaf(e *easel, x, y, size, turn float64, c color.NRGBA) {
	e.oval(x+0.004, y+0.006, size, size*0.46, turn, glass(rgb(0x000000), 0.14))
	e.oval(x, y, size, size*0.46, turn, c)
	dx, dy := 0.8*size*math.Cos(turn), 0.8*size*math.Sin(turn)
	e.stroke(size*0.07, tint(c, 0.35), [2]float64{x - dx, y - dy}, [2]float64{x + dx, y + dy})
}

func salad(e *easel, x, y float64) {
	for i := range 64 {
		r, a := 0.27*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		leaf(e, x+r*math.Cos(a), y+r*math.Sin(a), e.between(0.045, 0.08), e.between(0, math.Pi), e.one(0x4f8a35, 0x6aa543, 0x87bd52, 0x3d7430))
		if i%9 == 4 {
			r, a := 0.22*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
			px, py := x+r*math.Cos(a), y+r*math.Sin(a)
			e.disc(px+0.004, py+0.006, 0.042, glass(rgb(0x000000), 0.2))
			e.disc(px, py, 0.042, rgb(0xd43c2c))
			e.disc(px, py, 0.034, rgb(0xee6a55))
			for k := range 6 {
				s, c := math.Sincos(float64(k) * math.Pi / 3)
				e.oval(px+0.019*c, py+0.019*s, 0.009, 0.005, float64(k)*math.Pi/3, rgb(0xf9c58b))
			}
		}
	}
	for range 16 {
		r, a := 0.24*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		e.oval(x+r*math.Cos(a), y+r*math.Sin(a), e.between(0.014, 0.024), e.between(0.01, 0.016), e.between(0, 3), rgb(0xfaf5e6))
	}
}

func soup(e *easel, x, y float64) {
	e.disc(x, y, 0.292, rgb(0xb9571c))
	e.disc(x, y, 0.285, rgb(0xe8802b))
	e.disc(x-0.02, y-0.02, 0.24, rgb(0xef8d35))
	var line [][2]float64
	for i := range 90 {
		a := float64(i) * 0.16
		r := 0.02 + 0.00185*float64(i)
		line = append(line, [2]float64{x + r*math.Cos(a), y + r*math.Sin(a)})
	}
	e.stroke(0.016, rgb(0xfff1d6), line...)
	for range 22 {
		r, a := 0.22*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		leaf(e, x+r*math.Cos(a), y+r*math.Sin(a), e.between(0.012, 0.024), e.between(0, 3), e.one(0x4f7d2c, 0x6b9c3c))
	}
}

func pasta(e *easel, x, y float64) {
	for range 90 {
		r, a, bend := e.between(0.05, 0.24), e.between(0, 2*math.Pi), e.between(0.9, 2.4)
		var line [][2]float64
		for i := range 12 {
			t := a + bend*float64(i)/11
			line = append(line, [2]float64{x + r*math.Cos(t) + 0.02*math.Cos(3*a), y + r*math.Sin(t)*0.94 + 0.02*math.Sin(5*a)})
		}
		e.stroke(0.017, rgb(0xc99a3b), line...)
		e.stroke(0.012, e.one(0xf2d27a, 0xeec565, 0xf6dc90), line...)
	}
	for range 30 {
		r, a := 0.12*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		e.disc(x+r*math.Cos(a), y+r*math.Sin(a), e.between(0.02, 0.05), e.one(0xc23b22, 0xd14a2b, 0xb5331c))
	}
	for i := range 4 {
		leaf(e, x+e.between(-0.03, 0.03), y+e.between(-0.03, 0.03), 0.055, float64(i)*0.8, e.one(0x3f7a35, 0x55934a))
	}
}

func pizza(e *easel, x, y float64) {
	e.shadow(x+0.01, y+0.02, 0.34, 0.03, 0.3)
	e.disc(x, y, 0.345, rgb(0xb9762f))
	e.disc(x-0.004, y-0.006, 0.335, rgb(0xdca257))
	e.disc(x, y, 0.295, rgb(0xc4431f))
	for range 120 {
		r, a := 0.275*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		e.oval(x+r*math.Cos(a), y+r*math.Sin(a), e.between(0.02, 0.05), e.between(0.015, 0.035), e.between(0, 3), e.one(0xf7d98b, 0xf3cc6c, 0xfae6ae))
	}
	for i := range 11 {
		a := float64(i) * 2.4
		r := 0.075 * math.Sqrt(float64(i)+0.6)
		px, py := x+r*math.Cos(a), y+r*math.Sin(a)
		e.disc(px+0.003, py+0.005, 0.04, glass(rgb(0x000000), 0.22))
		e.disc(px, py, 0.04, rgb(0xa32a1d))
		e.disc(px-0.004, py-0.005, 0.033, rgb(0xc1402c))
	}
	for range 12 {
		r, a := 0.24*math.Sqrt(e.between(0, 1)), e.between(0, 2*math.Pi)
		leaf(e, x+r*math.Cos(a), y+r*math.Sin(a), 0.036, e.between(0, 3), e.one(0x3f7a35, 0x55934a))
	}
	for i := range 4 {
		s, c := math.Sincos(float64(i)*math.Pi/4 + 0.2)
		e.stroke(0.006, glass(rgb(0x5a2a10), 0.8), [2]float64{x - 0.34*c, y - 0.34*s}, [2]float64{x + 0.34*c, y + 0.34*s})
	}
}

func tart(e *easel, x, y float64) {
	e.shadow(x+0.008, y+0.016, 0.25, 0.025, 0.28)
	for i := range 28 {
		s, c := math.Sincos(float64(i) * 2 * math.Pi / 28)
		e.disc(x+0.245*c, y+0.245*s, 0.032, rgb(0xc98a45))
		e.disc(x+0.243*c-0.002, y+0.243*s-0.003, 0.022, rgb(0xe2ab66))
	}
	e.disc(x, y, 0.235, rgb(0xf7e3ad))
	for ring, n := range []int{18, 12, 6, 1} {
		r := 0.195 - 0.062*float64(ring)
		if n == 1 {
			r = 0
		}
		for i := range n {
			s, c := math.Sincos(float64(i)*2*math.Pi/float64(n) + 0.2*float64(ring))
			berry(e, x+r*c, y+r*s, 0.03, []uint32{0xc3263f, 0x37488c, 0xc3263f, 0x37488c}[ring])
		}
	}
	leaf(e, x+0.02, y-0.02, 0.03, 0.6, rgb(0x5c9a4d))
}
