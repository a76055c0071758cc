// Package place answers: where are a source's bytes, and are there new ones?
//
//	Spec ──Open──> Place ──Read──> bytes, or ErrUnchanged
//	  file, nfs      │
//	  http, https    └────Tree──> a folder as rows
//	  webdav
//	  smb, sftp
//
// No fetch outlives its deadline, whatever a server or a mounted share does: what does not come back is left behind, and
// not asked again before it has. A secret goes only to the host it is bound to, and never in an address or an error.
package place

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"vitrine/agent/secret"
)

// ErrUnchanged says that the bytes are those of the read before.
var ErrUnchanged = errors.New("unchanged")

// errTooLong is a source that gives more than it may.
var errTooLong = errors.New("it is longer than its limit; make it shorter, or raise limits.bytes, to 256MiB at most")

// Spec says where bytes are. Which fields count depends on Type.
type Spec struct {
	Type      string   // file, nfs (a share that the system has mounted), http, https, webdav, smb, sftp
	Path      string   // of the file or folder: whole for file and nfs; below the share for smb; as the server has it for sftp
	URL       string   // http, https, webdav; without a name or password in it
	Host      string   // smb, sftp: name, or name:port
	Share     string   // smb
	Secret    string   // its name; "" = none is needed
	Auth      string   // http, https, webdav: basic, bearer, digest; "" = bearer for a secret with a token, else basic
	HostKey   string   // sftp: the server's key as ssh-keygen -lf tells it, "SHA256:…"
	Encrypted bool     // smb: refuse a share that does not encrypt; signed it is always
	CA        []byte   // https, webdav: PEM of the authority that the server's certificate is from; nil = the system's
	Hosts     []string // http, https: other hosts (name or name:port) that it may redirect to
}

// Env is what the player gives a place.
type Env struct {
	// Secret gives a secret that may go to host, "name:port"; an error says that there is none, or that it is bound to others.
	Secret func(name, host string) (secret.Secret, error)
	Deny   string            // folder that no source may read: the player's own; "" = none
	Over   http.RoundTripper // carries the requests of http, https and webdav; nil = the network
	Held   *Held             // the reads that have not come back, over all places; nil = the place's own
	Asker  string            // who reads: what holds up another who reads the same does not concern it
	Plain  bool              // a secret may go over plain http to this machine itself: for tests
}

// Place is where one source's bytes are. It is for one goroutine.
type Place interface {
	// Read gives at most limit bytes; one more is an error. ErrUnchanged: they are those of the read before.
	Read(ctx context.Context, limit int64) ([]byte, error)
}

// mark is what is known of the bytes that were read last.
type mark struct {
	etag, since string // http
	size        int64
	modified    time.Time
	settled     bool // read twice, with the same size, time and bytes
	sum         [sha256.Size]byte
}

// source reads once. It keeps nothing, so that a read that is left behind cannot spoil the next.
type source interface {
	fetch(ctx context.Context, limit int64, known mark) ([]byte, mark, error)
}

// place bounds the reads of a source in time.
type place struct {
	source
	key   string
	held  *Held
	known mark
}

// Open checks what a place needs; nothing is read or asked yet.
func Open(spec Spec, env Env) (Place, error) {
	if env.Held == nil {
		env.Held = &Held{}
	}
	p := &place{held: env.Held}
	var err error
	switch spec.Type {
	case "file", "nfs":
		if !filepath.IsAbs(spec.Path) {
			return nil, fmt.Errorf("its path %q does not begin with /; name the whole path on the player", spec.Path)
		}
		p.source, p.key = &file{path: spec.Path, deny: env.Deny, shared: spec.Type == "nfs"}, "file "+spec.Path
	case "http", "https":
		p.source, err = newWeb(spec, env)
		p.key = spec.URL
	case "webdav":
		p.source, err = newDAV(spec, env)
		p.key = spec.URL
	case "smb":
		p.source, err = newSMB(spec, env)
		p.key = "smb " + spec.Host + " " + spec.Share + " " + spec.Path
	case "sftp":
		p.source, err = newSFTP(spec, env)
		p.key = "sftp " + spec.Host + " " + spec.Path
	default:
		err = fmt.Errorf("its location's type %q is not known to this player", spec.Type)
	}
	if err != nil {
		return nil, err
	}
	p.key = env.Asker + "\n" + p.key
	return p, nil
}

func (p *place) Read(ctx context.Context, limit int64) ([]byte, error) {
	type answer struct {
		bytes []byte
		mark  mark
	}
	known := p.known
	a, err := within(ctx, p.held, p.key, func() (answer, error) {
		b, m, err := p.fetch(ctx, limit, known)
		return answer{b, m}, err
	})
	if err == nil || errors.Is(err, ErrUnchanged) {
		p.known = a.mark
	}
	return a.bytes, err
}

// compare says whether bytes are new. A file that looks the same is read once more before it is believed: it may have been
// written twice within the grain of its time.
func compare(b []byte, info os.FileInfo, known mark) ([]byte, mark, error) {
	m := mark{size: info.Size(), modified: info.ModTime(), sum: sha256.Sum256(b)}
	if m.sum != known.sum {
		return b, m, nil
	}
	m.settled = looksTheSame(info, known)
	return nil, m, ErrUnchanged
}

func looksTheSame(info os.FileInfo, known mark) bool {
	return !known.modified.IsZero() && info.Size() == known.size && info.ModTime().Equal(known.modified)
}

// opened is a file that can be looked at while it is read.
type opened interface {
	io.Reader
	Stat() (os.FileInfo, error)
}

// take reads an opened file whole, unless it is known already.
func take(ctx context.Context, f opened, name string, limit int64, known mark) ([]byte, mark, error) {
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, mark{}, err
	case !st.Mode().IsRegular():
		return nil, mark{}, fmt.Errorf("%s is not a plain file", name)
	case st.Size() > limit:
		return nil, mark{}, errTooLong
	case known.settled && looksTheSame(st, known):
		return nil, known, ErrUnchanged
	}
	b, err := readAll(contextReader{ctx, f}, limit)
	if err != nil {
		return nil, mark{}, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, mark{}, err
	}
	if after.Size() != int64(len(b)) || !after.ModTime().Equal(st.ModTime()) {
		return nil, mark{}, fmt.Errorf("%s was written while it was read; it is read again soon", name)
	}
	return compare(b, st, known)
}

// readAll reads up to limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLong
	}
	return b, err
}

type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
