package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// machine is a guest that is to be.
type machine struct {
	base, dir, payload, scratch, console, accel string
	limit                                       time.Duration
}

// guest is a machine that runs.
type guest struct {
	machine
	ctx   context.Context
	qemu  *exec.Cmd
	ended chan struct{}
	shell net.Conn
	lines *bufio.Reader
	qmp   net.Conn
	said  *json.Decoder
}

// boot starts a guest and waits until it takes commands. Its disk is as it was again the next time. Emulated, its clock counts
// instructions, 2 ns each: on a busy machine it is slow, and does not take itself for dead.
func boot(ctx context.Context, m machine) (*guest, error) {
	g := &guest{machine: m, ctx: ctx, ended: make(chan struct{})}
	port, control := filepath.Join(m.dir, "shell.sock"), filepath.Join(m.dir, "qmp.sock")
	speed := []string{"-accel", m.accel, "-smp", "2"}
	if m.accel == "tcg" {
		speed = []string{"-accel", "tcg,thread=single", "-icount", "shift=1,sleep=on", "-rtc", "clock=vm"}
	}
	g.qemu = exec.Command("qemu-system-x86_64", append(speed, "-machine", "q35", "-cpu", "max", "-m", "1024", "-display", "none", "-nodefaults",
		"-kernel", filepath.Join(m.base, "vmlinuz"), "-initrd", filepath.Join(m.base, "initrd"),
		"-append", "root=LABEL=vitrine rw console=ttyS0 panic=-1 quiet systemd.default_device_timeout_sec=900 systemd.show_status=false",
		"-drive", "file="+filepath.Join(m.base, "base.img")+",if=virtio,format=raw,snapshot=on",
		"-drive", "file="+m.payload+",if=virtio,format=raw,read-only=on",
		"-drive", "file="+m.scratch+",if=virtio,format=raw,cache=unsafe",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=shell,path="+port+",server=on,wait=off", "-device", "virtserialport,chardev=shell,name=shell",
		"-device", "virtio-rng-pci", "-device", "qemu-xhci,id=xhci", "-qmp", "unix:"+control+",server=on,wait=off",
		"-serial", "file:"+m.console)...)
	g.qemu.Stderr = os.Stderr
	if err := g.qemu.Start(); err != nil {
		return nil, fmt.Errorf("start the guest (packaging/debian-packages-qemu.txt): %w", err)
	}
	go func() { defer close(g.ended); _ = g.qemu.Wait() }()
	err := g.connect(port, control)
	if err != nil {
		g.end()
		return nil, fmt.Errorf("%w; %s says more", err, m.console)
	}
	return g, nil
}

func (g *guest) connect(port, control string) (err error) {
	if g.shell, err = g.dial(port); err != nil {
		return err
	}
	g.lines = bufio.NewReader(g.shell)
	if g.qmp, err = g.dial(control); err != nil {
		return err
	}
	g.said = json.NewDecoder(g.qmp)
	if err := g.tell("qmp_capabilities", nil); err != nil {
		return err
	}
	_, _, err = g.until("@@ready")
	return err
}

// dial waits for one of QEMU's sockets.
func (g *guest) dial(path string) (net.Conn, error) {
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			return c, nil
		}
		select {
		case <-g.ended:
			return nil, errors.New("QEMU has ended at once")
		case <-g.ctx.Done():
			return nil, g.ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// end takes the guest's power away.
func (g *guest) end() {
	_ = g.qemu.Process.Kill()
	<-g.ended
}

// sh runs a command in the guest and gives what it wrote.
func (g *guest) sh(format string, args ...any) (string, error) {
	command := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(g.shell, command); err != nil {
		return "", fmt.Errorf("tell the guest: %w", err)
	}
	out, rest, err := g.until("@@done")
	if err != nil {
		return out, fmt.Errorf("%s: %w", command, err)
	}
	if strings.TrimSpace(rest) != "0" {
		return out, fmt.Errorf("%s: exit %s: %s", command, strings.TrimSpace(rest), out)
	}
	return out, nil
}

// until reads lines up to one with a marker; rest is what follows that in its line.
func (g *guest) until(marker string) (before, rest string, err error) {
	var b strings.Builder
	stop := context.AfterFunc(g.ctx, func() { g.shell.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	g.shell.SetReadDeadline(time.Now().Add(g.limit))
	for {
		line, err := g.lines.ReadString('\n')
		if err != nil {
			return b.String(), "", fmt.Errorf("the guest has not answered within %s: %w", g.limit, err)
		}
		if _, rest, found := strings.Cut(line, marker); found {
			return strings.TrimSuffix(b.String(), "\n"), rest, nil
		}
		b.WriteString(line)
	}
}

// tell sends a command over QMP and waits for its answer (QEMU QMP Reference Manual).
func (g *guest) tell(command string, args map[string]any) error {
	b, err := json.Marshal(map[string]any{"execute": command, "arguments": args})
	if args == nil {
		b, err = json.Marshal(map[string]any{"execute": command})
	}
	if err != nil {
		return err
	}
	if _, err := g.qmp.Write(b); err != nil {
		return err
	}
	for {
		var m struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
			Event  string
		}
		g.qmp.SetReadDeadline(time.Now().Add(time.Minute))
		if err := g.said.Decode(&m); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		switch {
		case m.Error != nil:
			return fmt.Errorf("%s: %s", command, m.Error.Desc)
		case m.Return != nil:
			return nil
		}
	}
}

// plug plugs an image in as a removable stick. rate bounds its reads, bytes a second; 0 = none.
func (g *guest) plug(name, image string, rate int64) error {
	node := map[string]any{"driver": "raw", "node-name": name, "file": map[string]any{"driver": "file", "filename": image}}
	if rate > 0 {
		group := map[string]any{"qom-type": "throttle-group", "id": name + "-group", "limits": map[string]any{"bps-total": rate}}
		if err := g.tell("object-add", group); err != nil {
			return err
		}
		node = map[string]any{"driver": "throttle", "node-name": name, "throttle-group": name + "-group", "file": node}
		delete(node["file"].(map[string]any), "node-name")
	}
	if err := g.tell("blockdev-add", node); err != nil {
		return err
	}
	return g.tell("device_add", map[string]any{"driver": "usb-storage", "bus": "xhci.0", "id": name, "drive": name, "removable": true})
}

// pull takes a stick out, whatever the guest is doing with it.
func (g *guest) pull(name string, slow bool) error {
	if err := g.tell("device_del", map[string]any{"id": name}); err != nil {
		return err
	}
	for {
		err := g.tell("blockdev-del", map[string]any{"node-name": name})
		if err == nil || !strings.Contains(err.Error(), "in use") {
			if slow && err == nil {
				err = g.tell("object-del", map[string]any{"id": name + "-group"})
			}
			return err
		}
		select {
		case <-g.ctx.Done():
			return g.ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
