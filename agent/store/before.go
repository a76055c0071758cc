package store

import (
	"context"
	"fmt"

	"vitrine/agent/bundle"
)

// MendBefore fetches what is missing or damaged of the bundle before the live one, so that going back shows all of it. It ends
// when another bundle becomes live. progress may be nil.
func (s *Store) MendBefore(ctx context.Context, from Origin, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j := &job{}
	defer s.unpin(j)
	in, err := s.lookBefore(ctx, j, stop)
	if err == nil && len(in.missing) > 0 {
		err = s.fetchAll(ctx, from, in, progress)
	}
	if err != nil {
		return fmt.Errorf("mend the bundle before the live one: %w", err)
	}
	if err := s.remark(in.marks); err != nil {
		return err
	}
	return s.refresh()
}

// lookBefore reads what the bundle before has, makes room for what it has not, and keeps it from being collected.
func (s *Store) lookBefore(ctx context.Context, j *job, stop context.CancelCauseFunc) (*incoming, error) {
	release, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	in := &incoming{marks: map[bundle.Digest]mark{}}
	in.Digest = s.pointers().Previous
	if in.Digest == "" {
		return in, nil
	}
	if in.Manifest, err = s.manifest(in.Digest); err != nil {
		return in, err
	}
	for _, b := range in.Manifest.Blobs {
		k, whole, err := s.present(b, true)
		switch {
		case err != nil:
			return in, err
		case whole:
			in.marks[b.Digest] = k
		default:
			in.missing = append(in.missing, b)
		}
	}
	s.pin(j, in, stop)
	if len(in.missing) > 0 {
		err = s.makeRoom(in)
	}
	return in, err
}
