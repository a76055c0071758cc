#!/usr/bin/env bash
# Shows that the two commands of the README work where nothing is installed: a fresh Debian of only apt, make, git and
# certificates, a clone of what is committed here, and then make.
#
#	mmdebstrap ──> root ──clone──> chroot: make demo SECONDS=30 ──> chroot: make test
#
# Usage: packaging/bare.sh [SUITE] [TARGET…]       as root; bookworm, or the suite named; "demo SECONDS=30" and "test",
# or the targets named. What apt and TLS need to reach the mirrors (proxy settings, further authorities) is taken from
# this machine. BARE_KEEP=DIR keeps the root there and uses it again.
set -euo pipefail
suite=${1:-bookworm}
shift $(( $# > 0 ? 1 : 0 ))
here=$(cd "$(dirname "$0")/.." && pwd)

fail() { printf 'bare: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "making a root and entering it needs root"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"

new=${BARE_KEEP:-$(mktemp -d -p /var/tmp vitrine-bare.XXXXXX)}
mounts=(proc sys dev dev/pts dev/shm)
leave() {
	for m in $(printf '%s\n' "${mounts[@]}" | tac); do
		mountpoint -q "$new/$m" && umount -l "$new/$m"
	done
	[ -n "${BARE_KEEP:-}" ] || rm -rf --one-file-system "$new"
}
trap leave EXIT

if [ ! -e "$new/etc/debian_version" ]; then
	mmdebstrap --quiet --variant=minbase --include=make,git,ca-certificates "$suite" "$new"
fi
cp -L /etc/resolv.conf "$new/etc/resolv.conf"
cp -L /etc/hosts "$new/etc/hosts"
printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d" # no service starts inside
chmod +x "$new/usr/sbin/policy-rc.d"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
	cp /usr/local/share/ca-certificates/*.crt "$new/usr/local/share/ca-certificates/"
	chroot "$new" update-ca-certificates >/dev/null
fi

mount -t proc proc "$new/proc"
mount -t sysfs -o ro sysfs "$new/sys"
mount --rbind /dev "$new/dev" && mount --make-rslave "$new/dev"
mounts=(proc sys dev)
rm -rf "$new/root/vitrine"
git clone -q "$here" "$new/root/vitrine"

run() {
	printf 'bare: %s in %s\n' "make $*" "$(. "$new/etc/os-release" && echo "$PRETTY_NAME")"
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
		http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" \
		chroot "$new" make -C /root/vitrine "$@"
}
if [ $# -gt 0 ]; then
	run "$@"
else
	run demo SECONDS=30
	run test
fi
