//go:build race

package format_test

// memoryFactor is what the race detector adds.
const memoryFactor = 10
