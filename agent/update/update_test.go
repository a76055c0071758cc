package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
)

// shelf is a stick's or a relay's blobs.
type shelf map[bundle.Digest][]byte

func (s shelf) Blob(_ context.Context, d bundle.Digest, from int64) (io.ReadCloser, error) {
	b, ok := s[d]
	if !ok {
		return nil, errors.New("not on the stick")
	}
	return io.NopCloser(bytes.NewReader(b[from:])), nil
}

// release makes programs that say which version they are.
func (s shelf) release(version string) parcel.Update {
	u := parcel.Update{Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}
	for _, name := range []string{"vitrine-player", "vitrine-render"} {
		b := fmt.Appendf(nil, "#!/bin/sh\n# %s\necho %s\n", name, version)
		sum := sha256.Sum256(b)
		d := bundle.Digest(hex.EncodeToString(sum[:]))
		s[d] = b
		u.Programs = append(u.Programs, parcel.Program{Name: name, SHA256: d, Size: int64(len(b))})
	}
	return u
}

func installs(t *testing.T, p *Programs, u parcel.Update, s shelf) {
	t.Helper()
	if fresh, err := p.Install(t.Context(), u, s); err != nil || !fresh {
		t.Fatalf("install %s: %v, %v", u.Version, fresh, err)
	}
}

// starts is what the system's program hands over to: the version, "" = none.
func starts(t *testing.T, p *Programs) string {
	t.Helper()
	path, _, err := p.Choose()
	if err != nil {
		t.Fatal(err)
	}
	if path == "" {
		return ""
	}
	return filepath.Base(filepath.Dir(path))
}

func TestANewVersionRunsOnTrialAndStaysOrGoes(t *testing.T) {
	data, s := t.TempDir(), shelf{}
	p := Open(data, "1.0.0")
	if got := starts(t, p); got != "" {
		t.Fatalf("%q runs without an update", got)
	}
	installs(t, p, s.release("1.1.0"), s)
	if got := starts(t, p); got != "1.1.0" {
		t.Fatalf("%q runs", got)
	}
	if err := p.Bless(); err != nil {
		t.Fatal(err)
	}
	for range 2 * mostTries { // a version that stays is not counted
		if got := starts(t, p); got != "1.1.0" {
			t.Fatalf("%q runs", got)
		}
	}
	asIf := &Programs{dir: p.dir, version: "1.1.0", fault: p.fault}
	st := p.State()
	st.Trial, st.Starts, st.Before, st.Active = true, 0, "1.1.0", "1.2.0" // as 1.1.0 itself would install it
	installs(t, asIf, s.release("1.2.0"), s)
	st.Digests = asIf.State().Digests
	st.Digests["1.1.0"] = sumOf(t, filepath.Join(p.dir, "1.1.0", player))
	if err := p.write(st); err != nil {
		t.Fatal(err)
	}
	for range mostTries {
		if got := starts(t, p); got != "1.2.0" {
			t.Fatalf("%q runs on trial", got)
		}
	}
	if got := starts(t, p); got != "1.1.0" {
		t.Errorf("%q runs after the trial failed", got)
	}
	if why := p.State().Failed["1.2.0"]; !strings.Contains(why, "showed nothing") {
		t.Errorf("why it was left: %q", why)
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	d, err := sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAVersionWhoseBytesHaveChangedIsLeft(t *testing.T) {
	p, s := Open(t.TempDir(), "1.0.0"), shelf{}
	installs(t, p, s.release("1.1.0"), s)
	if err := p.Bless(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.dir, "1.1.0", player)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-2] ^= 1
	if err := os.WriteFile(path, b, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := starts(t, p); got != "" || p.State().Active != "" {
		t.Errorf("%q runs", got)
	}
}

func TestANewerInstalledVersionTakesOver(t *testing.T) {
	data, s := t.TempDir(), shelf{}
	installs(t, Open(data, "1.0.0"), s.release("1.1.0"), s)
	if got := starts(t, Open(data, "1.2.0")); got != "" {
		t.Errorf("%q runs though the system has 1.2.0", got)
	}
	down := s.release("1.1.0")
	down.Downgrade = true
	installs(t, Open(data, "1.2.0"), down, s)
	if got := starts(t, Open(data, "1.2.0")); got != "1.1.0" {
		t.Errorf("%q runs after a step down that was signed as one", got)
	}
}

func TestUpdatesThatAreNotTaken(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(u *parcel.Update, s shelf)
		want string
	}{
		{"an older version", func(u *parcel.Update, s shelf) { *u = s.release("0.9.0") }, "never go down"},
		{"another processor", func(u *parcel.Update, _ shelf) { u.Arch = "riscv64" }, "for its machine"},
		{"another system", func(u *parcel.Update, _ shelf) { u.OS = "plan9" }, "for its machine"},
		{"bytes that are not those that were signed", func(u *parcel.Update, s shelf) { s[u.Programs[0].SHA256] = []byte("#!/bin/sh\necho 1.1.0 # evil\n") }, "not those that were signed"},
		{"bytes without an end", func(u *parcel.Update, s shelf) { s[u.Programs[1].SHA256] = make([]byte, 1<<20) }, "not those that were signed"},
		{"a program that is missing", func(u *parcel.Update, s shelf) { delete(s, u.Programs[1].SHA256) }, "not on the stick"},
		{"a version that is a path", func(u *parcel.Update, _ shelf) { u.Version = "../../x" }, "not like 1.2.3"},
		{"a program that says another version", func(u *parcel.Update, s shelf) { u.Programs = s.release("1.1.1").Programs }, "says that it is version"},
		{"a program that does not run here", func(u *parcel.Update, s shelf) {
			b := []byte("\x7fELF that is none")
			d := bundle.DigestOf(b)
			s[d] = b
			u.Programs[0] = parcel.Program{Name: player, SHA256: d, Size: int64(len(b))}
		}, "does not run on this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s := Open(t.TempDir(), "1.0.0"), shelf{}
			u := s.release("1.1.0")
			c.edit(&u, s)
			if _, err := p.Install(t.Context(), u, s); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if got := starts(t, p); got != "" {
				t.Errorf("%q runs", got)
			}
		})
	}
}

func TestTheHighestVersionIsRememberedWhenItWasLeft(t *testing.T) {
	p, s := Open(t.TempDir(), "1.0.0"), shelf{}
	installs(t, p, s.release("1.5.0"), s)
	if err := p.Fail("black"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Install(t.Context(), s.release("1.4.0"), s); !errors.Is(err, ErrOlder) {
		t.Errorf("got %v", err)
	}
	installs(t, p, s.release("1.5.1"), s)
}

// A cut at each step, then the next start, then the same stick again.
func TestACutAtAnyStepLeavesOneVersionOrTheOther(t *testing.T) {
	var steps []string
	count := Open(t.TempDir(), "1.0.0")
	count.fault = func(step string) error { steps = append(steps, step); return nil }
	s := shelf{}
	u := s.release("1.1.0")
	installs(t, count, u, s)
	if len(steps) < 9 {
		t.Fatalf("only %d steps: %q", len(steps), steps)
	}
	cut := errors.New("cut")
	for i, at := range steps {
		t.Run(fmt.Sprintf("%d %s", i, at), func(t *testing.T) {
			data := t.TempDir()
			p := Open(data, "1.0.0")
			n := 0
			p.fault = func(string) error {
				if n++; n == i+1 {
					return cut
				}
				return nil
			}
			if _, err := p.Install(t.Context(), u, s); !errors.Is(err, cut) {
				t.Fatalf("got %v", err)
			}
			p = Open(data, "1.0.0")
			if got := starts(t, p); got != "" {
				t.Fatalf("%q runs, and was not whole", got)
			}
			installs(t, p, u, s)
			if got := starts(t, p); got != "1.1.0" {
				t.Fatalf("%q runs after the second try", got)
			}
		})
	}
}

// dripping gives a few bytes of each blob and then breaks off.
type dripping struct {
	shelf
	asked []int64
}

func (d *dripping) Blob(ctx context.Context, digest bundle.Digest, from int64) (io.ReadCloser, error) {
	d.asked = append(d.asked, from)
	r, err := d.shelf.Blob(ctx, digest, from)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(r, 7), broken{})), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line broke") }

func TestACopyGoesOnWhereItStoppedAndBeginsAnewWhereThatIsWrong(t *testing.T) {
	p, s := Open(t.TempDir(), "1.0.0"), shelf{}
	u := s.release("1.1.0")
	line := &dripping{shelf: s}
	for range 3 {
		if _, err := p.Install(t.Context(), u, line); err == nil || !strings.Contains(err.Error(), "the line broke") {
			t.Fatalf("got %v", err)
		}
	}
	if fmt.Sprint(line.asked) != "[0 7 14]" {
		t.Errorf("asked from %v", line.asked)
	}
	part := filepath.Join(p.dir, "1.1.0.part", player)
	if err := os.WriteFile(part, make([]byte, 21), 0o700); err != nil { // what a cut may leave
		t.Fatal(err)
	}
	installs(t, p, u, s)
}

func TestAStateThatCannotBeReadStandsForWhatIsInstalled(t *testing.T) {
	p, s := Open(t.TempDir(), "1.0.0"), shelf{}
	installs(t, p, s.release("1.1.0"), s)
	for _, bad := range []string{"", "{", `{"active":"../../etc"}`, strings.Repeat("x", maxState*2)} {
		if err := os.WriteFile(filepath.Join(p.dir, stateFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := starts(t, p); got != "" {
			t.Errorf("%.20q: %q runs", bad, got)
		}
	}
}

func FuzzAStateFile(f *testing.F) {
	f.Add([]byte(`{"active":"1.1.0","trial":true,"starts":2}`))
	f.Add([]byte(`{"active":"../x","before":"1.0.0"}`))
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, folder, stateFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		path, _, err := Open(dir, "1.0.0").Choose()
		if err == nil && path != "" {
			t.Fatalf("%q would be started", path)
		}
	})
}
