package writer_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vitrine/usb/importer"
	"vitrine/usb/sticktest"
	"vitrine/usb/writer"
)

var figures = flag.Int64("figures", 0, "measure so many MiB beside cp, sync and sha256sum; 0 = not at all")

// TestWriteFigures writes the same bytes twice onto sticks of the same kind: by this package, and by what a person would use, cp,
// sync and sha256sum with the kernel's cache dropped in between.
func TestWriteFigures(t *testing.T) {
	if *figures == 0 {
		t.Skip("it takes a while: make stick-write")
	}
	dir := t.TempDir()
	var files []writer.File
	for i := range 4 { // of a quarter each
		b := make([]byte, *figures<<20/4)
		for j := range b {
			b[j] = byte(j*j>>7 + i)
		}
		path := filepath.Join(dir, blobPath(b))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, writer.Plain(blobPath(b), int64(len(b)), digest(b), func() (io.ReadCloser, error) { return os.Open(path) }))
	}
	manifest := []byte("{}")
	files = append(files, writer.Plain("m/"+digest(manifest)+".json", 2, digest(manifest), func() (io.ReadCloser, error) { return seekable{bytes.NewReader(manifest)}, nil }))
	for _, kind := range sticktest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			var took [2]float64
			for range 3 { // by turns
				ours := sticktest.Make(t, kind, (*figures+64)<<20)
				begun := time.Now()
				write(t, writer.Config{Dir: ours.Mount(true), Files: files, Index: importer.Index{Format: importer.Format, Manifest: digest(manifest), Roots: 1}})
				took[0] += time.Since(begun).Seconds()
				ours.Unplug()
				theirs := sticktest.Make(t, kind, (*figures+64)<<20)
				to := theirs.Mount(true)
				begun = time.Now()
				script := `cp -r "$1"/b "$2"/ && sync -f "$2" && find "$2" -type f -exec dd if={} iflag=nocache count=0 status=none \; && find "$2" -type f -exec sha256sum {} + >/dev/null`
				if out, err := exec.Command("sh", "-c", script, "sh", dir, to).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				took[1] += time.Since(begun).Seconds()
				theirs.Unplug()
			}
			mib := 3 * float64(*figures)
			b, err := json.Marshal(map[string]any{"filesystem": kind, "mib": *figures, "vitrine_mib_per_second": mib / took[0], "cp_sync_sha256sum_mib_per_second": mib / took[1], "ratio": took[1] / took[0]})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s", b)
		})
	}
}
