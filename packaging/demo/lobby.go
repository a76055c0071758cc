package main

import (
	"context"
	"fmt"
	"image"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Where things are on the canvas of 1920 × 1080.
func canvas() image.Point        { return image.Pt(1920, 1080) }
func filmZone() image.Rectangle  { return image.Rect(48, 144, 48+1248, 144+702) }
func tableZone() image.Rectangle { return image.Rect(1336, 144, 1336+536, 144+492) }
func newsZone() image.Rectangle  { return image.Rect(0, 984, 1920, 1080) }
func clockZone() image.Rectangle { return image.Rect(1572, 36, 1572+300, 36+84) }

// lobbyYAML is the bundle as its author writes it; %[1]s is the playlist, %[2]s the feed's address.
const lobbyYAML = `id: demo
name: Atelier Nord, lobby
zone: Europe/Paris
locale: en
canvas: {width: 1920, height: 1080}

sources:
  news:
    type: feed
    location: {type: http, url: "%[2]s"}
    refresh: {every: 30s}
  programme:
    type: delimited
    separator: ";"
    location: {type: bundle, path: data/programme.csv}

scenes:
  lobby:
    background: "#0c1322"
    zones:
      - {at: [48, 36, 1000, 84], text: {text: "Atelier Nord", style: {size: 60, weight: 700, color: "#ffffff"}}}
      - {at: [1000, 36, 560, 84], clock: {format: "Monday 2 January", style: {size: 36, align: end, color: "#ffffffb0"}}}
      - {at: [1572, 36, 300, 84], clock: {format: "15:04:05", style: {size: 60, weight: 700, align: end, color: "#ffb35c"}}}
      - at: [48, 144, 1248, 702]
        radius: 22
        playlist: [%[1]s]
      - at: [1336, 144, 536, 492]
        background: "#16213a"
        radius: 22
        table:
          source: programme
          header: true
          accent: "#ffb35c"
          style: {size: 32, color: "#ffffff", pad: 26}
          columns: [{name: Time, width: 1}, {name: Today, width: 3}]
      - {at: [1336, 660, 536, 186], background: "#16213a", radius: 22}
      - {at: [1358, 676, 154, 154], z: 1, background: "#ffffff", radius: 10, qr: {text: "https://atelier-nord.example/today"}}
      - {at: [1536, 676, 320, 154], z: 1, text: {text: "Today’s programme on your phone", style: {size: 34, color: "#ffffffd9"}}}
      - {at: [48, 868, 1824, 96], text: {text: "Welcome. Cloakroom and lockers are one floor down; the café is past the stairs.", style: {size: 40, color: "#ffffffd9"}}}
      - {at: [0, 984, 1920, 96], background: "#ffb35c", ticker: {source: news, text: "{{.title}}", speed: 160, style: {size: 44, weight: 500, color: "#1c1206"}}}
  tonight:
    for: 4s
    zones:
      - {at: [0, 0, 1920, 1080], image: media/evening.jpg}
      - {at: [1572, 36, 300, 84], clock: {format: "15:04:05", style: {size: 60, weight: 700, align: end, color: "#ffffff"}}}

defaults:
  fleet: [lobby, tonight]
fallback: [tonight]
`

// newsYAML is the second bundle: the same stream, another face.
const newsYAML = `id: demo
name: Atelier Nord, late opening
zone: Europe/Paris
locale: en
canvas: {width: 1920, height: 1080}
scenes:
  late:
    for: 4s
    zones:
      - {at: [0, 0, 1920, 1080], image: media/news.jpg}
      - {at: [1572, 36, 300, 84], clock: {format: "15:04:05", style: {size: 60, weight: 700, align: end, color: "#ffffff"}}}
defaults:
  fleet: [late]
fallback: [late]
`

const programme = `Time;Today
10:00;Doors open
11:00;Guided tour: Tides
12:30;Concert for two cellos
14:00;Workshop: hands in clay
16:00;Guided tour: the print room
19:00;Meet the makers
20:00;Blue Hour, Great Hall
`

// lobbyFolder writes the bundle's folder beside the media that are in dir/media already.
func lobbyFolder(dir, feed string) error {
	var list []string
	for _, it := range reel() {
		entry := "media/" + it.Name
		if it.Rate == 0 {
			entry = fmt.Sprintf("{image: media/%s, for: %s}", it.Name, it.Length)
		}
		list = append(list, entry)
	}
	return files(dir, map[string]string{
		"bundle.yaml":        fmt.Sprintf(lobbyYAML, strings.Join(list, ", "), feed),
		"data/programme.csv": programme,
	})
}

// files writes text files under a folder.
func files(dir string, texts map[string]string) error {
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the bundle's folder: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the bundle's folder: %w", err)
		}
	}
	return nil
}

// feed is the local news: RSS 2.0 on a free loopback port.
type feed struct {
	URL   string
	Asked atomic.Int64 // times that it was fetched
}

// serveFeed serves until ctx ends.
func serveFeed(ctx context.Context) (*feed, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the feed: %w", err)
	}
	f := &feed{URL: "http://" + l.Addr().String() + "/news.xml"}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(f.serve)}
	go func() { _ = server.Serve(l) }() // ends with Close
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return f, nil
}

func (f *feed) serve(w http.ResponseWriter, _ *http.Request) {
	f.Asked.Add(1)
	w.Header().Set("Content-Type", "application/rss+xml; charset=utf-8")
	fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Atelier Nord</title><link>https://atelier-nord.example/</link><description>News of the house</description>`)
	for i, title := range []string{
		"“Tides” opens on Saturday with the artist", "The garden café serves until 18:00", "Members: the summer programme is out",
		"Lost a grey scarf? It waits at the desk", "Line 4 runs every six minutes tonight",
	} {
		fmt.Fprintf(w, "<item><guid>%d</guid><title>%s</title></item>", i, title)
	}
	fmt.Fprint(w, "</channel></rss>")
}
