package witness

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// xorgConf is a graphics card without hardware (xf86-video-dummy) with sixteen connectors, the first of them with a
// display whose preferred mode is 3840×2160. xrandr lights the others.
const xorgConf = `Section "ServerFlags"
	Option "AutoAddDevices" "false"
	Option "AutoAddGPU" "false"
	Option "DontVTSwitch" "true"
EndSection
Section "Device"
	Identifier "card"
	Driver "dummy"
	VideoRam 256000
EndSection
Section "Monitor"
	Identifier "display"
	HorizSync 5-1000
	VertRefresh 5-200
	Modeline "3840x2160" 262.75 3840 4016 4104 4400 2160 2168 2178 2250
EndSection
Section "Screen"
	Identifier "screen"
	Device "card"
	Monitor "display"
	DefaultDepth 24
	SubSection "Display"
		Depth 24
		Modes "3840x2160" "1920x1080" "1280x720"
		Virtual 7680 4320
	EndSubSection
EndSection
`

// StartXorg starts an Xorg without hardware, whose displays can be changed with xrandr: DUMMY0 has 3840×2160. It needs
// Debian's xserver-xorg-core and xserver-xorg-video-dummy. Close ends it.
func StartXorg(ctx context.Context) (*Display, error) {
	path, err := exec.LookPath("Xorg")
	if err != nil {
		return nil, errors.New("there is no Xorg on this machine; install xserver-xorg-core and xserver-xorg-video-dummy")
	}
	dir, err := os.MkdirTemp("", "witness-")
	if err != nil {
		return nil, fmt.Errorf("start Xorg: %w", err)
	}
	conf, log := filepath.Join(dir, "xorg.conf"), filepath.Join(dir, "log")
	d := &Display{Size: image.Pt(3840, 2160), dir: dir, exited: make(chan struct{})}
	if err = os.WriteFile(conf, []byte(xorgConf), 0o600); err == nil {
		err = d.start(exec.CommandContext(ctx, path, "-displayfd", "3", "-config", conf, "-logfile", log,
			"-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts"))
	}
	if err != nil {
		said, _ := os.ReadFile(log)
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start Xorg: %w%s", err, complaints(string(said)))
	}
	return d, nil
}

// complaints are the errors in a log of Xorg's.
func complaints(log string) string {
	var out strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "] (EE)") {
			out.WriteString("; " + strings.TrimSpace(line))
		}
	}
	return out.String()
}
