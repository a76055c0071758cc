package store_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var mishaps = flag.Int("mishaps", 5, "at how many of its changes of files each mishap happens to a player; 0 = at every one")

// TestAnyChangeOfAFileMayFail kills a player before any of its changes of files, and lets each of them fail: once, and from
// then on. Nothing that it has acknowledged is lost, and what is live is whole all the while.
func TestAnyChangeOfAFileMayFail(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, mounted := bundles(t), mount(t, "512m")
	tasks := day()
	attempt := func(mishap string) (done int, changes int, err error) {
		dir := filepath.Join(mounted, "day")
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		err = runDay(t, self, filepath.Join(dir, "data"), from, mishap, func(said string) {
			if n, err := strconv.Atoi(said); err == nil {
				changes = n
			} else {
				done++
			}
		})
		var before kept
		if done > 0 {
			before = tasks[done-1].then
		}
		after := tasks[min(done, len(tasks)-1)].then
		after.Plays += 100 // what is done again is played again
		if wrong := faults(t, dir, from, before, after); len(wrong) > 0 {
			t.Errorf("%s: after %d tasks (%v): %s", mishap, done, err, strings.Join(wrong, "; "))
		}
		return done, changes, err
	}
	_, n, err := attempt("0 kill false")
	if err != nil || n < 200 {
		t.Fatalf("undisturbed, it changes files %d times: %v", n, err)
	}
	for _, how := range []string{"kill false", "ENOSPC false", "EIO false", "ENOSPC true", "EIO true", "EROFS true"} {
		at := rand.Perm(n)
		if *mishaps > 0 {
			at = at[:min(*mishaps, n)]
		}
		for _, i := range at {
			done, _, err := attempt(fmt.Sprint(i+1, " ", how))
			switch {
			case how == "kill false":
				if err == nil {
					t.Errorf("change %d: it was not killed", i+1)
				}
			case err != nil:
				t.Errorf("%s at change %d: %v", how, i+1, err)
			case strings.HasSuffix(how, "false") && done != len(tasks):
				t.Errorf("%s at change %d: %d tasks of %d were done", how, i+1, done, len(tasks))
			}
		}
		t.Logf("%s at %d of %d changes of files", how, len(at), n)
	}
}
