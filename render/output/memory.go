package output

import (
	"fmt"
	"image"
	"sync"
)

// Memory is a screen that nobody sees: for machines without one, previews and tests.
type Memory struct {
	frame *Frame
	done  chan error

	mu    sync.Mutex
	shown *Frame
}

const largest = 16384 // pixels a side

// NewMemory returns a screen of the given size, 1 to 16384 pixels a side.
func NewMemory(size image.Point) (*Memory, error) {
	if size.X < 1 || size.Y < 1 || size.X > largest || size.Y > largest {
		return nil, fmt.Errorf("a screen of %d×%d pixels cannot be; give 1 to %d a side, like 1920x1080", size.X, size.Y, largest)
	}
	return &Memory{frame: NewFrame(size), shown: NewFrame(size), done: make(chan error, 1)}, nil
}

// Name is "memory".
func (m *Memory) Name() string { return "memory" }

// Size is what NewMemory was given.
func (m *Memory) Size() image.Point { return m.frame.Size }

// Refresh is 60.
func (m *Memory) Refresh() float64 { return 60 }

// Frame is what Present takes from.
func (m *Memory) Frame() *Frame { return m.frame }

// Present copies the dirty parts, as a screen would.
func (m *Memory) Present(dirty []image.Rectangle) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range dirty {
		r = r.Intersect(m.frame.Bounds())
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(m.shown.Row(y, r.Min.X, r.Max.X), m.frame.Row(y, r.Min.X, r.Max.X))
		}
	}
	m.done <- nil
}

// Done is ready at once after Present.
func (m *Memory) Done() <-chan error { return m.done }

// Exposed never has a value.
func (m *Memory) Exposed() <-chan struct{} { return nil }

// Shot copies what was presented.
func (m *Memory) Shot() (*image.RGBA, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown.RGBA(), nil
}

// Close does nothing.
func (m *Memory) Close() {}
