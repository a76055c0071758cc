package sense

import (
	"errors"
	"fmt"
	"os"

	"github.com/warthog618/go-gpiocdev"
)

// openLine watches a line over the character device, version 2 of its interface (Linux 5.10; linux/gpio.h).
func openLine(l Line, change func(active bool)) (active bool, done func() error, err error) {
	options := []gpiocdev.LineReqOption{gpiocdev.AsInput, gpiocdev.WithBothEdges, gpiocdev.WithConsumer("vitrine"), gpiocdev.WithABIVersion(2),
		gpiocdev.WithEventHandler(func(e gpiocdev.LineEvent) { change(e.Type == gpiocdev.LineEventRisingEdge) })}
	if l.ActiveLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	switch l.Pull {
	case "up":
		options = append(options, gpiocdev.WithPullUp)
	case "down":
		options = append(options, gpiocdev.WithPullDown)
	}
	if l.Debounce > 0 {
		options = append(options, gpiocdev.WithDebounce(l.Debounce))
	}
	line, err := gpiocdev.RequestLine(l.Chip, l.Offset, options...)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil, fmt.Errorf("there is no /dev/%s: %w", l.Chip, err)
	case errors.Is(err, os.ErrPermission):
		return false, nil, fmt.Errorf("the player may not open /dev/%s; put its user into the group gpio: %w", l.Chip, err)
	case err != nil:
		return false, nil, fmt.Errorf("line %d of %s: %w; does another program hold it?", l.Offset, l.Chip, err)
	}
	value, err := line.Value()
	if err != nil {
		return false, nil, errors.Join(fmt.Errorf("line %d of %s cannot be read: %w", l.Offset, l.Chip, err), line.Close())
	}
	return value == 1, line.Close, nil
}
