package output

import (
	"errors"
	"fmt"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
)

// settle is for what a process that was killed may have left: its keys (the server frees them with its window) and
// displays that it switched off.
func (x *X11) settle() {
	if !x.powered.Load() {
		x.Power(true)
	}
	if x.cfg.Heard != nil {
		go x.grab()
	}
}

// listen hands on what the server says, until the connection ends.
func (x *X11) listen() {
	for {
		ev, err := x.conn.WaitForEvent()
		switch {
		case ev == nil && err == nil:
			x.answer(errors.New("the X server closed the connection; it is gone or was restarted"))
			return
		case err != nil:
			if _, old := err.(xproto.ValueError); !old { // KillClient found nothing to drop
				x.answer(fmt.Errorf("the X server refused a request: %w", err))
			}
		default:
			x.hear(ev)
		}
	}
}

func (x *X11) hear(ev any) {
	switch e := ev.(type) {
	case shm.CompletionEvent:
		x.answer(nil)
	case xproto.ExposeEvent:
		select {
		case x.exposed <- struct{}{}:
		default:
		}
	case xproto.KeyPressEvent:
		x.pressed(e)
	case xproto.KeyReleaseEvent:
		x.keyboard.released, x.keyboard.at = e.Detail, e.Time
	case xproto.ButtonPressEvent:
		x.clicked(e)
	case xproto.MappingNotifyEvent:
		if k, err := readKeyboard(x.conn); err == nil {
			x.keyboard = k
		}
	case randr.ScreenChangeNotifyEvent, randr.NotifyEvent:
		select {
		case x.shaken <- struct{}{}:
		default:
		}
	}
}

func (x *X11) roundTrips() {
	for {
		select {
		case <-x.round:
			_, err := xproto.GetInputFocus(x.conn).Reply()
			x.answer(err)
		case <-x.closing:
			return
		}
	}
}

func (x *X11) answer(err error) {
	select {
	case x.done <- err:
	case <-x.closing:
	}
}
