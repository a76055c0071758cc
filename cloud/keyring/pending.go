package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vitrine/agent/bundle"
)

// requestPath is where a version waits for signatures.
func (r *Ring) requestPath(version int) string {
	return filepath.Join(r.Dir, fmt.Sprintf("root-%d.request", version))
}

func (r *Ring) version() int {
	if r.trust == nil {
		return 0
	}
	return r.trust.Root().Version
}

// Pending is the next root, while it waits for signatures, and the file in which it does; nil = none waits.
func (r *Ring) Pending() (*bundle.Draft, string, error) {
	path := r.requestPath(r.version() + 1)
	b, err := readBounded(path, bundle.MaxRequest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	d, err := bundle.ReadRequest(b)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	if d.Root == nil || d.Root.Version != r.version()+1 || r.trust != nil && (d.Before == nil || d.Before.Fingerprint() != r.trust.Fingerprint()) {
		return nil, "", fmt.Errorf("%s is not the next version of the keys in %s: move it away", path, r.Dir)
	}
	return d, path, nil
}

// Settle keeps a draft: as the next root when enough have signed, else as a file that waits for others. It gives the file.
func (r *Ring) Settle(d *bundle.Draft) (path string, done bool, err error) {
	request := r.requestPath(d.Root.Version)
	sealed, err := d.Envelope()
	if errors.Is(err, bundle.ErrLacks) {
		b, err := d.Request()
		if err != nil {
			return "", false, err
		}
		return request, false, bundle.WriteAtomically(request, b)
	}
	if err != nil {
		return "", false, err
	}
	path = filepath.Join(r.Dir, bundle.RootPath(d.Root.Version))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("%s is there already, and a root is never replaced", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", false, err
	}
	if err := bundle.WriteAtomically(path, sealed); err != nil {
		return "", false, err
	}
	next := r.trust
	if next == nil {
		next, err = bundle.NewTrust([][]byte{sealed})
	} else {
		next, err = next.Extend(sealed)
	}
	if err != nil {
		return "", false, err
	}
	r.trust = next
	// It waits no longer. A power cut before this line leaves a file for a version that is there, which nobody looks for.
	if err := os.Remove(request); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return path, true, err
	}
	return path, true, nil
}

// Learn takes newer roots of the same chain, say from a relay, and gives how many.
func (r *Ring) Learn(chain [][]byte) (int, error) {
	other, err := bundle.NewTrust(chain)
	if err != nil {
		return 0, err
	}
	trust, err := r.Signed()
	if err != nil {
		return 0, err
	}
	if other.Fingerprint() != trust.Fingerprint() {
		return 0, errors.New("the chain is another customer's")
	}
	have := trust.Root().Version
	for n := have; n < len(chain); n++ {
		next, err := r.trust.Extend(chain[n])
		if err != nil {
			return n - have, err
		}
		if err := bundle.WriteAtomically(filepath.Join(r.Dir, bundle.RootPath(n+1)), chain[n]); err != nil {
			return n - have, err
		}
		r.trust = next
	}
	return max(0, len(chain)-have), nil
}
