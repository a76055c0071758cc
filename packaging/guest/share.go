package main

import (
	"fmt"
	"strings"

	"vitrine/agent/control"
)

// rowsYAML makes of the bundle one with rows of a file on an NFS share.
const rowsYAML = bundleYAML + `sources:
  menu:
    type: delimited
    separator: ";"
    location: {type: nfs, path: /nfs/menu.csv}
    refresh: {every: 3s, timeout: 5s}
    keep: {staleAfter: 5s}
`

// exported has the guest's own kernel serve a folder, and mounts it as a system does: it waits for its server for ever. A server
// lets nobody in before its grace time is over (RFC 8881, section 8.4.2): that is shortened.
const exported = `set -e
mkdir -p /srv/share /nfs /etc/nfs.conf.d
printf '[nfsd]\ngrace-time=5\nlease-time=5\n' >/etc/nfs.conf.d/short.conf
printf 'dish;price\nsoup;4.20\ntart;7.30\n' >/srv/share/menu.csv
systemctl start nfs-server
exportfs -o rw,no_root_squash,insecure '*:/srv/share'
mount -t nfs4 -o hard,vers=4.2 localhost:/srv/share /nfs`

// share is a share of the network that the system has mounted, whose server goes and comes back.
func (d *drill) share(n int) error {
	if _, err := d.guest.sh("%s", strings.ReplaceAll(exported, "\n", "; ")); err != nil {
		return err
	}
	if _, err := d.guest.sh("/payload/vitrine-player import /payload/%d.vitrine --data /var/lib/vitrine", n); err != nil {
		return err
	}
	for _, part := range []struct {
		command, said string
		holds         func(control.Source) bool
	}{
		{"true", "its rows come", func(s control.Source) bool { return s.Rows == 2 && !s.Stale }},
		{"echo 'fish;9.80' >>/srv/share/menu.csv", "a file that is changed is read again", func(s control.Source) bool { return s.Rows == 3 && !s.Stale }},
		{"rpc.nfsd 0", "the server is gone: the rows stay", func(s control.Source) bool { return s.Rows == 3 && s.Stale && s.Error != "" }},
		{"rpc.nfsd 8", "it is back, and what hung with it", func(s control.Source) bool { return s.Rows == 3 && !s.Stale }},
	} {
		if _, err := d.guest.sh("%s", part.command); err != nil {
			return err
		}
		s, err := d.await(part.said, func(s control.Status) bool {
			return s.Bundle != nil && s.Bundle.Seq == uint64(n) && s.Showing.Scene != "" && part.holds(s.Sources["menu"])
		})
		if err != nil {
			return fmt.Errorf("NFS: %w; the source is %+v", err, s.Sources["menu"])
		}
		d.step("NFS: %s: %d rows, stale %v %s", part.said, s.Sources["menu"].Rows, s.Sources["menu"].Stale, s.Sources["menu"].Error)
	}
	return nil
}
