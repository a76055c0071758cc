package starter

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"math"
	"sync"
)

func noArt() (map[string][]byte, error) { return nil, nil }

// gather draws pictures side by side and gives their files.
func gather(all map[string]func() ([]byte, error)) (map[string][]byte, error) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	var failed error
	files := map[string][]byte{}
	for name, draw := range all {
		wait.Go(func() {
			b, err := draw()
			mu.Lock()
			defer mu.Unlock()
			if files[name] = b; err != nil {
				failed = err
			}
		})
	}
	wait.Wait()
	return files, failed
}

func skyArt(s sky, w, h int) func() ([]byte, error) {
	return func() ([]byte, error) { return jpegOf(s.paint(w, h)) }
}

func lobbyArt() (map[string][]byte, error) {
	return gather(map[string]func() ([]byte, error){
		"dawn.jpg": skyArt(dawn(), 1920, 1080), "dusk.jpg": skyArt(dusk(), 1920, 1080), "night.jpg": skyArt(night(), 1920, 1080)})
}

func portraitArt() (map[string][]byte, error) {
	return gather(map[string]func() ([]byte, error){
		"dawn.jpg": skyArt(dawn(), 1080, 1920), "night.jpg": skyArt(night(), 1080, 1920)})
}

func roomsArt() (map[string][]byte, error) {
	return gather(map[string]func() ([]byte, error){"calm.jpg": func() ([]byte, error) {
		e := newEasel(1920, 1080, 1)
		e.ground(rgb(0x1f4a5c), rgb(0x0b1622))
		return e.jpeg()
	}})
}

func menuArt() (map[string][]byte, error) {
	all := map[string]func() ([]byte, error){}
	seed := uint64(0)
	for name, d := range dishes() {
		all["dishes/"+name] = func() ([]byte, error) { return d.draw(608, 512, seed).jpeg() }
	}
	for name, of := range map[string]string{"breakfast.jpg": "coffee.jpg", "lunch.jpg": "salad.jpg", "dinner.jpg": "pizza.jpg"} {
		d := dishes()[of]
		all[name] = func() ([]byte, error) { return d.draw(800, 1080, 7).jpeg() }
	}
	return gather(all)
}

func newsArt() (map[string][]byte, error) {
	all := map[string]func() ([]byte, error){}
	for name, view := range map[string]func(w, h int) *easel{"town.jpg": skyline, "harbour.jpg": harbour, "forest.jpg": forest, "peaks.jpg": peaks,
		"balloons.jpg": balloons, "stars.jpg": stars} {
		all["news/"+name] = func() ([]byte, error) { return view(960, 640).jpeg() }
	}
	all["paper.jpg"] = func() ([]byte, error) {
		e := newEasel(1920, 1080, 1)
		e.ground(rgb(0x22344d), rgb(0x0c1420))
		return e.jpeg()
	}
	return gather(all)
}

func wallArt() (map[string][]byte, error) {
	return gather(map[string]func() ([]byte, error){"waves.gif": waves})
}

// waves is a moving picture without a seam: slow light on water, in the 256 shades that a GIF can have.
func waves() ([]byte, error) {
	const w, h, frames = 320, 180, 40
	shades := make(color.Palette, 256)
	for i := range shades {
		t := float64(i) / 255
		from, to, u := rgb(0x06182c), rgb(0x1b6a8f), t*2
		if t > 0.5 {
			from, to, u = rgb(0x1b6a8f), rgb(0xf0b487), t*2-1
		}
		r, g, b := blend(from, to, smooth(u))
		shades[i] = color.NRGBA{level(r), level(g), level(b), 0xff}
	}
	film := &gif.GIF{Image: make([]*image.Paletted, frames), Delay: make([]int, frames)}
	var wait sync.WaitGroup
	for f := range frames {
		film.Delay[f] = 8 // hundredths of a second
		wait.Go(func() {
			img := image.NewPaletted(image.Rect(0, 0, w, h), shades)
			turn := 2 * math.Pi * float64(f) / frames
			for y := range h {
				for x := range w {
					u, v := float64(x)/h, float64(y)/h
					s := math.Sin(3.1*u+1.7*v+turn) + math.Sin(2.3*v-4.4*u+2+turn) + 0.8*math.Sin(5.2*(u+0.4*v)+1.1*math.Sin(turn)+1) + 0.5*math.Sin(7.9*v-1.3*u-turn)
					img.Pix[y*img.Stride+x] = level(255 * smooth(0.5+0.5*s/3.3) * (0.55 + 0.45*v))
				}
			}
			film.Image[f] = img
		})
	}
	wait.Wait()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, film); err != nil {
		return nil, fmt.Errorf("draw the moving picture: %w", err)
	}
	return b.Bytes(), nil
}
