package connect

import (
	"context"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/format"
)

// parser makes at most most rows of bytes.
type parser func(ctx context.Context, b []byte, most int) (Result, error)

func parserOf(spec bundle.SourceSpec) (parser, error) {
	o := format.Options{Type: spec.Type, Charset: spec.Charset, Separator: spec.Separator, Header: spec.Header, Path: spec.Path}
	if err := format.Check(o); err != nil {
		return nil, err
	}
	return func(ctx context.Context, b []byte, most int) (Result, error) {
		t, err := format.Parse(ctx, o, b, most)
		if err != nil {
			return Result{}, err
		}
		return Result{Columns: t.Columns, Rows: t.Rows, Truncated: t.Truncated}, nil
	}, nil
}

// Parse makes rows of a source's bytes, without fetching anything: for who has the bytes already, such as a preview.
func Parse(spec bundle.SourceSpec, b []byte) (Result, error) {
	parse, err := parserOf(spec)
	if err != nil {
		return Result{}, err
	}
	most := spec.Limits.Rows
	if most <= 0 {
		most = defaultRows
	}
	r, err := parse(context.Background(), b, min(most, maxRows))
	if err != nil {
		return Result{}, err
	}
	r.Version = r.version()
	return r, nil
}
