package main

import (
	"context"
	"fmt"
)

func runConnect(ctx context.Context, c *call) error {
	fs := c.flags()
	r := relayFlags(fs)
	address, err := c.one(fs, "address of a relay")
	if err != nil {
		return err
	}
	r.URL = address
	client, err := r.client(c)
	if err != nil {
		return err
	}
	// One call that needs the token shows that address, authority and token belong together.
	if _, err := client.Streams(ctx, ""); err != nil {
		return fmt.Errorf("try the relay: %w", err)
	}
	path, err := r.keep()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "connected to %s; kept in %s\n", r.URL, path)
	return nil
}
