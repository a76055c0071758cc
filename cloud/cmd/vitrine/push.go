package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode"

	"golang.org/x/sync/errgroup"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

func runPush(ctx context.Context, c *call) error {
	fs := c.flags()
	relay := relayFlags(fs)
	to := fs.String("to", "", "the group that shall follow the bundle, '*' = every player; left alone when not given")
	asJSON := fs.Bool("json", false, "write what was pushed as JSON")
	path, err := c.one(fs, "bundle")
	if err != nil {
		return err
	}
	a, err := bundle.Open(path)
	if err != nil {
		return err
	}
	defer a.Close()
	trust, err := bundle.NewTrust(a.Roots())
	if err != nil {
		return err
	}
	m, err := trust.Manifest(a.Envelope())
	if err != nil {
		return err
	}
	p, err := relay.pusher(c)
	if err != nil {
		return err
	}
	content := bundle.Content{Roots: a.Roots(), Envelope: a.Envelope(), Manifest: m,
		Open: func(d bundle.Digest) (io.ReadCloser, error) { return a.Blob(d) }}
	if err := p.push(ctx, content, *to); err != nil {
		return err
	}
	return c.built(content, path, *asJSON)
}

// pusher publishes bundles on a relay, in the order in which nobody can ever see half of one: key chain, blobs, manifest,
// and last the stream's head.
type pusher struct {
	relay *api.Client
	call  *call
}

func (r *relayAccess) pusher(c *call) (*pusher, error) {
	client, err := r.client(c)
	return &pusher{client, c}, err
}

// head is what the relay has of a stream; serial 0 = nothing yet.
func (p *pusher) head(ctx context.Context, stream string) (api.Head, error) {
	for cursor := ""; ; {
		page, err := p.relay.Streams(ctx, cursor)
		if err != nil {
			return api.Head{}, fmt.Errorf("ask the relay for its streams: %w", err)
		}
		for _, s := range page.Items {
			if s.Name == stream {
				return s.Head, nil
			}
		}
		if page.Next == "" || page.Next == cursor {
			return api.Head{}, nil
		}
		cursor = page.Next
	}
}

func (p *pusher) push(ctx context.Context, content bundle.Content, to string) error {
	m := content.Manifest
	next := api.Head{Seq: m.Seq, Manifest: string(bundle.DigestOf(content.Envelope)), Root: m.Root}
	head, err := p.head(ctx, m.Stream)
	if err != nil {
		return err
	}
	if head != next && (head.Root > next.Root || head.Root == next.Root && head.Seq >= next.Seq) {
		return fmt.Errorf("the relay has %s %d already and players take nothing older than %d: build again with --after %d", m.Stream, head.Seq, head.Seq, head.Seq)
	}
	if err := p.roots(ctx, content.Roots); err != nil {
		return err
	}
	if err := p.blobs(ctx, content); err != nil {
		return err
	}
	if head != next {
		if err := p.relay.PutManifest(ctx, next.Manifest, content.Envelope); err != nil {
			return fmt.Errorf("push the manifest: %w", err)
		}
		if _, err := p.relay.MoveHead(ctx, m.Stream, head.Seq, next); err != nil {
			return fmt.Errorf("make %s %d the newest: %w", m.Stream, m.Seq, err)
		}
	}
	if to == "" {
		return p.tellUnfollowed(ctx, m.Stream)
	}
	if err := p.relay.SetChannel(ctx, api.Channel{Group: to, Stream: m.Stream}); err != nil {
		return fmt.Errorf("let group %q follow %s: %w", to, m.Stream, err)
	}
	return nil
}

// tellUnfollowed says so when a stream is there that no screen shows.
func (p *pusher) tellUnfollowed(ctx context.Context, stream string) error {
	for cursor := ""; ; {
		page, err := p.relay.Channels(ctx, cursor)
		if err != nil {
			return fmt.Errorf("%s is pushed, but who follows it could not be asked: %w", stream, err)
		}
		for _, ch := range page.Items {
			if ch.Stream == stream {
				return nil
			}
		}
		if page.Next == "" || page.Next == cursor {
			break
		}
		cursor = page.Next
	}
	fmt.Fprintf(p.call.stderr, "no screen follows %s yet; this lets every player: vitrine %s --to '*' %s\n", stream, p.call.verb.name, shell(p.call.args))
	return nil
}

// shell writes arguments as a shell reads them.
func shell(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("-_./:=,@%+", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// roots hands over what the relay lacks of the key chain, after a look that both chains are one.
func (p *pusher) roots(ctx context.Context, chain [][]byte) error {
	known, err := p.relay.Roots(ctx, 1)
	if err != nil {
		return fmt.Errorf("ask the relay for its key chain: %w", err)
	}
	for i, b := range known {
		if i >= len(chain) {
			return fmt.Errorf("the relay knows root %d, your key chain ends with %d: \"vitrine key pull\" takes the newer one", len(known), len(chain))
		}
		if !bytes.Equal(b, chain[i]) {
			return fmt.Errorf("root %d of the relay is not yours: its players trust other keys; use the keys that they were enrolled with, or another relay", i+1)
		}
	}
	for i := len(known); i < len(chain); i++ {
		if err := p.relay.PutRoot(ctx, i+1, chain[i]); err != nil {
			return fmt.Errorf("push root %d: %w", i+1, err)
		}
	}
	return nil
}

// blobs sends what the relay lacks. A push that was cut off goes on where it was when it is run again.
func (p *pusher) blobs(ctx context.Context, content bundle.Content) error {
	tell, end := p.call.progress("pushing")
	defer end()
	var done atomic.Int64
	total := content.Manifest.Size()
	moved := func(n int64) {
		if now := done.Add(n); tell != nil {
			tell(now, total)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, b := range content.Manifest.Blobs {
		g.Go(func() error { return p.blob(ctx, content, b, moved) })
	}
	return g.Wait()
}

func (p *pusher) blob(ctx context.Context, content bundle.Content, b bundle.Blob, moved func(int64)) (err error) {
	has, size, err := p.relay.HasBlob(ctx, string(b.Digest))
	if err != nil {
		return fmt.Errorf("ask the relay for blob %s: %w", b.Digest.Short(), err)
	}
	if has && size == b.Size {
		moved(b.Size)
		return nil
	}
	r, err := content.Open(b.Digest)
	if err != nil {
		return fmt.Errorf("read blob %s: %w", b.Digest.Short(), err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var sent int64
	err = p.relay.PutBlob(ctx, string(b.Digest), b.Size, b.Verify(r), func(now int64) {
		moved(now - sent)
		sent = now
	})
	if err != nil {
		return fmt.Errorf("push blob %s: %w", b.Digest.Short(), err)
	}
	return nil
}
