package web

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
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
		if dir := filepath.Dir(path); member(dir, group) {
			out = append(out, dir)
		}
	}
	return out
}

// member says whether a process belongs to a group.
func member(dir string, group int) bool {
	b, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return false // it has ended
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	return len(f) > 2 && string(f[2]) == strconv.Itoa(group)
}

// crew remembers which processes belong to a group: to ask all of a machine's several times a second would cost.
type crew struct {
	known map[string]bool // by number: it belongs to the group
	asked time.Time
}

const forgetAfter = 5 * time.Second // a number may have gone to another process

// rough is what all processes of a group have in memory, those parts twice that two of them share. It costs little.
func (c *crew) rough(group int) int64 {
	if time.Since(c.asked) > forgetAfter {
		c.known, c.asked = map[string]bool{}, time.Now()
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return 0
	}
	names, _ := proc.Readdirnames(-1)
	_ = proc.Close()
	var sum int64
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		ours, ok := c.known[name]
		if !ok {
			ours = member("/proc/"+name, group)
			c.known[name] = ours
		}
		if ours {
			sum += own("/proc/" + name)
		}
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
