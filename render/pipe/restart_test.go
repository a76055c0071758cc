package pipe_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"vitrine/render/pipe"
)

func TestAReplacedRendererIsNoFailure(t *testing.T) {
	s := newStage(t)
	r, _ := run(t, config(s.socket))
	r.Restart("too early: there is nothing to replace, or nothing that it showed")
	send(t, r, queue(1, true))
	first := s.next()
	first.hears(pipe.OpQueue)
	report(t, r, pipe.EvStarted)
	send(t, r, pipe.Command{Op: pipe.OpVolume, Volume: 40})
	first.hears(pipe.OpVolume)
	r.SetArgs([]string{"--rotate", "90"})
	r.Restart("the test wants it")
	r.Restart("and again before it has ended")
	first.hears("end of input") // so that its picture stays
	first.ends()
	second := s.next()
	if c := second.hears(pipe.OpVolume); c.Volume != 40 {
		t.Errorf("the volume is %d", c.Volume)
	}
	if c := second.hears(pipe.OpQueue); c.ID != 1 || !c.Now {
		t.Errorf("it is told %+v; want what was on the screen", c)
	}
	send(t, r, queue(2, true))
	for {
		rep := <-r.Reports()
		if rep.Ev == pipe.EvFailed {
			t.Fatalf("a failure was reported: %+v", rep)
		}
		if args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", rep.PID)); rep.Ev == pipe.EvReady && (err != nil || !strings.Contains(string(args), "--rotate\x0090")) {
			t.Errorf("it was started with %q, %v", args, err)
		}
		if rep.Ev == pipe.EvStarted {
			break
		}
	}
}

func TestWhoEndedTheRendererIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		signal syscall.Signal
		killed bool
	}{"somebody who wants its memory": {syscall.SIGKILL, true}, "a decoder's fault": {syscall.SIGSEGV, false}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			r, _ := run(t, config(s.socket))
			pid := report(t, r, pipe.EvReady).PID
			if err := syscall.Kill(pid, c.signal); err != nil {
				t.Fatal(err)
			}
			if rep := report(t, r, pipe.EvFailed); rep.Killed != c.killed || rep.Reason != pipe.ReasonGone {
				t.Errorf("reported as %+v", rep)
			}
			report(t, r, pipe.EvReady)
		})
	}
}
