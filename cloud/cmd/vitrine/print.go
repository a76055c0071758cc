package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle"
)

// printJSON writes a value for machines, on one line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// count is "1 problem", "2 problems".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// bytesText is a size for people.
func bytesText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// progress draws a bar on a terminal and is nil on anything else. end wipes the bar away.
func (c *call) progress(what string) (tell bundle.Progress, end func()) {
	f, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	var mu sync.Mutex
	var last time.Time
	tell = func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		const width = 30
		full := int(done * width / max(1, total))
		bar := make([]byte, width)
		for i := range bar {
			bar[i] = '.'
			if i < full {
				bar[i] = '#'
			}
		}
		fmt.Fprintf(f, "\r%s [%s] %s of %s\x1b[K", what, bar, bytesText(done), bytesText(total))
	}
	return tell, func() { fmt.Fprint(f, "\r\x1b[K") }
}
