package connect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // read by whoever draws
	_ "image/jpeg" // so that their sizes are known here
	_ "image/png"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	_ "golang.org/x/image/webp" // as above

	"vitrine/agent/bundle"
	"vitrine/agent/connect/place"
)

// Bounds of the pictures that a source's rows name.
const (
	maxPictures  = 200
	pictureBytes = 4 << 20
	picturePixel = 50_000_000
	pictureAgain = 5 * time.Minute // before the same address is asked again
)

// gallery are the pictures that rows name by an address. It fetches them beside the rows: they never wait for pictures. nil
// is a gallery without any.
type gallery struct {
	dir     string
	prefix  string // of its files
	spec    bundle.Pictures
	timeout time.Duration
	held    *place.Held
	note    func(address string, err error) // hears of a picture that cannot be had, once
	news    chan struct{}
	wake    chan struct{}

	mu    sync.Mutex
	files map[string]string // address -> file, of those that are here
	want  []string

	at     map[string]place.Place // only run's goroutine uses what follows
	asked  map[string]time.Time
	faulty map[string]bool
}

// newGallery finds what is kept of a source's pictures; nil = the source names none, or there is no place for them.
func newGallery(dir string, src source, held *place.Held, note func(string, error)) *gallery {
	if dir == "" || len(src.spec.Pictures.Columns) == 0 {
		return nil
	}
	timeout := min(time.Duration(src.spec.Refresh.Timeout), maxTimeout)
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return &gallery{dir: dir, prefix: prefixOf(src.name), spec: src.spec.Pictures, timeout: timeout, held: held, note: note, news: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		files: map[string]string{}, at: map[string]place.Place{}, asked: map[string]time.Time{}, faulty: map[string]bool{}}
}

// prefixOf begins the names of all pictures of a source.
func prefixOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6]) + "-"
}

// stem begins the names of an address's files; what is in one ends its name, so that another picture is another file.
func (g *gallery) stem(address string) string {
	sum := sha256.Sum256([]byte(address))
	return g.prefix + hex.EncodeToString(sum[:12]) + "."
}

func (g *gallery) path(address string, b []byte) string {
	sum := sha256.Sum256(b)
	return filepath.Join(g.dir, g.stem(address)+hex.EncodeToString(sum[:12]))
}

// kept is the file of an address that is there from before; "" = none.
func (g *gallery) kept(address string) string {
	if found, err := filepath.Glob(filepath.Join(g.dir, g.stem(address)+"*")); err == nil && len(found) > 0 {
		return found[len(found)-1]
	}
	return ""
}

// look says which pictures rows name, and gives those that are here.
func (g *gallery) look(columns []string, lines [][]Value) map[string]string {
	if g == nil {
		return nil
	}
	var want []string
	seen := map[string]bool{}
	for _, name := range g.spec.Columns {
		at := slices.Index(columns, name)
		for _, row := range lines {
			if at < 0 || len(want) >= maxPictures {
				break
			}
			if a := row[at].Text; a != "" && !seen[a] && g.allowed(a) == nil {
				seen[a] = true
				want = append(want, a)
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	have := map[string]string{}
	for _, a := range want {
		file := g.files[a]
		if _, looked := g.files[a]; !looked {
			file = g.kept(a) // over a restart
			g.files[a] = file
		}
		if file != "" {
			have[a] = file
		}
	}
	if !slices.Equal(want, g.want) {
		g.want = want
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
	return have
}

// allowed refuses addresses of hosts that the bundle does not name.
func (g *gallery) allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return errors.New("it is no address of a picture")
	}
	if !slices.Contains(g.spec.Hosts, u.Host) && !slices.Contains(g.spec.Hosts, u.Hostname()) {
		return fmt.Errorf("the host %s is not one of the source's pictures", u.Host)
	}
	return nil
}

// came tells that a picture has come, or another one in its place.
func (g *gallery) came() <-chan struct{} {
	if g == nil {
		return nil
	}
	return g.news
}

// run fetches until ctx ends, one picture after the other.
func (g *gallery) run(ctx context.Context) {
	if g == nil {
		return
	}
	for {
		g.mu.Lock()
		want := slices.Clone(g.want)
		g.mu.Unlock()
		fresh := false
		for _, a := range want {
			if ctx.Err() != nil {
				return
			}
			if time.Since(g.asked[a]) < pictureAgain {
				continue
			}
			g.asked[a] = time.Now()
			changed, err := g.fetch(ctx, a)
			if err != nil && ctx.Err() == nil && !g.faulty[a] {
				g.note(a, err)
			}
			g.faulty[a] = err != nil
			fresh = fresh || changed
		}
		g.forget(want)
		if fresh {
			select {
			case g.news <- struct{}{}:
			default:
			}
		}
		pause := time.NewTimer(pictureAgain)
		select {
		case <-ctx.Done():
		case <-g.wake:
		case <-pause.C:
		}
		pause.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// fetch brings one picture; changed says that it is new, or another one.
func (g *gallery) fetch(ctx context.Context, address string) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	if g.at[address] == nil {
		scheme, _, _ := strings.Cut(address, ":")
		if g.at[address], err = place.Open(place.Spec{Type: scheme, URL: address, Hosts: g.spec.Hosts}, place.Env{Held: g.held, Asker: "pictures " + g.prefix}); err != nil {
			return false, err
		}
	}
	limit := g.spec.Bytes
	if limit <= 0 {
		limit = pictureBytes
	}
	b, err := g.at[address].Read(ctx, limit)
	if errors.Is(err, place.ErrUnchanged) {
		return false, nil
	}
	if err == nil {
		err = fits(b)
	}
	if err != nil {
		delete(g.at, address) // so that a bad answer is not called unchanged
		return false, err
	}
	file := g.path(address, b)
	if _, err := os.Stat(file); err != nil {
		if err := write(file, b); err != nil {
			return false, fmt.Errorf("keep the picture: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	changed = g.files[address] != file
	g.files[address] = file
	return changed, nil
}

// fits refuses what is no picture, or one that would take a screen's memory.
func fits(b []byte) error {
	c, kind, err := image.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil:
		return errors.New("it is no JPEG, PNG, GIF or WebP picture")
	case c.Width < 1 || c.Height < 1 || c.Width*c.Height > picturePixel:
		return fmt.Errorf("the %s picture has %d x %d pixels; %d million are the most", kind, c.Width, c.Height, picturePixel/1_000_000)
	}
	return nil
}

// write replaces a file; after a power cut it is the old one or the new one.
func write(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// forget removes the files of pictures that no row names any more.
func (g *gallery) forget(want []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	keep := map[string]bool{}
	for a, file := range g.files {
		if slices.Contains(want, a) || slices.Contains(g.want, a) {
			keep[filepath.Base(file)] = true
		} else {
			delete(g.files, a)
		}
	}
	sweep(g.dir, func(name string) bool { return strings.HasPrefix(name, g.prefix) && !keep[name] })
	for a := range g.asked {
		if !slices.Contains(want, a) {
			delete(g.asked, a)
			delete(g.at, a)
			delete(g.faulty, a)
		}
	}
}

// sweep removes files of a folder of pictures.
func sweep(dir string, gone func(name string) bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if e.Type().IsRegular() && gone(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name())) // else the next time
		}
	}
}
