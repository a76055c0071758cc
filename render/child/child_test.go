package child_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"vitrine/render/child"
)

func shell(script string) child.Job {
	return child.Job{Program: "sh", Package: "dash", Args: []string{"-c", script}}
}

func TestWhatAProgramMayDo(t *testing.T) {
	for name, c := range map[string]struct {
		job  child.Job
		want string // of stdout
		says string // of the error
	}{
		"read stdin, write stdout":      {child.Job{Program: "sh", Args: []string{"-c", "cat; echo done"}, Stdin: strings.NewReader("in ")}, "in done\n", ""},
		"step back from what plays":     {shell("until [ $(nice) = 5 ]; do :; done; nice"), "5\n", ""},
		"know nothing of our own":       {shell(`echo "$CANARY$HOME" && pwd`), "\n/\n", ""},
		"fail with words":               {shell("echo no >&2; exit 3"), "", "exit status 3: no"},
		"write without end":             {child.Job{Program: "sh", Args: []string{"-c", "yes"}, Output: 1 << 20}, "", "more than 1 MiB"},
		"say much":                      {shell("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1"), "", "exit status 1: xxx"},
		"write a file":                  {shell("echo x > " + t.TempDir() + "/x"), "", "failed"},
		"write a file where it may":     {child.Job{Program: "sh", Args: []string{"-c", "echo x > " + t.TempDir() + "/x"}, Writes: true}, "", ""},
		"run on and on":                 {child.Job{Program: "sh", Args: []string{"-c", "while :; do :; done"}, Time: time.Second}, "", "had not finished after 1s"},
		"take all memory":               {child.Job{Program: "sh", Args: []string{"-c", "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}"}, Memory: 100 << 20}, "", "failed"},
		"be there":                      {child.Job{Program: "no-such-program", Package: "such"}, "", "the program no-such-program is not installed: install the package such (apt install such)"},
		"leave somebody behind to talk": {child.Job{Program: "sh", Args: []string{"-c", "sleep 600 & sleep 600"}, Time: time.Second}, "", "had not finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CANARY", "canary")
			out, err := child.Run(t.Context(), c.job)
			if c.says == "" && (err != nil || string(out) != c.want) {
				t.Errorf("%q, %v; want %q", out, err, c.want)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
		})
	}
}

func TestAMissingProgramIsToldFromAFailedOne(t *testing.T) {
	_, err := child.Run(t.Context(), child.Job{Program: "no-such-program", Package: "such"})
	var missing *child.MissingError
	if !errors.As(err, &missing) || missing.Package != "such" {
		t.Errorf("%v; want a MissingError", err)
	}
	if err := child.Available("sh", "dash"); err != nil {
		t.Error(err)
	}
}

func TestACancelledRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer w.Close()
	done := make(chan error)
	job := shell("cat")
	job.Stdin = in
	go func() { _, err := child.Run(ctx, job); done <- err }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want the cancellation", err)
	}
}

func TestThereIsNoNetworkWhereTheKernelAllows(t *testing.T) {
	out, err := child.Run(t.Context(), shell("cat /proc/net/dev"))
	if err != nil {
		t.Fatal(err)
	}
	if ours, _ := os.ReadFile("/proc/net/dev"); strings.Count(string(ours), "\n") > 3 && strings.Count(string(out), "\n") != 3 {
		t.Logf("this kernel gives the child our network:\n%s", out)
		t.Skip("no network namespaces here")
	}
}
