package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/usb/importer"
	"vitrine/usb/udisks"
	"vitrine/usb/writer"
)

// stickFlags are what "usb write" is told.
type stickFlags struct {
	keys     string
	prune    bool
	asJSON   bool
	noReport bool
	ticket   ticketFlags
	sealed   sealFlags
	secrets  *secrets
}

func runUSB(ctx context.Context, c *call) error {
	fs := c.flags()
	var o stickFlags
	fs.StringVar(&o.keys, "keys", keyDir(), "folder with the publisher's key and the key chain: for a folder that is still to be built, and for a ticket")
	fs.BoolVar(&o.prune, "prune", false, "remove what earlier bundles have left on the stick")
	fs.BoolVar(&o.asJSON, "json", false, "write progress and result as lines of JSON")
	fs.BoolVar(&o.noReport, "no-report", false, "players write nothing back onto the stick")
	o.ticket.add(fs)
	o.sealed.add(fs)
	o.secrets = c.secrets(fs)
	args, err := c.parse(fs)
	if err != nil {
		return err
	}
	if len(args) != 3 || args[0] != "write" {
		return usage("say what goes where: usb write DIR|BUNDLE STICK")
	}
	load, err := o.load(ctx, c, args[1])
	if err != nil {
		return err
	}
	if load.close != nil {
		defer load.close()
	}
	dir, leave, err := mountPoint(ctx, args[2])
	if err != nil {
		return err
	}
	if err := o.seal(load, dir); err != nil {
		return errors.Join(err, leave())
	}
	tell, end := c.stickProgress(o.asJSON)
	report, err := writer.Write(ctx, writer.Config{Dir: dir, Files: load.files, Index: load.index, First: load.first, Prune: o.prune, Progress: tell})
	end()
	if err = errors.Join(err, leave()); err != nil {
		return err
	}
	return c.stickWritten(load, report, args[2], dir != args[2], o.asJSON)
}

// load is what goes onto a stick.
type load struct {
	manifest *bundle.Manifest
	digest   bundle.Digest
	ticket   *bundle.Ticket
	first    []byte // root 1
	files    []writer.File
	index    importer.Index
	close    func() error
}

// load opens a built bundle, or builds an author's folder, and lists what goes onto the stick.
func (o *stickFlags) load(ctx context.Context, c *call, from string) (*load, error) {
	content, err := o.content(ctx, c, from)
	if err != nil {
		return nil, err
	}
	l := &load{manifest: content.Manifest, digest: bundle.DigestOf(content.Envelope), first: content.Roots[0], close: content.Close}
	l.index = importer.Index{Format: importer.Format, Manifest: string(l.digest), Roots: len(content.Roots), Report: !o.noReport}
	for i, r := range content.Roots {
		l.bytes(bundle.RootPath(i+1), r)
	}
	l.bytes(l.digest.ManifestPath(), content.Envelope)
	if o.ticket.wanted() {
		if err := o.sign(c, l); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	for _, b := range content.Manifest.Blobs {
		l.files = append(l.files, writer.Plain(b.Digest.BlobPath(), b.Size, string(b.Digest), func() (io.ReadCloser, error) { return content.Open(b.Digest) }))
	}
	return l, nil
}

// bytes adds a small file.
func (l *load) bytes(name string, b []byte) {
	l.files = append(l.files, writer.Plain(name, int64(len(b)), string(bundle.DigestOf(b)), func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(b))), nil
	}))
}

// content opens what "vitrine build" has written, verified as far as its signatures; an author's folder is built first.
func (o *stickFlags) content(ctx context.Context, c *call, from string) (bundle.Content, error) {
	if _, err := os.Lstat(filepath.Join(from, folder.File)); err == nil {
		return o.build(ctx, c, from)
	}
	a, err := bundle.Open(from)
	if err != nil {
		return bundle.Content{}, err
	}
	trust, err := bundle.NewTrust(a.Roots())
	if err != nil {
		return bundle.Content{}, errors.Join(err, a.Close())
	}
	m, err := trust.Manifest(a.Envelope())
	if err != nil {
		return bundle.Content{}, errors.Join(err, a.Close())
	}
	open := func(d bundle.Digest) (io.ReadCloser, error) { return a.Blob(d) }
	return bundle.Content{Roots: a.Roots(), Envelope: a.Envelope(), Manifest: m, Open: open, Close: a.Close}, nil
}

func (o *stickFlags) build(ctx context.Context, c *call, dir string) (bundle.Content, error) {
	trust, keys, err := c.readRole(o.keys, bundle.RolePublisher, o.secrets)
	if err != nil {
		return bundle.Content{}, err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return bundle.Content{}, err
	}
	tell, end := c.progress("hashing")
	defer end()
	return f.Build(ctx, folder.Options{Trust: trust, Keys: keys, Now: time.Now(), Progress: tell})
}

// mountPoint is the folder that a path stands for: itself, or where the stick of that device is mounted, by UDisks2 if nobody
// has done it. leave unmounts what was mounted here.
func mountPoint(ctx context.Context, path string) (dir string, leave func() error, err error) {
	st, err := os.Stat(path)
	if err != nil || st.Mode()&os.ModeDevice == 0 {
		return path, func() error { return nil }, nil // what it is, the writer says
	}
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", nil, fmt.Errorf("look for the stick: %w", err)
	}
	return udisks.Borrow(ctx, udisks.Config{}, device)
}

// stickProgress tells how a stick is written: lines of JSON, or a line on a terminal.
func (c *call) stickProgress(asJSON bool) (tell func(writer.Progress), end func()) {
	if asJSON {
		return func(p writer.Progress) {
			if p.Phase == "done" {
				return // the result says so
			}
			_ = printJSON(c.stdout, map[string]any{"phase": p.Phase, "done": p.Done, "total": p.Total, "rate": int64(p.Rate), "left": p.Left.Seconds()})
		}, func() {}
	}
	f, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	return func(p writer.Progress) {
		left := ""
		if p.Left > 0 {
			left = ", " + p.Left.String() + " left"
		}
		fmt.Fprintf(f, "\r%s %s of %s, %s/s%s: do not pull it out\x1b[K", p.Phase, bytesText(p.Done), bytesText(p.Total), bytesText(int64(p.Rate)), left)
	}, func() { fmt.Fprint(f, "\r\x1b[K") }
}

func (c *call) stickWritten(l *load, r writer.Report, where string, lent, asJSON bool) error {
	if asJSON {
		return printJSON(c.stdout, map[string]any{"phase": "done", "stream": l.manifest.Stream, "seq": l.manifest.Seq, "manifest": l.digest, "filesystem": r.Filesystem,
			"written": r.Written, "kept": r.Kept, "repaired": r.Repaired, "removed": r.Removed, "free": r.Free})
	}
	fmt.Fprintf(c.stdout, "%s %d is on %s (%s): %s written, %s were there, every byte read back\n", l.manifest.Stream, l.manifest.Seq, where, r.Filesystem, bytesText(r.Written), bytesText(r.Kept))
	if r.Repaired > 0 {
		fmt.Fprintf(c.stdout, "%s did not read as written and went out a second time: watch this stick\n", count(r.Repaired, "file"))
	}
	if r.Removed > 0 {
		fmt.Fprintf(c.stdout, "%s of earlier bundles removed\n", count(r.Removed, "file"))
	}
	if l.index.Sealed != nil {
		fmt.Fprintln(c.stdout, "it is encrypted: the number of files and their sizes can be seen, nothing else")
	}
	if t := l.ticket; t != nil {
		fmt.Fprintf(c.stdout, "%s\n", ticketText(t))
	}
	switch r.Filesystem {
	case "vfat", "exfat":
	case "ext4":
		fmt.Fprintln(c.stdout, "players read ext4 only when they are started with --usb-filesystems vfat,exfat,ext4")
	default:
		fmt.Fprintf(c.stdout, "note: players read sticks with vfat or exfat, this is %s\n", r.Filesystem)
	}
	if lent {
		fmt.Fprintln(c.stdout, "it is unmounted: pull it out")
	} else {
		fmt.Fprintln(c.stdout, "unmount it before you pull it out")
	}
	return nil
}
