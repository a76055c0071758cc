//go:build !linux

package pipe

import "os/exec"

// dieWithParent does nothing here: the renderer ends when its standard input does.
func dieWithParent(*exec.Cmd) {}
