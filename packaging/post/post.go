// Package post proves, with the real programs as processes, that what a publisher sends a player arrives, is kept to itself, and
// outlives a power cut.
//
//	vitrine ──secret, settings, relay, update──> vitrine-relay or a stick ──> vitrine-player
//	vitrine <── export read, push ── stick <── plays, log, picture ──────────┘
//
// It holds tests alone: go test ./packaging/post; -kills adds those that take long.
package post
