package sense

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// network reports links and addresses whenever the kernel says that one has changed (rtnetlink(7)), until ctx ends.
func (s *Senses) network(ctx context.Context) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("the kernel does not tell of networks: %w", err)
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("the kernel does not tell of networks: %w", err)
	}
	f := os.NewFile(uintptr(fd), "rtnetlink")
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	for message := make([]byte, 64<<10); ; { // what is in it does not matter
		list, err := cards()
		if err != nil {
			return fmt.Errorf("networks cannot be listed: %w", err)
		}
		s.cfg.Check("network", nil)
		s.tell("network", networkMetrics(list))
		if _, err := f.Read(message); err != nil && !errors.Is(err, unix.ENOBUFS) { // too many at once: look again
			return fmt.Errorf("the kernel tells no more of networks: %w", err)
		}
	}
}
