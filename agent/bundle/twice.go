package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// twin is the second place of a file that is kept twice.
const twin = ".copy"

// WriteTwice replaces a small file of JSON and its copy beside it, each with a check sum: for what nobody would send again.
func WriteTwice(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	b = append(b, sumLine(b)...)
	return errors.Join(WriteAtomically(path, b), WriteAtomically(path+twin, b))
}

func sumLine(b []byte) []byte {
	return fmt.Appendf(nil, "\n# %08x\n", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// ReadTwice reads into v what WriteTwice has written last, at most limit bytes, from the copy where the file is not whole, and
// mends the one that is not. found is false when neither is; err says what was wrong, nil when both are there and whole, or
// when there is neither.
func ReadTwice(path string, limit int64, v any) (found bool, err error) {
	var good []byte
	var wrong []error
	absent := 0
	for _, p := range []string{path, path + twin} {
		b, err := readSummed(p, limit)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent++
		case err == nil && good == nil:
			if err = json.Unmarshal(b, v); err == nil {
				good = b
				continue
			}
		case err == nil && bytes.Equal(b, good):
			continue
		case err == nil:
			err = fmt.Errorf("%s is behind", p)
		}
		wrong = append(wrong, err)
	}
	switch {
	case absent == 2:
		return false, nil
	case good != nil && len(wrong) > 0:
		wrong = append(wrong, WriteTwice(path, json.RawMessage(good)))
	}
	return good != nil, errors.Join(wrong...)
}

// readSummed is a file's JSON. One of before there were sums is believed when it is whole.
func readSummed(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || int64(len(all)) > limit {
		return nil, errors.Join(err, fmt.Errorf("%s cannot be read", path))
	}
	if n := len(all) - len(sumLine(nil)); n > 0 && bytes.Equal(sumLine(all[:n]), all[n:]) {
		return all[:n], nil
	}
	if json.Valid(all) {
		return all, nil
	}
	return nil, fmt.Errorf("%s is damaged", path)
}
