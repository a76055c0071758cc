// Package reachtest proves that each kind of source is reached from a bundle's words to its rows.
//
//	bundle.Manifest ──sources──> connect.Set ──secrets of a vault──> Proxy ──> Samba, sshd, nginx, PostgreSQL, Radicale, …
//	                                └──> rows, or the last good ones with a reason
//
// It holds tests alone. What each place, database and calendar does by itself is shown beside its code.
package reachtest
