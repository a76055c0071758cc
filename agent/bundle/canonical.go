package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gowebpki/jcs"
)

// errNotCanonical is the refusal of JSON that has more than one reading.
var errNotCanonical = errors.New("it is not canonical JSON (RFC 8785): names doubled, out of order or spelt otherwise, " +
	"empty fields, stray spaces or bytes, or bad UTF-8")

// canonical is v in RFC 8785 form: one value has exactly one encoding.
func canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(plain)
}

// parseStrict reads exactly what canonical writes. encoding/json alone would take doubled names, names in another
// case, trailing bytes and bad UTF-8; so our own encoding of what was read must give the same bytes again.
func parseStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the JSON ends too early")
		}
		return fmt.Errorf("read JSON: %w", err)
	}
	again, err := canonical(v)
	if err != nil {
		return fmt.Errorf("encode again: %w", err)
	}
	if !bytes.Equal(again, b) {
		return errNotCanonical
	}
	return nil
}
