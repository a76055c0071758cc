//go:build !race

package connect_test

const memoryFactor = 1
