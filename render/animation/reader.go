package animation

import (
	"errors"
	"io"
)

// reader walks through a file in buffered steps and knows where it is.
type reader struct {
	from io.ReaderAt
	at   int64
	end  int64
	buf  []byte
	base int64 // of buf in the file
}

var errShort = errors.New("it is cut short: copy or export it again")

// next is the next n bytes, valid until the next call; n is small.
func (r *reader) next(n int) ([]byte, error) {
	if int64(n) > r.end-r.at {
		return nil, errShort
	}
	if r.at < r.base || r.at+int64(n) > r.base+int64(len(r.buf)) {
		b := make([]byte, max(n, int(min(32<<10, r.end-r.at))))
		k, err := r.from.ReadAt(b, r.at)
		if k < n {
			return nil, errors.Join(errShort, err)
		}
		r.buf, r.base = b[:k], r.at
	}
	b := r.buf[r.at-r.base:][:n]
	r.at += int64(n)
	return b, nil
}

func (r *reader) byte() (byte, error) {
	b, err := r.next(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *reader) skip(n int64) error {
	if n < 0 || n > r.end-r.at {
		return errShort
	}
	r.at += n
	return nil
}
