package compose_test

import (
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func TestAnUpdateIsNotUndoneByAWidgetThatTookLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newTheatre(t)
		text := func(s string) scene.Scene {
			return scene.Scene{For: scene.Duration(time.Minute), Zones: []scene.Zone{{At: scene.Rect{0, 0, size.X, size.Y}, Text: &scene.Text{Text: s}}}}
		}
		th.queue(1, true, text("late"))
		sc := text("white")
		th.stage.Do(pipe.Command{Op: pipe.OpUpdate, ID: 1, Scene: &sc})
		time.Sleep(3 * time.Second)
		th.shows("when both widgets are made", "white")
	})
}
