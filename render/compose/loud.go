package compose

// loudness is how loud an item is to be, per cent: what it says, of the master volume, of its share in a transition.
func (s *Stage) loudness(sl *slot, share float64) int {
	if s.off {
		return 0
	}
	return int(float64(sl.item.Volume*s.master)/100*share + 0.5)
}

// turnUp sets an item's volume; share is its part in a transition. Silent ones are left alone.
func (s *Stage) turnUp(sl *slot, share float64) {
	if sl != nil && sl.video != nil && sl.item.Volume > 0 {
		sl.video.SetVolume(s.loudness(sl, share))
	}
}

// turnUp sets the volume of all that the reel has: the sound of a transition goes the way of its picture.
func (r *reel) turnUp() {
	share, comes := r.group.share(), 1.0
	if r.passage != nil {
		comes = r.passage.part
		r.stage.turnUp(r.old, share*(1-comes))
	}
	r.stage.turnUp(r.cur, share*comes)
}

// share is the group's part in a transition between scenes.
func (g *group) share() float64 {
	x := g.stage.crossing
	switch {
	case x == nil || g.canvas == nil:
		return 1
	case g.canvas == x.to:
		return x.part
	}
	return 1 - x.part
}
