# Sourced by the Makefile's recipes: puts a Go that is new enough first in PATH and says how to build.
#
#	go in PATH ─ /usr/local/go ─ module cache (put there by setup.sh) ──> the first that go.mod accepts
#
# Afterwards $TAGS names what has its headers here: "mpv", "gl", "mpv,gl", or nothing.

vitrine_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
vitrine_lowest=$(sed -n 's/^go //p' "$vitrine_root/go.mod")
vitrine_wanted=$(sed -n 's/^toolchain go//p' "$vitrine_root/go.mod")

# vitrine_go_fits GO says whether that program is a Go that go.mod accepts. It runs outside of the module, where no go.mod
# makes an old Go refuse to tell its version.
vitrine_go_fits() {
	local have
	have=$(cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	have=${have#go}
	[ -n "$have" ] && [ "$(printf '%s\n' "$vitrine_lowest" "${have%% *}" | sort -V | head -n 1)" = "$vitrine_lowest" ]
}

# vitrine_fetched_go prints where setup.sh puts the toolchain that go.mod names.
vitrine_fetched_go() {
	local cache=${GOMODCACHE:-${GOPATH:-$HOME/go}/pkg/mod}
	printf '%s/golang.org/toolchain@v0.0.1-go%s.linux-%s\n' "$cache" "$vitrine_wanted" "$(dpkg --print-architecture)"
}

# vitrine_find_go puts the first Go that fits in PATH, or fails.
vitrine_find_go() {
	local go
	for go in "$(command -v go)" /usr/local/go/bin/go "$(vitrine_fetched_go)/bin/go"; do
		if [ -n "$go" ] && [ -x "$go" ] && vitrine_go_fits "$go"; then
			PATH=$(dirname "$go"):$PATH
			export PATH GOTOOLCHAIN=local
			return 0
		fi
	done
	return 1
}

vitrine_find_go || true
TAGS=
if pkg-config --exists mpv 2>/dev/null; then
	TAGS=mpv
	export CGO_CFLAGS="-O2 -g -I$vitrine_root/packaging/mpvcompat"
fi
if pkg-config --exists egl glesv2 x11 2>/dev/null; then
	TAGS=${TAGS:+$TAGS,}gl
fi
# A tree that git refuses to read (sudo in someone else's clone) builds all the same, without a revision in its binaries.
git -C "$vitrine_root" rev-parse HEAD >/dev/null 2>&1 || export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
