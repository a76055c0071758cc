package pipe

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the child when the player is gone.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
