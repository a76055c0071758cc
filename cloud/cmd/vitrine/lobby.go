package main

import (
	"image"
	"image/color"
	"math"
	"runtime"
	"sync"
)

// texts are what the lobby says in one language; those for the YAML are quoted where they must be.
type texts struct {
	ID, Lang, Zone, DateFormat string
	Name, Welcome, Sub, Today  string
	When, What, Where          string
	News, Programme, Intro     []string
	C                          map[string]string // comments of the YAML
}

func lobbyTexts(lang string) texts {
	if lang == "fr" {
		return lobbyFrench()
	}
	return lobbyEnglish()
}

func lobbyEnglish() texts {
	return texts{Lang: "en", Zone: "Europe/London", DateFormat: `"Monday 2 January"`,
		Name: "Lobby", Welcome: "Welcome", Sub: "Glad to have you here.", Today: "Today",
		When: "Time", What: "What", Where: "Where",
		News: []string{"Visitors: please sign in at the desk.", "The café is open from 8:00 to 17:00.", "Lost something? Ask at the desk.", "Edit data/news.csv to change this line."},
		Programme: []string{"09:00;Welcome coffee;Foyer", "09:30;Guided tour;Meeting point", "11:00;Workshop: first steps;Room 1",
			"12:30;Lunch;Café", "14:00;Talks and questions;Auditorium", "17:30;Closing words;Foyer"},
		Intro: []string{"What a screen shows, and when. Editors that know YAML schemas complete and check this file;",
			"so does: vitrine check, with line and column. The picture of an instant: vitrine preview"},
		C: map[string]string{"id": "stable: players know the bundle by it", "zone": "of players that have no time zone of their own",
			"sources": "Data for tables and tickers: files of this folder here; also files on the player, and http(s).",
			"scenes":  "What the whole screen shows for a while. Zones: [x, y, width, height] on the canvas.",
			"anchor":  "&time names a zone; *time uses it again below.", "defaults": "What shows when no event does.",
			"events":   "What shows at some times instead. The highest priority wins (0 when absent).",
			"fallback": "What shows when neither can.", "tests": "Instants with what must be on; building runs them."}}
}

func lobbyFrench() texts {
	return texts{Lang: "fr", Zone: "Europe/Paris", DateFormat: `"Monday 2 January"`,
		Name: "Accueil", Welcome: "Bienvenue", Sub: "Nous sommes heureux de vous accueillir.", Today: "Aujourd’hui",
		When: "Heure", What: "Programme", Where: "Lieu",
		News: []string{"Visiteurs : merci de vous présenter à l’accueil.", "Le café est ouvert de 8 h à 17 h.", "Un objet perdu ? Demandez à l’accueil.", "Modifiez data/news.csv pour changer cette ligne."},
		Programme: []string{"09:00;Café d’accueil;Hall", "09:30;Visite guidée;Point de rencontre", "11:00;Atelier : premiers pas;Salle 1",
			"12:30;Déjeuner;Café", "14:00;Conférences et questions;Auditorium", "17:30;Mot de la fin;Hall"},
		Intro: []string{"Ce qu'un écran montre, et quand. Les éditeurs qui connaissent les schémas YAML complètent et vérifient ce fichier ;",
			"vitrine check aussi, avec ligne et colonne. L'image d'un instant : vitrine preview"},
		C: map[string]string{"id": "stable : les lecteurs connaissent le contenu par ce nom", "zone": "pour les lecteurs sans fuseau horaire à eux",
			"sources": "Données des tableaux et bandeaux : ici des fichiers du dossier ; aussi des fichiers du lecteur, et http(s).",
			"scenes":  "Ce que tout l'écran montre un moment. Zones : [x, y, largeur, hauteur] sur le canevas.",
			"anchor":  "&time nomme une zone ; *time la reprend plus bas.", "defaults": "Ce qui passe quand aucun événement ne joue.",
			"events":   "Ce qui passe à sa place à certaines heures. La plus haute priorité gagne (0 par défaut).",
			"fallback": "Ce qui passe quand rien d'autre ne peut.", "tests": "Des instants et ce qui doit passer ; la construction les vérifie."}}
}

// sky is a backdrop: three colours from top to bottom, a glow, and hills in front.
type sky struct {
	top, middle, bottom color.NRGBA
	glow                color.NRGBA
	x, y, radius        float64 // of the glow, shares of width, height, height
	hills               []color.NRGBA
	phase               float64
}

// backdrops are the lobby's pictures, made here so that they are anybody's to use.
func backdrops() map[string]image.Image {
	skies := map[string]sky{
		"dawn.jpg": {rgb(0x16335b), rgb(0x3f6fa3), rgb(0xf2a978), rgb(0xffe2b0), 0.74, 0.63, 0.55,
			[]color.NRGBA{rgb(0x5f6f96), rgb(0x3c4f7a), rgb(0x20335a)}, 0.6},
		"dusk.jpg": {rgb(0x1b2445), rgb(0x4a3a6b), rgb(0xd0727a), rgb(0xffb98a), 0.22, 0.72, 0.5,
			[]color.NRGBA{rgb(0x5a3f68), rgb(0x3a2c55), rgb(0x221d3f)}, 2.1},
		"night.jpg": {rgb(0x07101f), rgb(0x0f2440), rgb(0x24516f), rgb(0x8fd0e0), 0.5, 0.9, 0.75,
			[]color.NRGBA{rgb(0x143650), rgb(0x0e263e), rgb(0x08172a)}, 4.0},
	}
	pictures := map[string]image.Image{}
	for name, s := range skies {
		pictures[name] = s.paint(1920, 1080)
	}
	return pictures
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
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

func level(v float64) uint8 { return uint8(math.Max(0, math.Min(255, math.Round(v)))) }
