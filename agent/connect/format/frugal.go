package format

import (
	"context"
	"errors"
	"runtime/metrics"
	"sync"
	"time"
)

// maxGrowth is how much more a query may hold than there was before it, in bytes.
const maxGrowth = 256 << 20

var errGreedy = errors.New("the jq query takes more than 256 MiB of memory on this document: let it select less")

// frugal ends a query's context once more is alive in memory than there was, garbage included, when it began. What other
// sources take meanwhile counts too: the query fails, its last good rows stay, and it is asked again.
func frugal(ctx context.Context) (within context.Context, stop func()) {
	within, cancel := context.WithCancelCause(ctx)
	most := heap("/memory/classes/heap/objects:bytes") + maxGrowth
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-within.Done():
				return
			case <-tick.C:
			}
			if heap("/gc/heap/live:bytes") > most {
				cancel(errGreedy)
				return
			}
		}
	})
	return within, func() { cancel(nil); watch.Wait() }
}

func heap(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
