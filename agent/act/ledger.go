package act

import (
	"encoding/json"
	"fmt"
	"time"

	"vitrine/agent/schedule"
)

// memo is the ledger's name in the store.
const memo = "act.ledger"

// The states of a due instant.
const (
	begun   = "begun"
	done    = "done"
	failed  = "failed"
	skipped = "skipped"
)

// ledger is what is known of actions over a restart.
type ledger struct {
	Actions  map[string]*entry `json:"actions,omitempty"` // by id
	Restarts []time.Time       `json:"restarts,omitempty"`
	Screen   string            `json:"screen,omitempty"` // off, since Dark
	Dark     time.Time         `json:"dark,omitzero"`
	Volume   *int              `json:"volume,omitempty"`
}

// entry is the last due instant of an action that was answered for.
type entry struct {
	Rule  string    `json:"rule"`  // what the action was then: a changed one begins anew
	Since time.Time `json:"since"` // what was due before is not made up for
	Due   time.Time `json:"due,omitzero"`
	State string    `json:"state,omitempty"`
	Why   string    `json:"why,omitempty"`
	Boot  string    `json:"boot,omitempty"` // of the machine, when a restart was begun
	Tries int       `json:"tries,omitempty"`
	Back  bool      `json:"back,omitempty"` // the clock has gone back before Due

	asked time.Time // in this process
}

// recall reads the ledger; one that cannot be read begins anew, so that nothing is made up for.
func (a *Actor) recall() {
	a.ledger = ledger{}
	if b, ok := a.cfg.Store.Memo(memo); ok {
		if err := json.Unmarshal(b, &a.ledger); err != nil {
			a.log.Warn("ledger of actions begins anew", "error", err)
			a.ledger = ledger{}
		}
	}
	if a.ledger.Actions == nil {
		a.ledger.Actions = map[string]*entry{}
	}
	now := time.Now()
	for _, e := range a.ledger.Actions {
		e.asked = now // before this process; the machine may be on its way down
	}
}

// keep puts the ledger onto the disk.
func (a *Actor) keep() error {
	b, err := json.Marshal(&a.ledger)
	if err == nil {
		err = a.cfg.Store.KeepMemo(memo, b)
	}
	if err != nil {
		return fmt.Errorf("what is done cannot be written down, and so it is not done: %w", err)
	}
	return nil
}

// ruleOf is everything about an action: a change of it makes another one of it.
func ruleOf(a schedule.Action) string {
	b, err := json.Marshal(a)
	if err != nil {
		return a.ID // cannot be: it came from JSON
	}
	return string(b)
}

// known finds an action's entry. One that is new, or another than before, counts from now; and so does one from times to
// come, which a wrong clock has brought.
func (a *Actor) known(action schedule.Action, now time.Time) *entry {
	e := a.ledger.Actions[action.ID]
	if rule := ruleOf(action); e == nil || e.Rule != rule {
		e = &entry{Rule: rule, Since: now}
		a.ledger.Actions[action.ID] = e
		if err := a.keep(); err != nil {
			a.log.Warn("ledger of actions not kept", "error", err)
		}
	}
	if back := e.Due.After(now) && e.State != begun; e.Since.After(now) || back && !e.Back {
		e.Since, e.Back = now, back
	}
	return e
}

// last is since when an action is to be made up for.
func (e *entry) last(now time.Time) time.Time {
	if e.Due.After(e.Since) && !e.Back {
		return e.Due
	}
	return e.Since
}
