package place

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/emersion/go-webdav"
)

// dav is a file or folder of a WebDAV server: read like any address, listed by PROPFIND (RFC 4918).
type dav struct {
	*web
}

func newDAV(spec Spec, env Env) (*dav, error) {
	w, err := newWeb(spec, env)
	if err != nil {
		return nil, err
	}
	return &dav{w}, nil
}

// Do sends go-webdav's requests with the proof, and reads no more than a folder may have.
func (d *dav) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != d.url.Scheme || req.URL.Host != d.url.Host {
		return nil, fmt.Errorf("the server names %s, which the source does not", req.URL.Host)
	}
	challenge := ""
	for {
		again := req.Clone(req.Context())
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			again.Body = body
		}
		again.Header.Set("User-Agent", "vitrine-player")
		if err := d.proof.add(again, challenge); err != nil {
			return nil, err
		}
		res, err := d.client.Do(again)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == http.StatusUnauthorized && challenge == "" {
			if challenge = d.proof.challenge(res); challenge != "" {
				res.Body.Close()
				continue
			}
		}
		if res.StatusCode/100 != 2 { // go-webdav would tell the server's whole page
			res.Body.Close()
			return nil, d.refusal(res)
		}
		res.Body = http.MaxBytesReader(nil, res.Body, maxListing)
		return res, nil
	}
}

func (d *dav) dial(context.Context) (folder, string, error) {
	root := *d.url
	root.Path, root.RawPath, root.RawQuery = "/", "", ""
	c, err := webdav.NewClient(d, root.String())
	if err != nil {
		return nil, "", err
	}
	return davFolder{c, d.web}, path.Clean("/" + d.url.Path), nil
}

type davFolder struct {
	*webdav.Client
	web *web
}

func (f davFolder) readDir(ctx context.Context, name string) ([]os.FileInfo, error) {
	found, err := f.ReadDir(ctx, strings.TrimSuffix(name, "/")+"/", false)
	if err != nil {
		return nil, err
	}
	var infos []os.FileInfo
	for _, info := range found {
		p := path.Clean("/" + info.Path)
		if unescaped, err := url.PathUnescape(p); err == nil && !strings.HasPrefix(p, name) {
			p = unescaped
		}
		if path.Dir(p) == name && p != name { // the folder itself is among them; what is elsewhere is not believed
			infos = append(infos, davInfo{path.Base(p), info})
		}
	}
	return infos, nil
}

func (f davFolder) sentence(err error) error { return f.web.sentence(err) }

func (davFolder) close() {}

// davInfo is what a server says of a file.
type davInfo struct {
	name string
	webdav.FileInfo
}

func (i davInfo) Name() string       { return i.name }
func (i davInfo) Size() int64        { return i.FileInfo.Size }
func (i davInfo) ModTime() time.Time { return i.FileInfo.ModTime }
func (i davInfo) IsDir() bool        { return i.FileInfo.IsDir }
func (i davInfo) Sys() any           { return nil }
func (i davInfo) Mode() fs.FileMode {
	if i.FileInfo.IsDir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
