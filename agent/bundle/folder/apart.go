package folder

import (
	"context"
	"errors"
	"fmt"

	"vitrine/agent/bundle"
)

// Propose does what Build does up to the signature: for publishers whose keys are elsewhere. The serial is taken. Adopt
// makes the bundle when they have signed.
func (f *Folder) Propose(ctx context.Context, o Options) (*bundle.Draft, error) {
	root, m, _, err := f.prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := root.Close(); err != nil {
		return nil, err
	}
	var draft *bundle.Draft
	err = f.nextSerial(func(s *state) error {
		m.Seq, m.Previous = max(s.Seq, o.After)+1, s.Manifest
		if err := m.Validate(); err != nil {
			return fmt.Errorf("manifest: %w", err)
		}
		var err error
		if draft, err = m.Draft(o.Trust); err != nil {
			return err
		}
		s.Seq = m.Seq
		return nil
	})
	return draft, err
}

// Adopt makes a bundle of a manifest that was signed elsewhere, if the folder is still what it says.
func (f *Folder) Adopt(ctx context.Context, o Options, signed *bundle.Draft) (bundle.Content, error) {
	envelope, err := signed.Envelope()
	if err != nil {
		return bundle.Content{}, err
	}
	m, err := o.Trust.Manifest(envelope)
	if err != nil {
		return bundle.Content{}, fmt.Errorf("players would refuse this bundle: %w", err)
	}
	root, now, paths, err := f.prepare(ctx, o)
	if err != nil {
		return bundle.Content{}, err
	}
	now.Seq, now.Previous, now.Issued, now.Root, now.Agent = m.Seq, m.Previous, m.Issued, m.Root, m.Agent
	again, err := now.Draft(o.Trust)
	if err == nil && again.Digest() != signed.Digest() {
		err = fmt.Errorf("the folder is no longer what was signed as %s %d: ask for a new signature with --request", m.Stream, m.Seq)
	}
	if err != nil {
		return bundle.Content{}, errors.Join(err, root.Close())
	}
	err = f.nextSerial(func(s *state) error {
		if s.Seq <= m.Seq {
			s.Seq, s.Manifest = m.Seq, bundle.DigestOf(envelope)
		}
		return nil
	})
	if err != nil {
		return bundle.Content{}, errors.Join(err, root.Close())
	}
	return f.content(root, o.Trust, m, envelope, paths), nil
}
