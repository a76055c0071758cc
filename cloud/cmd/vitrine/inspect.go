package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
)

// inspection is what a bundle turns out to be.
type inspection struct {
	Customer    string            `json:"customer"`
	Stream      string            `json:"stream"`
	Name        string            `json:"name,omitempty"`
	Seq         uint64            `json:"seq"`
	Manifest    bundle.Digest     `json:"manifest"`
	Root        int               `json:"root"`
	Fingerprint bundle.Digest     `json:"fingerprint"`
	Words       []string          `json:"words"`
	Yours       bool              `json:"yours"` // the key chain begins with your own root 1
	Issued      time.Time         `json:"issued"`
	Expires     time.Time         `json:"expires,omitzero"`
	Targets     *bundle.Targets   `json:"targets,omitempty"`
	Scenes      []string          `json:"scenes"`
	Files       map[string]string `json:"files"` // digest by path
	Blobs       int               `json:"blobs"`
	Bytes       int64             `json:"bytes"`
	Verified    bool              `json:"verified"`
	Error       string            `json:"error,omitempty"`

	compared bool // with a key chain of one's own
}

func runInspect(ctx context.Context, c *call) error {
	fs := c.flags()
	asJSON := fs.Bool("json", false, "write what was found as JSON")
	keys := fs.String("keys", keyDir(), "folder with your own key chain, to tell whether the bundle is yours")
	path, err := c.one(fs, "bundle")
	if err != nil {
		return err
	}
	a, err := bundle.Open(path)
	if err != nil {
		return err
	}
	defer a.Close()
	i, err := inspect(ctx, c, a, *keys)
	if i == nil {
		return err
	}
	if *asJSON {
		if err := printJSON(c.stdout, i); err != nil {
			return err
		}
		if !i.Verified {
			return errSaid
		}
		return nil
	}
	i.print(c)
	return err
}

// inspect verifies all that there is; the inspection is nil when the bundle cannot even be read.
func inspect(ctx context.Context, c *call, a *bundle.Archive, keys string) (*inspection, error) {
	trust, err := bundle.NewTrust(a.Roots())
	if err != nil {
		return nil, err
	}
	m, err := trust.Manifest(a.Envelope())
	if err != nil {
		return nil, err
	}
	first := trust.Chain()[0]
	i := &inspection{Customer: m.Customer, Stream: m.Stream, Name: m.Name, Seq: m.Seq, Manifest: a.Digest(), Root: m.Root,
		Fingerprint: trust.Fingerprint(), Words: bundle.Words(first), Issued: m.Issued, Expires: m.Expires, Targets: m.Targets,
		Scenes: slices.Sorted(maps.Keys(m.Scenes)), Files: map[string]string{}, Blobs: len(m.Blobs), Bytes: m.Size()}
	for p, d := range m.Files {
		i.Files[p] = string(d)
	}
	if own, err := readChain(keys); err == nil {
		i.Yours, i.compared = own.Fingerprint() == i.Fingerprint, true
	}
	tell, end := c.progress("verifying")
	err = bundle.VerifyAll(ctx, a, m, tell)
	end()
	if i.Verified = err == nil; err != nil {
		i.Error = err.Error()
	}
	return i, err
}

func (i *inspection) print(c *call) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(c.stdout, "%-12s %s\n", what, fmt.Sprintf(format, args...))
	}
	line("bundle", "%s %d%s", i.Stream, i.Seq, dashed(i.Name))
	line("manifest", "%s", i.Manifest)
	owner := "not compared: no keys of your own here"
	if i.compared {
		owner = "NOT your keys"
	}
	if i.Yours {
		owner = "your own keys"
	}
	line("signed by", "%s, root %d: %s (%s)", i.Customer, i.Root, strings.Join(i.Words, " "), owner)
	line("issued", "%s", i.Issued.Format(time.RFC3339))
	if !i.Expires.IsZero() {
		line("expires", "%s", i.Expires.Format(time.RFC3339))
	}
	line("scenes", "%s", strings.Join(i.Scenes, ", "))
	line("content", "%s in %s, %s", count(len(i.Files), "file"), count(i.Blobs, "blob"), bytesText(i.Bytes))
	for _, p := range slices.Sorted(maps.Keys(i.Files)) {
		line("", "%.12s  %s", i.Files[p], p)
	}
	if i.Verified {
		line("verified", "every byte is what was signed")
	}
}

func dashed(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}
