#!/usr/bin/env bash
# Makes a bare Debian 12 or 13 machine able to build, test and show Vitrine.
#
#	debian-packages.txt ──apt-get──> packages ──> Debian's Go ──go mod download──> the Go that go.mod names
#
# Where all is there already it does nothing and needs no rights; otherwise it needs root, or sudo. Further lists of packages, as
# paths, are installed too.
set -euo pipefail
. "$(dirname "$0")/env.sh"

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v dpkg-query >/dev/null || fail "this is not Debian: install what packaging/debian-packages.txt names by hand, and Go $vitrine_lowest or newer"

missing=()
while read -r name _; do
	case $name in
	'' | '#'*) continue ;;
	golang-go) vitrine_find_go && continue ;;
	esac
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
done < <(cat "$vitrine_root/packaging/debian-packages.txt" "$@")

if [ ${#missing[@]} -gt 0 ]; then
	root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || fail "these packages are missing and only root can install them: ${missing[*]}. Run this as root, or install sudo"
		root=(sudo)
	fi
	echo "setup: installing ${missing[*]}"
	apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
	install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# Package lists may be absent (a new machine) or too old (files gone from the mirror): only then are they fetched.
	if ! "${install[@]}" >"$log" 2>&1; then
		"${apt[@]}" update >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "the package lists cannot be fetched: check the network and /etc/apt"; }
		"${install[@]}" >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "apt-get could not install ${missing[*]}"; }
	fi
fi

# Debian's own Go is older than go.mod asks. It can fetch a newer one as a module, checked against the checksum database
# like any other; what a module cannot carry (executable bits, a go.mod inside) is put right afterwards, as the go command
# itself does (cmd/go/internal/toolchain).
if ! vitrine_find_go; then
	name=golang.org/toolchain@v0.0.1-go$vitrine_wanted.linux-$(dpkg --print-architecture)
	echo "setup: fetching Go $vitrine_wanted"
	(cd / && GO111MODULE=on GOFLAGS=-mod=mod GOTOOLCHAIN=local go mod download "$name") || fail "Go $vitrine_wanted cannot be fetched as the module $name: check the network, or install Go $vitrine_lowest or newer in /usr/local/go"
	dir=$(vitrine_fetched_go)
	chmod -R u+w "$dir"
	chmod a+x "$dir"/bin/* "$dir"/pkg/tool/*/*
	for mod in src src/cmd; do
		[ -e "$dir/$mod/go.mod" ] || cp "$dir/$mod/_go.mod" "$dir/$mod/go.mod"
	done
	vitrine_find_go || fail "Go $vitrine_wanted was fetched into $dir but does not run: see what \"$dir/bin/go version\" says"
fi
