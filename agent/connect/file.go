package connect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// errTooLong is a source that gives more than it may.
var errTooLong = errors.New("it is longer than its limit; raise limits.bytes or make it shorter")

// readAll reads up to limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLong
	}
	return b, err
}

// file is a file on the player or on a share that is mounted there.
type file struct {
	path string
	deny string
	last os.FileInfo
}

func (l *file) read(ctx context.Context, limit int64) ([]byte, error) {
	if err := l.allowed(); err != nil {
		return nil, advise(err, l.path)
	}
	// A pipe or a device must not hold the player up.
	f, err := os.OpenFile(l.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, advise(err, l.path)
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a plain file", l.path)
	case st.Size() > limit:
		return nil, errTooLong
	case l.last != nil && os.SameFile(st, l.last) && st.Size() == l.last.Size() && st.ModTime().Equal(l.last.ModTime()):
		return nil, errUnchanged
	}
	b, err := readAll(contextReader{ctx, f}, limit)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if after.Size() != int64(len(b)) || !after.ModTime().Equal(st.ModTime()) {
		return nil, fmt.Errorf("%s was written while it was read; it is read again soon", l.path)
	}
	l.last = nil
	if time.Since(st.ModTime()).Abs() > 2*time.Second { // else a second write may look the same
		l.last = st
	}
	return b, nil
}

// advise says what to do about a file that cannot be opened.
func advise(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s on the player: put it there, mount the share that holds it, or name another path in the bundle (%w)", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the player may not read %s: let the user that it runs as read the file and its folders (%w)", path, err)
	}
	return err
}

// allowed keeps sources out of the player's own folder, where its keys are.
func (l *file) allowed() error {
	if l.deny == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(l.path)
	if err != nil {
		return err
	}
	deny, err := filepath.EvalSymlinks(l.deny)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(deny, real); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("%s belongs to the player itself; no source may read it", l.path)
	}
	return nil
}

// watchFile tells of changes of a file by watching its folder, since editors save by renaming.
func watchFile(path string, changes chan<- struct{}) (stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(filepath.Dir(path)); err != nil {
		w.Close()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow(w, filepath.Base(path), changes)
	}()
	return func() { w.Close(); <-done }, nil
}

// follow passes on what happens to one name, after it has been quiet for a moment: a file is written in pieces.
func follow(w *fsnotify.Watcher, name string, changes chan<- struct{}) {
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if filepath.Base(e.Name) == name && !e.Has(fsnotify.Chmod) {
				quiet.Reset(100 * time.Millisecond)
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			quiet.Reset(100 * time.Millisecond) // events were lost: look
		case <-quiet.C:
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}
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

// web is an address. Some servers answer 200 to every request, so that the bytes are compared too.
type web struct {
	client   *http.Client
	url      string
	etag     string
	modified string
	sum      [sha256.Size]byte
}

// newClient follows redirects on the same host only: what a source may reach is what its bundle names.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			first := via[0].URL
			switch {
			case len(via) >= 5:
				return errors.New("it redirects without end")
			case req.URL.Host != first.Host || first.Scheme == "https" && req.URL.Scheme != "https":
				return fmt.Errorf("it redirects to %s://%s, which the source does not name", req.URL.Scheme, req.URL.Host)
			}
			return nil
		},
	}
}

func (l *web) read(ctx context.Context, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "vitrine-player")
	if l.etag != "" {
		req.Header.Set("If-None-Match", l.etag)
	}
	if l.modified != "" {
		req.Header.Set("If-Modified-Since", l.modified)
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && (l.etag != "" || l.modified != ""):
		return nil, errUnchanged
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", req.URL.Host, res.Status)
	case res.ContentLength > limit:
		return nil, errTooLong
	}
	b, err := readAll(res.Body, limit)
	if err != nil {
		return nil, err
	}
	l.etag, l.modified = res.Header.Get("ETag"), res.Header.Get("Last-Modified")
	sum := sha256.Sum256(b)
	if sum == l.sum {
		return nil, errUnchanged
	}
	l.sum = sum
	return b, nil
}
