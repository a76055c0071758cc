//go:build !linux

package sense

import (
	"context"
	"fmt"
	"time"
)

// network looks at links and addresses once a minute: this system does not tell of them.
func (s *Senses) network(ctx context.Context) error {
	for {
		list, err := cards()
		if err != nil {
			return fmt.Errorf("networks cannot be listed: %w", err)
		}
		s.tell("network", networkMetrics(list))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}
