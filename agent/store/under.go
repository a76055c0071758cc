package store

import (
	"context"
	"errors"

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
