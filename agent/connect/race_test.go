//go:build race

package connect_test

// memoryFactor is what the race detector adds.
const memoryFactor = 10
