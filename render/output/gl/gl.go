// Package gl answers: how does a frame come onto a screen through a graphics card?
//
//	compose ──> Frame ──dirty parts──> texture ──shader: a tile, turned, mirrored, scaled, corrected──> window, at its vsync
//
// It shows what package layout shows, pixel for pixel where nothing is scaled and within rounding elsewhere; turning,
// scaling and correcting cost the processor nothing. The window is the X11 output's own: keys, displays and the picture
// that outlives the process are as they are there. EGL and OpenGL ES 3 are the system's (Debian: libegl1, libgles2; to build
// with -tags gl: libegl-dev, libgles-dev, libx11-dev).
package gl

import "errors"

// ErrSoftware is that OpenGL is there, yet painted by the processor: slower than painting without it.
var ErrSoftware = errors.New("OpenGL is painted in software here")

// ErrNotBuilt is that this program was built without OpenGL.
var ErrNotBuilt = errors.New("this vitrine-render was built without OpenGL; use --output x11, or build it with -tags gl (libegl-dev, libgles-dev, libx11-dev)")
