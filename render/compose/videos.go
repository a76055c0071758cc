package compose

import "sync"

// videos keeps what plays video: opening one takes longer than loading a file into one that is open.
type videos struct {
	open func(wake func()) (Video, error)
	wake func()

	mu     sync.Mutex
	idle   []Video
	first  Video // never closed before the end: libmpv's hold on libav's log goes with the first one
	closed bool
}

func (v *videos) take() (Video, error) {
	v.mu.Lock()
	if n := len(v.idle); n > 0 {
		out := v.idle[n-1]
		v.idle = v.idle[:n-1]
		v.mu.Unlock()
		return out, nil
	}
	v.mu.Unlock()
	x, err := v.open(v.wake)
	if err == nil {
		v.mu.Lock()
		if v.first == nil {
			v.first = x
		}
		v.mu.Unlock()
	}
	return x, err
}

// give takes a video back that nothing plays on.
func (v *videos) give(x Video) {
	v.mu.Lock()
	full := v.closed || len(v.idle) >= spareVideos
	switch {
	case !full:
		v.idle = append(v.idle, x)
	case x == v.first && !v.closed:
		v.idle[0], x = x, v.idle[0]
	}
	v.mu.Unlock()
	if full {
		x.Close()
	}
}

// close ends all that are idle, and from now on each that is given back.
func (v *videos) close() {
	v.mu.Lock()
	v.closed = true
	idle := v.idle
	v.idle = nil
	v.mu.Unlock()
	for _, x := range idle {
		x.Close()
	}
}
