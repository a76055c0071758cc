package schedule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// question is one line of a test, or of what a person asks. Fields that are not named here are let pass at this level only.
type question struct {
	ID       json.RawMessage `json:"id"`
	Schedule json.RawMessage `json:"schedule"`
	Player   json.RawMessage `json:"player"`
	State    json.RawMessage `json:"state"`
	Now      string          `json:"now"`
}

// answer is a Decision with the question's id, and what is wrong with its schedule.
type answer struct {
	ID json.RawMessage `json:"id,omitempty"`
	Decision
	Actions  []ActionOutlook `json:"actions,omitempty"`
	Problems []Problem       `json:"problems,omitempty"`
}

type refusal struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Error string          `json:"error"`
}

// mostQuestion bounds a question, in bytes.
const mostQuestion = 64 << 20

// Answer decides one question: a JSON object with id, schedule, player, state and now (RFC 3339), and returns the decision
// as a JSON object without a line's end. A question that cannot be read gives {"id":…,"error":"…"} and the error.
// An event or working hours with a value of the wrong type are left out, as on a player; a name that is not known is an error.
func Answer(line []byte) ([]byte, error) {
	var q question
	a, err := q.decide(line)
	if err != nil {
		text, _ := json.Marshal(refusal{q.ID, err.Error()})
		return text, err
	}
	return json.Marshal(a)
}

func (q *question) decide(line []byte) (*answer, error) {
	if len(line) > mostQuestion {
		return nil, fmt.Errorf("the question has %d bytes, more than %d: ask with a smaller schedule", len(line), mostQuestion)
	}
	if err := json.Unmarshal(line, q); err != nil {
		return nil, fmt.Errorf("the question is not one JSON object with id, schedule, player, state and now: %w", err)
	}
	now, err := time.Parse(time.RFC3339, q.Now)
	if err != nil {
		return nil, fmt.Errorf("now %q is not an instant: write it as 2027-01-04T08:00:00Z", q.Now)
	}
	var player Player
	var state State
	if err := strict(q.Player, &player); err != nil {
		return nil, fmt.Errorf("player: %w", err)
	}
	if err := strict(q.State, &state); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s, broken, err := lenientSchedule(q.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	plan, problems := Compile(s)
	a := &answer{ID: q.ID, Decision: plan.Explain(player, state, now), Actions: plan.Outlook(player, state, now), Problems: problems}
	for _, b := range broken {
		// What the compiler says of its stand-in is of no interest.
		a.Problems = slices.DeleteFunc(a.Problems, func(p Problem) bool {
			return strings.HasPrefix(b.Path, "/events/") && strings.HasPrefix(p.Path, b.Path+"/")
		})
		a.Problems = append(a.Problems, b.Problem)
		if b.event != "" && !slices.Contains(a.Events, b.event) {
			if a.Why == nil {
				a.Why = map[string]string{}
			}
			a.Why[b.event] = "it is left out: " + b.Message
		}
	}
	return a, nil
}

// misfit is a part of a schedule whose JSON has a wrong type.
type misfit struct {
	Problem
	event string
}

// lenientSchedule reads what can be read: one rule of a wrong type must not silence the others.
func lenientSchedule(text json.RawMessage) (*Schedule, []misfit, error) {
	var raw struct {
		Events         []json.RawMessage   `json:"events"`
		Defaults       Defaults            `json:"defaults"`
		WorkingHours   json.RawMessage     `json:"workingHours"`
		Dayparts       map[string][]Window `json:"dayparts"`
		UntrustedClock string              `json:"untrustedClock"`
		Actions        []json.RawMessage   `json:"actions"`
		Audio          json.RawMessage     `json:"audio"`
	}
	var names map[string]json.RawMessage
	if len(text) > 0 {
		if err := json.Unmarshal(text, &names); err != nil {
			return nil, nil, errors.New("it is not a JSON object: write events, actions, defaults, workingHours, dayparts, untrustedClock and audio in one")
		}
	}
	var broken []misfit
	for _, name := range sortedKeys(names) {
		if !slices.Contains([]string{"events", "actions", "defaults", "workingHours", "dayparts", "untrustedClock", "audio"}, name) {
			delete(names, name)
			broken = append(broken, misfit{Problem{"/" + pointerEscape(name), "a schedule has events, actions, defaults, workingHours, dayparts, untrustedClock and audio: this is none of them and was not read"}, ""})
		}
	}
	known, err := json.Marshal(names)
	if err != nil {
		return nil, nil, err
	}
	if err := strict(known, &raw); err != nil {
		return nil, nil, err
	}
	s := &Schedule{Defaults: raw.Defaults, Dayparts: raw.Dayparts, UntrustedClock: raw.UntrustedClock}
	if len(raw.WorkingHours) > 0 {
		if err := strict(raw.WorkingHours, &s.WorkingHours); err != nil {
			s.WorkingHours = nil
			broken = append(broken, misfit{Problem{"/workingHours", err.Error() + "; the screen stays on"}, ""})
		}
	}
	if len(raw.Audio) > 0 {
		if err := strict(raw.Audio, &s.Audio); err != nil {
			s.Audio = nil
			broken = append(broken, misfit{Problem{"/audio", err.Error() + "; nothing limits the sound"}, ""})
		}
	}
	unread, err := lenientEvents(raw.Events, s)
	return s, append(append(broken, unread...), lenientActions(raw.Actions, s)...), err
}

// lenientActions leaves out what cannot be read, and keeps the places of those behind it.
func lenientActions(texts []json.RawMessage, s *Schedule) (broken []misfit) {
	for i, text := range texts {
		var a Action
		if err := strict(text, &a); err != nil {
			broken = append(broken, misfit{Problem{fmt.Sprintf("/actions/%d", i), err.Error() + "; it is not done"}, ""})
			a = Action{ID: fmt.Sprintf("%d", i), Disabled: true, unread: true}
		}
		s.Actions = append(s.Actions, a)
	}
	return broken
}

func lenientEvents(texts []json.RawMessage, s *Schedule) ([]misfit, error) {
	var broken []misfit
	for i, text := range texts {
		var e Event
		if err := strict(text, &e); err != nil {
			var name struct {
				ID string `json:"id"`
			}
			_ = json.Unmarshal(text, &name) // an id of a wrong type is none
			if strings.HasPrefix(err.Error(), "json: unknown field") {
				return nil, fmt.Errorf("event %d (%s): %w", i, name.ID, err)
			}
			broken = append(broken, misfit{Problem{fmt.Sprintf("/events/%d", i), err.Error()}, name.ID})
			e = Event{ID: name.ID, Disabled: true} // it keeps the places of those behind it
		}
		s.Events = append(s.Events, e)
	}
	return broken, nil
}

// strict decodes and refuses unknown names; nothing at all leaves the zero value.
func strict(text json.RawMessage, into any) error {
	if len(text) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a JSON %s, which does not work there: write %s", wrong.Field, wrong.Value, plainType(wrong.Type.String()))
	}
	var instant *time.ParseError
	if errors.As(err, &instant) {
		return fmt.Errorf("%q is not an instant: write it as \"2027-01-04T08:00:00Z\"", strings.Trim(instant.Value, `"`))
	}
	return err
}

func plainType(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map"), strings.HasPrefix(name, "schedule."):
		return "an object"
	case strings.HasPrefix(name, "int"):
		return "a whole number"
	case name == "bool":
		return "true or false"
	}
	return "a text"
}
