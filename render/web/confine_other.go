//go:build !linux

package web

import (
	"errors"
	"os/exec"
)

// account is who the browser runs as; only Linux knows how.
type account struct{}

func lesser() (*account, error) { return nil, errors.New("web pages are shown on Linux only") }

func (a *account) own(string) error  { return nil }
func (a *account) confine(*exec.Cmd) {}
func killGroup(int)                  {}
func alive(int) bool                 { return true }
func lastResort(int)                 {}
func inMemory(string) bool           { return false }
func roomy(string) bool              { return true }

// share is what one process of a browser has in memory; only Linux tells.
type share struct {
	pid    int
	page   bool
	memory int64
}

func shares(int) []share { return nil }
func total() int64       { return 0 }
func killOne(int)        {}

type crew struct{}

func (*crew) rough(int) int64 { return 0 }
