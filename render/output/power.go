package output

import (
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/xproto"
)

// stayLit keeps the server from blanking the screen and from switching displays off by itself.
func (x *X11) stayLit() error {
	x.dpms = dpms.Init(x.conn) == nil
	if x.dpms {
		c, err := dpms.Capable(x.conn).Reply()
		x.dpms = err == nil && c.Capable
	}
	err := xproto.SetScreenSaverChecked(x.conn, 0, 0, xproto.BlankingNotPreferred, xproto.ExposuresNotAllowed).Check()
	xproto.ForceScreenSaver(x.conn, xproto.ScreenSaverReset)
	if x.dpms {
		err = errors.Join(err, dpms.SetTimeoutsChecked(x.conn, 0, 0, 0).Check())
	}
	if err != nil {
		return fmt.Errorf("switch the screen saver off: %w", err)
	}
	return nil
}

// Power switches the displays on or off through DPMS. It does not wait: what was asked for last is seen to, and trouble
// told when the displays do not follow.
func (x *X11) Power(on bool) {
	select {
	case <-x.power:
	default:
	}
	x.power <- on
	x.powered.Store(true)
}

// watchPower does what Power asks for, and reads it back until the displays have it or something else is asked for.
func (x *X11) watchPower() {
	const tries, pause = 5, time.Second
	timer := time.NewTimer(pause)
	timer.Stop()
	on, left := true, 0
	for {
		select {
		case <-x.closing:
			timer.Stop()
			return
		case on = <-x.power:
			left = tries
		case <-timer.C:
		}
		err := x.switchTo(on)
		if left--; err == nil {
			continue
		}
		if left > 0 && x.dpms {
			timer.Reset(pause)
			continue
		}
		x.trouble(err)
	}
}

// switchTo sets the displays' state and reads it back.
func (x *X11) switchTo(on bool) error {
	level, word := uint16(dpms.DPMSModeOff), "off"
	if on {
		level, word = dpms.DPMSModeOn, "on"
	}
	if !x.dpms {
		if on {
			return nil
		}
		return errors.New("the displays cannot be switched off: this X server has no DPMS; the screen is black instead")
	}
	if err := x.force(level); err != nil {
		return fmt.Errorf("the displays could not be switched %s: %w; is another program holding them?", word, err)
	}
	return nil
}

func (x *X11) force(level uint16) error {
	// ForceLevel is an error while DPMS is disabled.
	if err := dpms.EnableChecked(x.conn).Check(); err != nil {
		return err
	}
	if err := dpms.ForceLevelChecked(x.conn, level).Check(); err != nil {
		return err
	}
	is, err := dpms.Info(x.conn).Reply()
	if err != nil {
		return err
	}
	if is.PowerLevel != level {
		return fmt.Errorf("the server says level %d instead of %d", is.PowerLevel, level)
	}
	return nil
}
