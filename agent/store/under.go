package store

import (
	"context"
	"errors"
	"fmt"

	"vitrine/agent/bundle"
)

// errOvertaken ends a fetch because what is live has changed: whether it is still wanted is to be decided anew.
var errOvertaken = errors.New("another bundle has become live")

// job is an Ingest under way, for as long as nothing that it needs may be thrown away.
type job struct {
	digest   bundle.Digest
	manifest *bundle.Manifest
	asked    bool                    // its origin was asked for blobs
	fetched  bool                    // and gave all that were missing
	stop     context.CancelCauseFunc // ends its fetch
}

// pin keeps a bundle's blobs from being collected. The caller holds the token.
func (s *Store) pin(j *job, in *incoming, stop context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.digest, j.manifest, j.stop = in.Digest, in.Manifest, stop
	s.jobs[j] = true
}

func (s *Store) unpin(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, j)
}

// overtake lets each fetch under way decide anew: its bundle may be live by now, or too old, or partly here.
func (s *Store) overtake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for j := range s.jobs {
		j.stop(errOvertaken)
	}
}

// underWay lists the manifests that are on their way.
func (s *Store) underWay() map[bundle.Digest]*bundle.Manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[bundle.Digest]*bundle.Manifest{}
	for j := range s.jobs {
		out[j.digest] = j.manifest
	}
	return out
}

// part gives a staging file of a blob to one fetch. A second fetch of the same blob has a file of its own, so that a stick
// need not wait for a slow relay.
func (s *Store) part(d bundle.Digest) (path string, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := string(d)
	for n := 2; s.parts[name]; n++ {
		name = fmt.Sprintf("%s.%d", d, n)
	}
	s.parts[name] = true
	return s.path("staging", name), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.parts, name)
	}
}

// partFree says whether a blob's first staging file is nobody's now.
func (s *Store) partFree(d bundle.Digest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.parts[string(d)]
}
