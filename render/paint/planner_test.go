package paint_test

import (
	"bytes"
	"image"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// meeting is a row of a calendar, on a day of the week that noon is in (Monday is 16, Saturday is 21).
func meeting(day, from, to, title, room string) []string {
	return []string{title, "2026-11-" + day + "T" + from + ":00Z", "2026-11-" + day + "T" + to + ":00Z", room, "false"}
}

func week() [][]string {
	return [][]string{
		meeting("16", "09:00", "10:30", "Comité de direction", "Curie"), meeting("16", "10:00", "11:00", "Accueil des nouveaux", "Ampère"),
		meeting("17", "14:00", "16:00", "Atelier sécurité incendie", "Curie"), meeting("18", "08:30", "09:00", "Point projet", "Pascal"),
		meeting("18", "11:00", "12:30", "Visite de l’usine par les lycéens", "Hall"), meeting("19", "13:00", "17:00", "Formation secourisme", "Curie"),
		meeting("20", "09:30", "11:00", "Revue budgétaire", "Pascal"),
		meeting("21", "09:00", "10:00", "Répétition", "Curie"), meeting("21", "11:30", "13:30", "Comité de pilotage : budget 2027 et plan de charge", "Curie"),
		meeting("21", "12:00", "13:00", "Entretien", "Ampère"), meeting("21", "14:00", "15:30", "Conseil d’administration", "Ampère"), meeting("21", "15:00", "16:00", "Revue de code", "Curie"),
		{"Journée portes ouvertes", "2026-11-21", "", "", "true"},
		{"Séminaire annuel", "2026-11-19", "2026-11-21", "", "true"},
	}
}

func TestCalendarsLookAsTheyDid(t *testing.T) {
	rooms := []string{"Ampère", "Curie", "Pascal"}
	for _, c := range []struct {
		name string
		what scene.Calendar
		size image.Point
	}{
		{"calendar-day", scene.Calendar{Cells: week(), Style: scene.Style{Pad: 24}}, image.Pt(520, 400)},
		{"calendar-day-rooms", scene.Calendar{Cells: week(), Rooms: rooms, From: "09:00", To: "17:00", Style: scene.Style{Pad: 24}}, image.Pt(640, 360)},
		{"calendar-week", scene.Calendar{View: "week", Cells: week(), Style: scene.Style{Pad: 24}}, image.Pt(860, 480)},
		{"calendar-rooms", scene.Calendar{View: "rooms", Cells: week(), Rooms: append(rooms, "Hall"), Style: scene.Style{Pad: 24}}, image.Pt(640, 360)},
		{"calendar-room-busy", scene.Calendar{View: "rooms", Cells: week(), Rooms: rooms[1:2]}, image.Pt(512, 300)},
		{"calendar-room-free", scene.Calendar{View: "rooms", Cells: week(), Rooms: rooms[2:]}, image.Pt(300, 420)},
		{"calendar-none", scene.Calendar{View: "week"}, image.Pt(300, 200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := scene.Zone{Background: "#101a26", Radius: 20, Calendar: &c.what}
			golden(t, c.name, painted(t, z, c.size, 0.5, env(t, "fr"), 0))
		})
	}
	paper := scene.Zone{Background: "#f4f1ea", Calendar: &scene.Calendar{View: "week", Days: 5, Cells: week(), Accent: "#0b57a4", Style: scene.Style{Color: "#1c2430", Pad: 20}}}
	golden(t, "calendar-on-paper", painted(t, paper, image.Pt(700, 420), 0.5, env(t, "en"), 0))
}

func TestRowsSayHowOldTheyAre(t *testing.T) {
	z := scene.Zone{Background: "#101820", Radius: 20, Age: "données du 20/11 18:05", Table: board(6)}
	z.Table.Source = "menus"
	golden(t, "table-aged", painted(t, z, image.Pt(520, 300), 1, env(t, "fr"), 0))
	w, err := paint.New(z, image.Pt(520, 300), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	aged, plain := image.NewRGBA(image.Rect(0, 0, 520, 300)), painted(t, scene.Zone{Background: z.Background, Radius: z.Radius, Table: z.Table}, image.Pt(520, 300), 1, env(t, "fr"), 0)
	w.Paint(aged, noon())
	if bytes.Equal(aged.Pix, plain.Pix) {
		t.Error("nothing says so")
	}
	fresh := z
	fresh.Age = ""
	if u, ok := w.(paint.Updater); !ok || !u.Update(fresh) || w.Next(noon()) != noon() {
		t.Fatal("it does not take rows that are fresh again")
	}
	w.Paint(aged, noon())
	if !bytes.Equal(aged.Pix, plain.Pix) {
		t.Error("the label is still there")
	}
	if u := w.(paint.Updater); !u.Update(z) || w.Paint(aged, noon()).Empty() || bytes.Equal(aged.Pix, plain.Pix) {
		t.Error("it does not come back")
	}
	if !w.Paint(aged, noon()).Empty() {
		t.Error("it is painted again and again")
	}
}

func TestARoomsSignTurnsWithTheMinute(t *testing.T) {
	z := scene.Zone{Calendar: &scene.Calendar{View: "rooms", Rooms: []string{"Curie"}, Cells: week()}}
	w, err := paint.New(z, image.Pt(300, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 300, 200))
	busy := time.Date(2026, 11, 21, 13, 29, 0, 0, time.UTC)
	w.Paint(dst, busy)
	red := dst.RGBAAt(10, 100)
	next := w.Next(busy)
	if !next.Equal(busy.Add(time.Minute)) || w.Paint(dst, next).Empty() {
		t.Fatalf("it is painted again at %v", next)
	}
	if green := dst.RGBAAt(10, 100); green == red || green.G < green.R {
		t.Errorf("at half past one it is %v, before it was %v", green, red)
	}
}
