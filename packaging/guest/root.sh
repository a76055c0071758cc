#!/usr/bin/env bash
# Makes the disk of a guest: a small Debian with udisks2, an NFS server and its own kernel, and nothing of Vitrine, so that it is made once.
#
#	mmdebstrap ──> folder ──mke2fs -d──> base.img (LABEL=vitrine), vmlinuz, initrd
#
# Usage: packaging/guest/root.sh DIR [SUITE]        as root; what is there and of the same recipe stays.
set -euo pipefail
dir=$1 suite=${2:-trixie}
recipe=$(sha256sum <"$0" | cut -c1-16)-$suite
[ -e "$dir/recipe" ] && [ "$(cat "$dir/recipe")" = "$recipe" ] && exit 0

fail() { printf 'guest: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "making a root needs root"
mkdir -p "$dir"
rm -f "$dir/recipe"
root=$(mktemp -d -p /var/tmp vitrine-guest.XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT

# An initrd of what a virtio disk needs; "most" would be 30 MB that an emulated processor has to unpack.
modules='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vitrine"; printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules"'
mmdebstrap --quiet --variant=minbase --aptopt='Apt::Install-Recommends "false"' \
	--include=systemd-sysv,udev,dbus,udisks2,linux-image-amd64,initramfs-tools,kmod,zstd,mount,e2fsprogs,dosfstools,exfatprogs,nfs-kernel-server \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--setup-hook="$modules" "$suite" "$root" || fail "mmdebstrap could not make a $suite"

# Commands come in by a virtio port, one a line, and their output goes out by it.
cat >"$root/usr/local/sbin/shell" <<'SHELL'
#!/bin/sh
exec 3<>/dev/virtio-ports/shell
echo @@ready >&3
while IFS= read -r line <&3; do
	sh -c "$line" </dev/null >&3 2>&1
	printf '\n@@done %s\n' $? >&3
done
SHELL
chmod 755 "$root/usr/local/sbin/shell"
cat >"$root/etc/systemd/system/shell.service" <<'UNIT'
[Unit]
After=udisks2.service dev-virtio\x2dports-shell.device
Wants=udisks2.service
[Service]
ExecStart=/usr/local/sbin/shell
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
echo vitrine-guest >"$root/etc/hostname"
echo 'LABEL=vitrine / ext4 noatime 0 1' >"$root/etc/fstab"
mkdir -p "$root/payload"
chroot "$root" systemctl -q enable shell.service
chroot "$root" systemctl -q disable nfs-server.service # until it is asked for
chroot "$root" systemctl -q mask systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
	e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service systemd-networkd.service systemd-resolved.service 2>/dev/null || true

cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp "$root"/boot/initrd.img-* "$dir/initrd"
rm -rf "$root"/boot/* "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/*
rm -f "$dir/base.img"
mke2fs -q -t ext4 -L vitrine -d "$root" "$dir/base.img" 1G
echo "$recipe" >"$dir/recipe"
