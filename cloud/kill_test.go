package cloud_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud"
	"vitrine/cloud/api"
)

// TestMain runs the relay instead of the tests when it is told to: the child that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RELAY_IN"); dir != "" {
		r, err := cloud.New(cloud.Config{Data: dir, Listen: "127.0.0.1:0", Reserve: 1 << 20})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		token, err := r.Token()
		fmt.Println(r.Addr(), r.Authority().Pin(), "."+token, err)
		fmt.Fprintln(os.Stderr, r.Run(context.Background()))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts a relay in a process of its own.
func child(t *testing.T, dir, token string) (*rig, func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "RELAY_IN="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) != 4 {
		t.Fatalf("the relay said %q: %v", line, err)
	}
	if f[2] != "." {
		token = f[2][1:]
	}
	g := &rig{dir: dir, base: "https://" + f[0], token: token, trust: api.Trust{Pin: f[1]}}
	g.admin = g.client(t, api.Fixed(token))
	return g, kill
}

func TestARelayKilledInTheMiddleOfAnUploadHasAllOrNothingOfIt(t *testing.T) {
	dir := t.TempDir()
	content := make([]byte, 4<<20)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	token := ""
	for _, after := range []int{1, 1 << 20, 2 << 20, 4<<20 - 1, 4 << 20} {
		g, kill := child(t, dir, token)
		token = g.token
		body := &dying{r: bytes.NewReader(content), after: after, kill: kill}
		err := g.admin.PutBlob(t.Context(), digest, int64(len(content)), body, nil)
		kill()
		file := filepath.Join(dir, "blobs", digest[:2], digest)
		got, rerr := os.ReadFile(file)
		switch {
		case rerr == nil && sha256.Sum256(got) != sum:
			t.Fatalf("killed after %d bytes: the blob has %d other bytes", after, len(got))
		case err == nil && rerr != nil:
			t.Fatal("acknowledged, and not there:", rerr)
		}
	}
	g, _ := child(t, dir, token)
	left, err := os.ReadDir(filepath.Join(dir, "blobs", "incoming"))
	if err != nil || len(left) != 0 {
		t.Error("unfinished blobs were not cleared:", left, err)
	}
	if err := g.admin.PutBlob(t.Context(), digest, int64(len(content)), bytes.NewReader(content), nil); err != nil {
		t.Fatal(err)
	}
}

// dying kills the relay once so many bytes have been read of it.
type dying struct {
	r     io.Reader
	n     int
	after int
	kill  func()
}

func (d *dying) Read(p []byte) (int, error) {
	n, err := d.r.Read(p[:min(len(p), 64<<10)])
	if d.n += n; d.n >= d.after {
		d.kill()
	}
	return n, err
}

func TestARelayKilledWhileHeadsMoveKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	g, kill := child(t, dir, "")
	token := g.token
	pub := g.pub
	moved := uint64(0)
	for round := range 3 {
		if round > 0 {
			g, kill = child(t, dir, token)
			g.pub = pub
			page, err := g.admin.Streams(t.Context(), "")
			if err != nil || len(page.Items) != 1 || page.Items[0].Head.Seq < moved || page.Items[0].Head.Seq > moved+1 {
				t.Fatalf("round %d: %d was acknowledged, the relay has %+v, %v", round, moved, page.Items, err)
			}
			if _, err := g.admin.Manifest(t.Context(), page.Items[0].Head.Manifest); err != nil {
				t.Fatal("a head points at nothing:", err)
			}
			moved = page.Items[0].Head.Seq
		}
		g.push(t, "lobby", moved+1, "x")
		moved++
		pub = g.pub
		time.AfterFunc(time.Duration(20*(round+1))*time.Millisecond, kill) // somewhere in what follows
		for {
			c := g.pub.Content(t, bundle.Manifest{Stream: "lobby", Seq: moved + 1}, map[string][]byte{"media/a.png": []byte("x")})
			p := pointer(c)
			if g.admin.PutManifest(t.Context(), p.Manifest, c.Envelope) != nil {
				break
			}
			if _, err := g.admin.MoveHead(t.Context(), "lobby", 0, api.Head{Seq: p.Seq, Manifest: p.Manifest, Root: p.Root}); err != nil {
				break
			}
			moved++
		}
		kill()
	}
}
