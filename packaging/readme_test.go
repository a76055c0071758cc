package packaging

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The README's session runs as it stands, in a folder of its own and without a screen. Its first line, which builds, is run
// in the tree.
func TestTheReadmesSessionWorksAsItStands(t *testing.T) {
	lines := session(t)
	if len(lines) > 8 {
		t.Errorf("the session has %d lines; eight are what a first screen holds", len(lines))
	}
	tree, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if lines[0] != `make build && export PATH="$PWD/bin:$PATH"` {
		t.Fatalf("the session begins with %q instead of building", lines[0])
	}
	dir := t.TempDir()
	shell(t, tree, "make build", "PATH="+os.Getenv("PATH"))
	out := shell(t, dir, strings.Join(lines[1:], "\n"), "PATH="+filepath.Join(tree, "bin")+":"+os.Getenv("PATH"))
	t.Log(out)
	picture, err := os.ReadFile(filepath.Join(dir, "out", "lobby.png"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width != 1920 || c.Height != 1080 {
		t.Errorf("the session's picture has %d×%d pixels, %v", c.Width, c.Height, err)
	}
}

// session is the first block of shell in the README.
func session(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no ```sh block")
	}
	return strings.Split(string(block[1]), "\n")
}

// shell runs a script; neither a display nor settings of whoever runs the test reach it.
func shell(t *testing.T, dir, script string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "MAKE") && !strings.HasPrefix(name, "MFLAGS") && !strings.HasPrefix(name, "VITRINE_") && name != "DISPLAY" && name != "PATH" {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(append(cmd.Env, "LANG=C.UTF-8", "XDG_CONFIG_HOME="+filepath.Join(t.TempDir(), "config")), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}
