package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/agent/bundle"
)

// Options say who publishes.
type Options struct {
	Trust *bundle.Trust       // the customer's key chain
	Keys  []bundle.PrivateKey // enough of the publisher's to reach the threshold
	// After is a serial that the bundle must be above, such as that of the relay's head.
	After    uint64
	Now      time.Time // becomes "issued"
	Progress bundle.Progress
}

// ErrTests is what Build answers when one of the bundle's own tests fails; the Problems are wrapped with it.
var ErrTests = errors.New("the bundle's own tests fail")

// Build runs the bundle's tests, hashes its files with all cores, and signs a manifest with the next serial, which is kept
// in .vitrine/state.json below the folder so that no serial is ever used twice. Write the result with bundle.WriteFile or
// bundle.WriteTree.
func (f *Folder) Build(ctx context.Context, o Options) (bundle.Content, error) {
	root, m, paths, err := f.prepare(ctx, o)
	if err != nil {
		return bundle.Content{}, err
	}
	envelope, err := f.seal(m, o)
	if err != nil {
		return bundle.Content{}, errors.Join(err, root.Close())
	}
	return f.content(root, o.Trust, m, envelope, paths), nil
}

// prepare runs the bundle's tests and hashes its files: all of a manifest but its serial. The root is the caller's to close.
func (f *Folder) prepare(ctx context.Context, o Options) (*os.Root, *bundle.Manifest, map[bundle.Digest]string, error) {
	if failed := f.RunTests(); len(failed) > 0 {
		var all Problems
		for _, t := range failed {
			all = append(all, t.Problem)
		}
		return nil, nil, nil, fmt.Errorf("%w:\n%w", ErrTests, all)
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("open the bundle's folder: %w", err)
	}
	m := f.Manifest
	paths, err := f.hash(ctx, root, &m, o.Progress)
	if err != nil {
		return nil, nil, nil, errors.Join(err, root.Close())
	}
	m.Customer, m.Root, m.Agent = o.Trust.Root().Customer, o.Trust.Root().Version, bundle.AgentVersion
	m.Issued = o.Now.UTC().Truncate(time.Second)
	return root, &m, paths, nil
}

// content is a signed manifest with the folder's bytes.
func (f *Folder) content(root *os.Root, t *bundle.Trust, m *bundle.Manifest, envelope []byte, paths map[bundle.Digest]string) bundle.Content {
	open := func(d bundle.Digest) (io.ReadCloser, error) {
		p, ok := paths[d]
		if !ok {
			return nil, os.ErrNotExist
		}
		return openRegular(root, f.File(p))
	}
	return bundle.Content{Roots: t.Chain(), Envelope: envelope, Manifest: m, Open: open, Close: root.Close}
}

// seal reserves the next serial, signs, and checks the result as a player would.
func (f *Folder) seal(m *bundle.Manifest, o Options) ([]byte, error) {
	var envelope []byte
	err := f.nextSerial(func(s *state) error {
		m.Seq, m.Previous = max(s.Seq, o.After)+1, s.Manifest
		sealed, err := m.Seal(o.Keys...)
		if err != nil {
			return err
		}
		if _, err := o.Trust.Manifest(sealed); err != nil {
			return fmt.Errorf("players would refuse this bundle: %w", err)
		}
		envelope = sealed
		s.Seq, s.Manifest = m.Seq, bundle.DigestOf(sealed)
		return nil
	})
	return envelope, err
}

// hash fills in the manifest's files and blobs, and says where the bytes of each blob are.
func (f *Folder) hash(ctx context.Context, root *os.Root, m *bundle.Manifest, progress bundle.Progress) (map[bundle.Digest]string, error) {
	paths := slices.Sorted(maps.Keys(f.Media))
	segment, err := bundle.SegmentSize(slices.Collect(maps.Values(f.sizes)))
	if err != nil {
		return nil, err
	}
	var total int64
	for _, size := range f.sizes {
		total += size
	}
	// The largest first, so that the cores end together.
	order := slices.Clone(paths)
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(f.sizes[b], f.sizes[a]) })
	var done atomic.Int64
	blobs := make([]bundle.Blob, len(order))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range order {
		g.Go(func() error {
			file, err := openRegular(root, f.File(p))
			if err != nil {
				return fmt.Errorf("hash %s: %w", p, err)
			}
			defer file.Close()
			blobs[i], err = bundle.Hash(ctx, file, f.sizes[p], segment, func(n int) {
				if progress != nil {
					progress(done.Add(int64(n)), total)
				}
			})
			if err != nil {
				return fmt.Errorf("hash %s: %w", p, err)
			}
			blobs[i].Type = f.Media[p]
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byPath := map[string]bundle.Blob{}
	for i, p := range order {
		byPath[p] = blobs[i]
	}
	where := map[bundle.Digest]string{}
	m.Files, m.Blobs = map[string]bundle.Digest{}, nil
	for _, p := range paths {
		b := byPath[p]
		m.Files[p] = b.Digest
		if _, twin := where[b.Digest]; !twin {
			where[b.Digest] = p
			m.Blobs = append(m.Blobs, b)
		}
	}
	slices.SortFunc(m.Blobs, func(a, b bundle.Blob) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return where, nil
}
