package connect_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/render/scene"
)

var huge = flag.Bool("huge", false, "raise the limit to the highest too, and read files of just that length (2 GiB of memory)")

// hugeSource names the source that the process which is measured looks at.
const hugeSource = "VITRINE_TEST_HUGE_SOURCE"

const tenGigabytes = 10 << 30

// endless is a file of one type that goes on and on: what it begins with, and what is repeated behind.
type endless struct{ kind, head, again, tail string }

func endlessFiles() []endless {
	return []endless{
		{"delimited", "dish;price\n", "soup of the day;4.50\n", ""},
		{"json", `[{"dish":"salad"}`, ",\n" + `{"dish":"` + strings.Repeat("soup of the day ", 20) + `"}`, "]"},
		{"xml", "<menu>", "<dish><name>" + strings.Repeat("soup of the day ", 40) + "</name></dish>\n", "</menu>"},
		{"ical", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261201T090000Z\r\nSUMMARY:soup\r\nEND:VEVENT\r\n", "END:VCALENDAR\r\n"},
		{"text", "", "soup of the day\n", ""},
		{"feed", `<rss version="2.0"><channel>`, "<item><title>" + strings.Repeat("soup of the day ", 40) + "</title></item>\n", "</channel></rss>"},
	}
}

// write writes about so many bytes of it, never more.
func (e endless) write(w io.Writer, size int64) error {
	block := []byte(strings.Repeat(e.again, 1+(64<<10)/len(e.again)))
	left := size - int64(len(e.head)+len(e.tail))
	if _, err := io.WriteString(w, e.head); err != nil {
		return err
	}
	for left >= int64(len(e.again)) {
		n := min(left, int64(len(block))) / int64(len(e.again)) * int64(len(e.again))
		if _, err := w.Write(block[:n]); err != nil {
			return err
		}
		left -= n
	}
	_, err := io.WriteString(w, e.tail)
	return err
}

// ways are how it is offered: what serves or holds it says where that is. None keeps it on the disk or in memory.
func (e endless) ways(t *testing.T) map[string]bundle.Location {
	path := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(path, []byte(e.head+e.again), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, tenGigabytes); err != nil { // a hole, which takes no room
		t.Fatal(err)
	}
	serve := func(answer http.HandlerFunc) bundle.Location {
		s := httptest.NewServer(answer)
		t.Cleanup(s.Close)
		return bundle.Location{Type: "http", URL: s.URL}
	}
	packed := e.packed(t)
	return map[string]bundle.Location{
		"a file of 10 GiB": {Type: "file", Path: path},
		"a server that says it is 10 GiB": serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(tenGigabytes))
			_ = e.write(w, tenGigabytes) // which the player breaks off
		}),
		"a server that does not say how much it is": serve(func(w http.ResponseWriter, _ *http.Request) {
			_ = e.write(w, tenGigabytes)
		}),
		"a server that packs it": serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			for range tenGigabytes >> 20 {
				if _, err := w.Write(packed); err != nil {
					return
				}
			}
		}),
	}
}

// packed is a mebibyte of it as a member of a gzip stream (RFC 1952, 2.2), a few kilobytes long.
func (e endless) packed(t *testing.T) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := endless.write(endless{again: e.again}, z, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// looked is what the process that was measured says.
type looked struct {
	Rows      int
	Truncated bool
	Err       string
	Took      time.Duration
	Memory    int64 // bytes that were resident at most
}

// lookApart looks at a source once in a process of its own, whose memory is measured.
func lookApart(t *testing.T, spec bundle.SourceSpec) looked {
	t.Helper()
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), hugeSource+"="+string(b))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the process ends with %v: %.2000s", err, out)
	}
	var is looked
	if err := json.Unmarshal(out, &is); err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	return is
}

// TestMain is, beside the tests, the process that is measured.
func TestMain(m *testing.M) {
	spec := os.Getenv(hugeSource)
	if spec == "" {
		os.Exit(m.Run())
	}
	if err := measured(spec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measured looks at a source and writes how it went.
func measured(source string) error {
	var spec bundle.SourceSpec
	if err := json.Unmarshal([]byte(source), &spec); err != nil {
		return err
	}
	begun := time.Now()
	got, err := connect.Try(context.Background(), connect.Config{}, "huge", spec, connect.Home{}, nil)
	if err != nil {
		return err
	}
	is := looked{Rows: len(got.Shown.Rows), Truncated: got.Shown.Truncated, Took: time.Since(begun)}
	if got.Err != nil {
		is.Err = got.Err.Error()
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if _, err := fmt.Sscan(after, &is.Memory); err != nil {
			return err
		}
		is.Memory <<= 10
	}
	return json.NewEncoder(os.Stdout).Encode(is)
}

// hold looks at a source and wants it to have taken no more memory than most and no longer than its time.
func hold(t *testing.T, spec bundle.SourceSpec, most int64) looked {
	t.Helper()
	spec.Refresh.Timeout = scene.Duration(3 * time.Minute)
	is := lookApart(t, spec)
	_, what, _ := strings.Cut(t.Name(), "/")
	t.Logf("%s: %d MiB, %s, %d rows: %s", strings.ReplaceAll(what, "_", " "), is.Memory>>20, is.Took.Round(time.Millisecond), is.Rows, cmp.Or(is.Err, "shown"))
	if is.Memory == 0 || is.Memory > most*memoryFactor {
		t.Errorf("it took %d MiB of memory, %d are allowed", is.Memory>>20, most>>20*memoryFactor)
	}
	if is.Took > 3*time.Minute {
		t.Errorf("it took %s", is.Took)
	}
	return is
}

func TestTenGigabytesAreRefusedInBoundedMemoryAndTime(t *testing.T) {
	limits := []bundle.RowLimits{{}}
	if *huge {
		limits = append(limits, bundle.RowLimits{Bytes: tenGigabytes}) // which is more than any source may have: 256 MiB
	}
	for _, e := range endlessFiles() {
		for way, location := range e.ways(t) {
			for _, limit := range limits {
				t.Run(fmt.Sprintf("%s, %s, limit %d", e.kind, way, limit.Bytes), func(t *testing.T) {
					most := int64(128 << 20)
					if limit.Bytes > 0 {
						most = 1 << 30
					}
					is := hold(t, bundle.SourceSpec{Type: e.kind, Location: location, Limits: limit}, most)
					if !strings.Contains(is.Err, "longer than its limit") || is.Rows != 0 {
						t.Errorf("it gives %d rows and says %q", is.Rows, is.Err)
					}
				})
			}
		}
	}
}

func TestAFileAsLongAsItMayBeGivesItsFirstRowsInBoundedMemory(t *testing.T) {
	size, most := int64(4<<20), int64(192<<20)
	if *huge {
		size, most = 256<<20, 2<<30
	}
	for _, e := range endlessFiles() {
		t.Run(e.kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "long")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(e.write(f, size), f.Close()); err != nil {
				t.Fatal(err)
			}
			is := hold(t, bundle.SourceSpec{Type: e.kind, Location: bundle.Location{Type: "file", Path: path}, Limits: bundle.RowLimits{Bytes: size}}, most)
			if e.kind == "ical" && *huge {
				if !strings.Contains(is.Err, "more than 16 MiB") {
					t.Errorf("a calendar of 256 MiB: %q", is.Err)
				}
			} else if is.Err != "" || is.Rows != 2000 || !is.Truncated {
				t.Errorf("it gives %d rows, cut: %t, and says %q", is.Rows, is.Truncated, is.Err)
			}
		})
	}
}
