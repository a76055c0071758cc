package web

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// share is what one process of a browser has in memory, bytes.
type share struct {
	pid    int
	page   bool  // it draws pages
	memory int64 // proportional where the kernel tells, else without what it shares with files
}

// members are the processes of a group.
func members(group int) []string {
	var out []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		if f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]); len(f) > 2 && string(f[2]) == strconv.Itoa(group) {
			out = append(out, filepath.Dir(path))
		}
	}
	return out
}

// rough is what all processes of a group have in memory, those parts twice that two of them share. It costs little.
func rough(group int) int64 {
	var sum int64
	for _, dir := range members(group) {
		sum += own(dir)
	}
	return sum
}

// shares are those of all processes in a group. What is mapped by several counts once for all where the kernel tells
// (PSS, proc(5)); it does not tell of sandboxed processes to other users than root.
func shares(group int) []share {
	var out []share
	for _, dir := range members(group) {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		args, _ := os.ReadFile(dir + "/cmdline")
		out = append(out, share{pid: pid, page: bytes.Contains(args, []byte("--type=renderer")), memory: held(dir)})
	}
	return out
}

// held is one process's memory.
func held(dir string) int64 {
	if b, err := os.ReadFile(dir + "/smaps_rollup"); err == nil {
		return field(b, "Pss:")
	}
	return own(dir)
}

// own is a process's memory without what it maps of files.
func own(dir string) int64 {
	b, _ := os.ReadFile(dir + "/status")
	return field(b, "RssAnon:") + field(b, "RssShmem:")
}

// field reads a line like "Pss:   1234 kB", in bytes.
func field(b []byte, name string) int64 {
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				kb, _ := strconv.ParseInt(string(f[0]), 10, 64)
				return kb << 10
			}
		}
	}
	return 0
}

// total is the machine's memory in bytes, zero when it does not tell.
func total() int64 {
	b, _ := os.ReadFile("/proc/meminfo")
	return field(b, "MemTotal:")
}

func killOne(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
