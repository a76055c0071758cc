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

// building is what "build" was told.
type building struct {
	out, tree       string
	publish         bool
	request, signed string
	keys            string
	from            list
	to              string
	asJSON          bool
	options         folder.Options
	secrets         *secrets
}

func runBuild(ctx context.Context, c *call) error {
	fs := c.flags()
	b := &building{secrets: c.secrets(fs)}
	fs.StringVar(&b.out, "o", "", "write the bundle to this file")
	fs.StringVar(&b.tree, "tree", "", "write the bundle as a tree of files, such as /media/stick/vitrine")
	fs.BoolVar(&b.publish, "publish", false, "push the bundle to the relay")
	fs.StringVar(&b.keys, "keys", keyDir(), "folder with the publisher's key and the key chain")
	fs.Var(&b.from, "key", "`FILE.key` of a publisher to sign with, or ssh:NAME for one that an ssh-agent holds; may be repeated. Without it: whatever is in the folder of keys or the ssh-agent and counts")
	fs.Uint64Var(&b.options.After, "after", 0, "the serial will be above this one")
	fs.StringVar(&b.to, "to", "", "with -publish: the group that shall follow the bundle, '*' = every player")
	fs.StringVar(&b.request, "request", "", "sign nothing: write what is to be signed to this `FILE`, for \"vitrine key sign\" where the key is")
	fs.StringVar(&b.signed, "signed", "", "take the signatures of this `FILE` that \"vitrine key sign\" has written")
	fs.BoolVar(&b.asJSON, "json", false, "write what was built as JSON")
	relay := relayFlags(fs)
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	switch {
	case b.request != "" && b.out+b.tree+b.signed != "":
		return usage("--request writes nothing but the request: -o, --tree and --signed come when it was signed")
	case b.out == "" && b.tree == "" && !b.publish && b.request == "":
		return usage("say where the bundle goes: -o FILE, --tree DIR or -publish")
	}
	if err := b.open(c); err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	var uplink *pusher
	if b.publish {
		if uplink, err = relay.pusher(c); err != nil {
			return err
		}
		head, err := uplink.head(ctx, f.Manifest.Stream)
		if err != nil {
			return err
		}
		b.options.After = max(b.options.After, head.Seq)
	}
	if b.request != "" {
		return b.propose(ctx, c, f)
	}
	content, err := b.build(ctx, c, f)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := c.write(ctx, content, b.out, b.tree); err != nil {
		return err
	}
	if b.publish {
		if err := uplink.push(ctx, content, b.to); err != nil {
			return err
		}
	}
	return c.built(content, b.out, b.asJSON)
}

// open reads the key chain and, when it is this machine that signs, the keys.
func (b *building) open(c *call) (err error) {
	b.options.Now = time.Now()
	if b.request+b.signed != "" {
		b.options.Trust, err = readChain(b.keys)
		return err
	}
	b.options.Trust, b.options.Keys, err = c.readRole(b.keys, bundle.RolePublisher, b.secrets, b.from...)
	return err
}

func (b *building) build(ctx context.Context, c *call, f *folder.Folder) (bundle.Content, error) {
	tell, end := c.progress("hashing")
	defer end()
	b.options.Progress = tell
	if b.signed == "" {
		return f.Build(ctx, b.options)
	}
	draft, err := readRequest(b.signed)
	if err != nil {
		return bundle.Content{}, err
	}
	return f.Adopt(ctx, b.options, draft)
}

// propose writes what somebody else signs.
func (b *building) propose(ctx context.Context, c *call, f *folder.Folder) error {
	tell, end := c.progress("hashing")
	b.options.Progress = tell
	draft, err := f.Propose(ctx, b.options)
	end()
	if err != nil {
		return err
	}
	request, err := draft.Request()
	if err != nil {
		return err
	}
	if err := bundle.WriteAtomically(b.request, request); err != nil {
		return err
	}
	if b.asJSON {
		return printJSON(c.stdout, map[string]any{"file": b.request, "stream": draft.Manifest.Stream, "seq": draft.Manifest.Seq, "words": draft.Words(), "lacks": draft.Lacks()})
	}
	fmt.Fprintf(c.stdout, "%s %d waits in %s for signatures (%s); next, where the key is: vitrine key sign FILE\n",
		draft.Manifest.Stream, draft.Manifest.Seq, b.request, fourWords(draft.Words()))
	return nil
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
