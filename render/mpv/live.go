//go:build mpv

package mpv

import (
	"fmt"
	"strings"

	"github.com/gen2brain/go-mpv"

	"vitrine/render/scene"
)

// loadLive connects to an address. libav may use what its scheme needs, and no file.
func (c *Core) loadLive(item scene.Item) error {
	if err := errAddress(item.Src); err != nil {
		return err
	}
	panscan, keep := fitting(item.Fit)
	aid := "no"
	if item.Volume > 0 {
		aid = "auto"
	}
	allowed := "protocol_whitelist=[" + strings.Join(protocols(item.Src), ",") + "]"
	for _, o := range [][2]string{{"demuxer-lavf-o", allowed}, {"stream-lavf-o", allowed}, {"aid", aid}} {
		if err := c.m.SetPropertyString("options/"+o[0], o[1]); err != nil {
			return fmt.Errorf("prepare libmpv for %s: %s: %w", item.Src, o[0], err)
		}
	}
	if err := c.m.SetProperty("panscan", mpv.FormatDouble, panscan); err != nil {
		return fmt.Errorf("prepare libmpv for %s: panscan: %w", item.Src, err)
	}
	if err := c.m.SetProperty("keepaspect", mpv.FormatFlag, keep); err != nil {
		return fmt.Errorf("prepare libmpv for %s: keepaspect: %w", item.Src, err)
	}
	return c.open(plainAddress(item.Src))
}
