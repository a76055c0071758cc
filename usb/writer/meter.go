package writer

import "time"

// meter measures the rate of a phase over its last seconds.
type meter struct {
	p     Progress
	marks []mark
	told  time.Time
}

type mark struct {
	at   time.Time
	done int64
}

// begin starts a phase.
func (j *job) begin(phase string, total int64) {
	now := time.Now()
	j.meter = meter{p: Progress{Phase: phase, Total: total}, marks: []mark{{at: now}}, told: now}
	j.cfg.Progress(j.meter.p)
}

// step counts bytes, and tells of them a few times a second.
func (j *job) step(n int64) {
	m := &j.meter
	m.p.Done += n
	now := time.Now()
	if now.Sub(m.told) < 200*time.Millisecond && m.p.Done < m.p.Total {
		return
	}
	m.told = now
	m.marks = append(m.marks, mark{now, m.p.Done})
	for len(m.marks) > 2 && now.Sub(m.marks[0].at) > 10*time.Second {
		m.marks = m.marks[1:]
	}
	first := m.marks[0]
	if span := now.Sub(first.at).Seconds(); span > 0 {
		m.p.Rate = float64(m.p.Done-first.done) / span
	}
	m.p.Left = 0
	if m.p.Rate > 0 {
		m.p.Left = time.Duration(float64(max(0, m.p.Total-m.p.Done)) / m.p.Rate * float64(time.Second)).Round(time.Second)
	}
	j.cfg.Progress(m.p)
}
