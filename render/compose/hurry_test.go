package compose

import "testing"

func TestASkewIsTakenBackGently(t *testing.T) {
	for name, c := range map[string]struct{ skew, now, want float64 }{
		"on time":                               {0, 1, 1},
		"less than half a frame ahead":          {0.007, 1, 1},
		"more than half a frame ahead":          {0.009, 1, 0.991},
		"a frame behind":                        {-0.017, 1, 1.01},
		"nearly back, still being corrected":    {0.005, 0.991, 0.995},
		"back":                                  {0.002, 0.995, 1},
		"far behind: faster than anybody likes": {-0.4, 1, 1.05},
		"far ahead":                             {3, 1, 0.95},
	} {
		if got := hurry(c.skew, c.now); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s: the speed is %v, want %v", name, got, c.want)
		}
	}
}
