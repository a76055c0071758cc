package gate

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"vitrine/cloud/api"
	"vitrine/cloud/depot"
)

// stallTime is how long a transfer of a blob may stand still.
const stallTime = time.Minute

func (g *Gate) blobRoutes() []Route {
	return []Route{
		{"GET " + api.PathBlob, Either, "A blob, or ranges of it; HEAD says whether it is there.", nil, nil, g.getBlob},
		{"PUT " + api.PathBlob, Person, "A blob; verified while it comes, idempotent.", nil, nil, g.putBlob},
		{"GET " + api.PathManifest, Either, "A manifest's envelope.", nil, nil, g.getManifest},
		{"PUT " + api.PathManifest, Person, "A manifest's envelope; its digest is its name.", nil, nil, g.putManifest},
		{"GET " + api.PathRoots, Either, "One envelope of the root chain.", nil, nil, g.getRoot},
		{"PUT " + api.PathRoots, Person, "The next envelope of the root chain.", nil, nil, g.putRoot},
		{"GET " + api.PathFresh, Either, "Which manifest of a stream is the newest now: an envelope that the relay's own key signs, for a day.", nil, nil, g.fresh},
		{"GET " + api.PathWarnings, Either, "Signed public warnings: those with serials above after=, and those still in time; from= goes on.", nil, api.Warnings{}, g.warnings},
		{"GET " + api.PathParcels, Either, "Signed parcels that are in time: a player's own, or for a person all; from= goes on.", nil, api.Parcels{}, g.parcels},
		{"PUT " + api.PathParcel, Person, "A signed parcel, told to the players at once; what lies beside it must be there.", nil, api.SignedParcel{}, g.putParcel},
		{"PUT " + api.PathWarning, Person, "A signed public warning, told to the players at once; its serial follows the newest.", nil, api.SignedWarning{}, g.putWarning},
	}
}

func (g *Gate) getBlob(w http.ResponseWriter, r *http.Request) error {
	digest := r.PathValue("digest")
	if r.Method == http.MethodHead && callerOf(r).device == "" { // a push that asks will not send it
		if err := g.cfg.Depot.Blobs().Touch(digest); err != nil {
			return err
		}
	}
	f, err := g.cfg.Depot.Blobs().Open(digest)
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("ETag", `"`+digest+`"`)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	c := http.NewResponseController(w)
	out := &rolling{ResponseWriter: w, more: func() { _ = c.SetWriteDeadline(time.Now().Add(stallTime)) }, meter: g.Meter}
	http.ServeContent(out, r, "", time.Time{}, f)
	return c.SetWriteDeadline(time.Time{})
}

// rolling is an answer that may take as long as it likes, but may not stand still.
type rolling struct {
	http.ResponseWriter
	more  func()
	meter *Meter
}

// Write implements io.Writer.
func (o *rolling) Write(p []byte) (int, error) {
	o.more()
	n, err := o.ResponseWriter.Write(p)
	o.meter.sent.Add(int64(n))
	return n, err
}

// ReadFrom copies in larger pieces than io.Copy does.
func (o *rolling) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{o}, struct{ io.Reader }{r}, make([]byte, 128<<10))
}

func (g *Gate) putBlob(w http.ResponseWriter, r *http.Request) error {
	digest := r.PathValue("digest")
	switch {
	case !depot.IsDigest(digest):
		return malformed("the digest is not 64 lower-case hexadecimal digits")
	case r.ContentLength < 0:
		return &api.Problem{Title: "a blob needs Content-Length", Status: http.StatusLengthRequired}
	case r.ContentLength > api.MaxBlob:
		return &api.Problem{Title: "the blob is longer than " + strconv.Itoa(api.MaxBlob) + " bytes", Status: http.StatusRequestEntityTooLarge}
	}
	c := http.NewResponseController(w)
	in := reader(func(p []byte) (int, error) {
		if err := c.SetReadDeadline(time.Now().Add(stallTime)); err != nil {
			return 0, err
		}
		n, err := r.Body.Read(p)
		g.Meter.taken.Add(int64(n))
		return n, err
	})
	fresh, err := g.cfg.Depot.Blobs().Put(r.Context(), digest, r.ContentLength, in)
	if err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if fresh {
		w.WriteHeader(http.StatusCreated)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// reader makes a function an io.Reader.
type reader func([]byte) (int, error)

// Read implements io.Reader.
func (f reader) Read(p []byte) (int, error) { return f(p) }

func (g *Gate) getManifest(w http.ResponseWriter, r *http.Request) error {
	digest := r.PathValue("digest")
	b, err := g.cfg.Depot.Manifest(digest)
	if err != nil {
		return err
	}
	return envelope(w, r, b, `"`+digest+`"`)
}

// envelope sends signed bytes as they are.
func envelope(w http.ResponseWriter, r *http.Request, b []byte, etag string) error {
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	return nil
}

func (g *Gate) putManifest(w http.ResponseWriter, r *http.Request) error {
	b, err := body(w, r, api.MaxEnvelope)
	if err != nil {
		return err
	}
	if err := g.cfg.Depot.PutManifest(r.Context(), r.PathValue("digest"), b); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (g *Gate) getRoot(w http.ResponseWriter, r *http.Request) error {
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil {
		return malformed("a root's version is a number")
	}
	b, err := g.cfg.Depot.Root(version)
	if err != nil {
		return err
	}
	return envelope(w, r, b, `"root-`+strconv.Itoa(version)+`"`)
}

func (g *Gate) putRoot(w http.ResponseWriter, r *http.Request) error {
	version, err := strconv.Atoi(r.PathValue("version"))
	if err != nil {
		return malformed("a root's version is a number")
	}
	b, err := body(w, r, api.MaxRoot)
	if err != nil {
		return err
	}
	if err := g.cfg.Depot.PutRoot(version, b); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
