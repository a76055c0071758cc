//go:build !unix

package compose

func newScratch(n int) []byte { return make([]byte, n) }

func freeScratch([]byte) {}
