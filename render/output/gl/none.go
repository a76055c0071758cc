//go:build !gl

package gl

import (
	"vitrine/render/output"
	"vitrine/render/output/layout"
)

// Screen is not there without OpenGL.
type Screen struct{ *layout.Screen }

// New is ErrNotBuilt.
func New(*output.X11, layout.Plan, bool) (*Screen, error) { return nil, ErrNotBuilt }

// Renderer names nothing.
func (s *Screen) Renderer() string { return "" }

// Hold does nothing.
func (s *Screen) Hold() {}

// Software says nothing.
func (s *Screen) Software() bool { return true }
