package agent

import (
	"errors"
	"fmt"
	"syscall"
)

// errAgain ends a player that only needs to be started again.
var errAgain = fmt.Errorf("%w: the data folder can be written again, and the player can have an identity for its relay", ErrAgain)

// recovered is errAgain when what kept the player from its relay is over.
func (a *Agent) recovered() error {
	failing := a.store.Failing() != nil
	was := a.failed
	a.failed = failing
	if a.stranger && a.cfg.Supervised && was && !failing {
		return errAgain
	}
	return nil
}

// diskWords says what a data folder that takes nothing means, and what to do about it.
func diskWords(err error) words {
	switch {
	case errors.Is(err, syscall.EROFS):
		return words{[]string{"The disk is read-only; the content plays on", "Replace the card or disk"},
			[]string{"Le disque est en lecture seule ; le contenu continue", "Remplacez la carte ou le disque"}}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return words{[]string{"The disk is full; the content plays on", "Make room on it"},
			[]string{"Le disque est plein ; le contenu continue", "Libérez de la place"}}
	}
	return words{[]string{"The disk fails; the content plays on", "Replace the card or disk"},
		[]string{"Le disque est défaillant ; le contenu continue", "Remplacez la carte ou le disque"}}
}

// sentence is an error in a person's language.
type sentence struct {
	words string
	cause error
}

func (s sentence) Error() string { return s.words }

func (s sentence) Unwrap() error { return s.cause }
