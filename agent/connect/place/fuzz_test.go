package place_test

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// told is what a server says of a file.
type told struct {
	name string
	size int64
	mode fs.FileMode
	at   time.Time
}

func (f told) Name() string       { return f.name }
func (f told) Size() int64        { return f.size }
func (f told) Mode() fs.FileMode  { return f.mode }
func (f told) ModTime() time.Time { return f.at }
func (f told) IsDir() bool        { return f.mode.IsDir() }
func (f told) Sys() any           { return nil }

// FuzzTree: whatever a server says of its folders, the rows fit, stay below the root and within the bounds.
func FuzzTree(f *testing.F) {
	f.Add("a.csv\nb/\n..\n../x\n.hidden\nl@", int64(5), int64(1e9), 3)
	f.Add("a/\na/\n\x00\n\xff\n", int64(-1), int64(-1<<62), 20)
	f.Add("./\n//\nloop/\n", int64(1)<<62, int64(1)<<62, 1000)
	f.Fuzz(func(t *testing.T, names string, size, at int64, depth int) {
		var infos []os.FileInfo
		for _, name := range strings.Split(names, "\n") {
			mode := fs.FileMode(0o644)
			switch {
			case strings.HasSuffix(name, "/"):
				name, mode = strings.TrimSuffix(name, "/"), fs.ModeDir
			case strings.HasSuffix(name, "@"):
				mode = fs.ModeSymlink
			}
			infos = append(infos, told{name, size, mode, time.Unix(at, 0)})
		}
		listed := 0
		table, err := place.WalkForTest(t.Context(), func(dir string) ([]os.FileInfo, error) {
			if listed++; dir != "root" && !strings.HasPrefix(dir, "root/") || path.Clean(dir) != dir {
				t.Fatalf("%q is listed", dir)
			}
			return infos, nil
		}, place.Bounds{Depth: min(depth, 20), Count: 100, Zone: time.UTC})
		if err != nil || len(table.Rows) > 100 || listed > 101 || len(table.Dropped) > rows.MaxDrops {
			t.Fatalf("%d rows of %d folders, %d drops: %v", len(table.Rows), listed, len(table.Dropped), err)
		}
		for _, row := range table.Rows {
			if p := row[0].Text; len(row) != len(table.Columns) || p == "" || path.Clean(p) != p || strings.HasPrefix(p, "../") || strings.HasPrefix(p, "/") {
				t.Fatalf("a row is %v", row)
			}
		}
	})
}

// FuzzFrames: however messages are cut into pieces, the same is seen in them.
func FuzzFrames(f *testing.F) {
	message := func(first byte, command uint16, status uint32, flags uint16) []byte {
		b := make([]byte, 4+80)
		binary.BigEndian.PutUint32(b, 80)
		copy(b[4:], []byte{first, 'S', 'M', 'B'})
		binary.LittleEndian.PutUint32(b[4+8:], status)
		binary.LittleEndian.PutUint16(b[4+12:], command)
		binary.LittleEndian.PutUint16(b[4+66:], flags)
		return b
	}
	f.Add(append(message(0xFE, 1, 0, 1), message(0xFD, 8, 0, 0)...), 7)
	f.Add(append(message(0xFE, 1, 0xC0000016, 0), message(0xFE, 8, 0, 0)...), 1)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0xFE}, 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		plain, guest := place.FramesForTest(b)
		var parts [][]byte
		for rest := b; len(rest) > 0; {
			n := max(1, min(cut, len(rest)))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		if p, g := place.FramesForTest(parts...); p != plain || g != guest {
			t.Fatalf("whole: plain %v, guest %v; in pieces of %d: %v, %v", plain, guest, cut, p, g)
		}
	})
	if plain, guest := place.FramesForTest(message(0xFE, 1, 0, 1)); plain || !guest {
		f.Fatal("a guest is not seen")
	}
	if plain, guest := place.FramesForTest(message(0xFE, 8, 0, 0)); !plain || guest {
		f.Fatal("a read in the clear is not seen")
	}
	if plain, _ := place.FramesForTest(message(0xFD, 8, 0, 0)); plain {
		f.Fatal("what is encrypted is called plain")
	}
}

// FuzzFindMount: whatever the kernel's table holds, what is found holds the path.
func FuzzFindMount(f *testing.F) {
	f.Add("36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:50 / /mnt/a\\040b rw shared:1 - nfs4 h:/x rw\n", "/mnt/a b/c")
	f.Add("x - y", "/")
	f.Fuzz(func(t *testing.T, table, p string) {
		if !path.IsAbs(p) {
			return
		}
		kind, at, err := place.FindMountForTest(strings.NewReader(table), path.Clean(p))
		if err == nil && (kind == "" || at == "") {
			t.Fatalf("%q at %q", kind, at)
		}
	})
	if kind, at, err := place.FindMountForTest(strings.NewReader("36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:50 / /mnt/a\\040b rw shared:1 - nfs4 h:/x rw\n"), "/mnt/a b/c"); kind != "nfs4" || at != "/mnt/a b" || err != nil {
		f.Fatal(kind, at, err)
	}
}
