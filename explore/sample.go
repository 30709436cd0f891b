package explore

// sample counts how often each of many hashes was seen. When there are too many it forgets every second one, by a bit
// of the hash, again and again, and what it knows is a fair sample of the whole (Gibbons, "Distinct sampling", VLDB
// 2001). It does not depend on the order in which hashes come.
type sample struct {
	seen  map[Hash]uint8 // 1, 2, or many
	level int            // only hashes that end in so many zero bits are kept
	most  int            // kept at once; 0 means mostKept
}

const (
	mostKept = 1 << 21
	many     = 3
)

func (s *sample) add(h Hash) { s.count(spread(h), 1) }

// spread makes all bits depend on all others.
func spread(h Hash) Hash {
	h ^= h >> 32
	h *= hashStart
	return h ^ h>>32
}

func (s *sample) count(h Hash, times uint8) {
	if h&(1<<s.level-1) != 0 {
		return
	}
	if s.seen == nil {
		s.seen = map[Hash]uint8{}
	}
	s.seen[h] = min(many, s.seen[h]+times)
	most := s.most
	if most == 0 {
		most = mostKept
	}
	for len(s.seen) > most {
		s.rise(s.level + 1)
	}
}

func (s *sample) rise(level int) {
	s.level = level
	for h := range s.seen {
		if h&(1<<level-1) != 0 {
			delete(s.seen, h)
		}
	}
}

func (s *sample) merge(o *sample) {
	if o.level > s.level {
		s.rise(o.level)
	}
	for h, n := range o.seen {
		s.count(h, n)
	}
}

func (s *sample) distinct() int { return len(s.seen) << s.level }

// frequencies returns how many hashes were seen once, and twice.
func (s *sample) frequencies() (once, twice float64) {
	for _, n := range s.seen {
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	scale := float64(int(1) << s.level)
	return once * scale, twice * scale
}
