package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
)

func runBuild(ctx context.Context, c *call) error {
	fs := c.flags()
	out := fs.String("o", "", "write the bundle to this file")
	tree := fs.String("tree", "", "write the bundle as a tree of files, such as /media/stick/vitrine")
	publish := fs.Bool("publish", false, "push the bundle to the relay")
	keys := fs.String("keys", keyDir(), "folder with the publisher's key and the key chain")
	after := fs.Uint64("after", 0, "the serial will be above this one")
	to := fs.String("to", "", "with -publish: the group that shall follow the bundle, '*' = every player")
	asJSON := fs.Bool("json", false, "write what was built as JSON")
	relay := relayFlags(fs)
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	if *out == "" && *tree == "" && !*publish {
		return usage("say where the bundle goes: -o FILE, --tree DIR or -publish")
	}
	trust, key, err := readKeys(*keys)
	if err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	options := folder.Options{Trust: trust, Keys: []bundle.PrivateKey{key}, After: *after, Now: time.Now()}
	var uplink *pusher
	if *publish {
		if uplink, err = relay.pusher(c); err != nil {
			return err
		}
		head, err := uplink.head(ctx, f.Manifest.Stream)
		if err != nil {
			return err
		}
		options.After = max(options.After, head.Seq)
	}
	tell, end := c.progress("hashing")
	options.Progress = tell
	content, err := f.Build(ctx, options)
	end()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := c.write(ctx, content, *out, *tree); err != nil {
		return err
	}
	if *publish {
		if err := uplink.push(ctx, content, *to); err != nil {
			return err
		}
	}
	return c.built(content, *out, *asJSON)
}

func (c *call) write(ctx context.Context, content bundle.Content, out, tree string) error {
	tell, end := c.progress("writing")
	defer end()
	if out != "" {
		if err := bundle.WriteFile(ctx, out, content, tell); err != nil {
			return err
		}
	}
	if tree != "" {
		return bundle.WriteTree(ctx, tree, content, tell)
	}
	return nil
}

func (c *call) built(content bundle.Content, out string, asJSON bool) error {
	m := content.Manifest
	digest := bundle.DigestOf(content.Envelope)
	if asJSON {
		return printJSON(c.stdout, map[string]any{"stream": m.Stream, "seq": m.Seq, "manifest": digest, "root": m.Root,
			"blobs": len(m.Blobs), "bytes": m.Size(), "file": out})
	}
	fmt.Fprintf(c.stdout, "%s %d: %s, %s, %s; manifest %s\n", m.Stream, m.Seq, count(len(m.Scenes), "scene"), count(len(m.Blobs), "blob"), bytesText(m.Size()), digest.Short())
	return nil
}

// readBounded reads a small file.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, errors.Join(err)
}
