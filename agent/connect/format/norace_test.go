//go:build !race

package format_test

const memoryFactor = 1
