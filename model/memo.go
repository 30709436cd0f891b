package model

// memo is a set of points of a search. Clearing it costs nothing.
type memo struct {
	slots []slot // a power of two, at most half full
	used  int
	round uint32
}

type slot struct {
	done  uint64
	state int32
	round uint32 // the slot is empty if this is not the memo's round
}

func (m *memo) clear() {
	m.used = 0
	m.round++
	if m.round == 0 || m.slots == nil {
		m.round = 1
		m.slots = make([]slot, 64)
	}
}

// add reports whether the point was new.
func (m *memo) add(done uint64, state int32) bool {
	if 2*m.used >= len(m.slots) {
		old := m.slots
		m.slots, m.used = make([]slot, 2*len(old)), 0
		for _, s := range old {
			if s.round == m.round {
				m.add(s.done, s.state)
			}
		}
	}
	mask := uint64(len(m.slots) - 1)
	at := (done ^ uint64(state)<<40) * 0x9e3779b97f4a7c15
	for at >>= 32; ; at++ {
		s := &m.slots[at&mask]
		if s.round != m.round {
			*s = slot{done: done, state: state, round: m.round}
			m.used++
			return true
		}
		if s.done == done && s.state == state {
			return false
		}
	}
}
