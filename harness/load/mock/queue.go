//go:build linux

package mock

// A queue holds the open streams, the one whose event is due first in front: a binary
// heap in which each stream knows its place, so that one can be taken out.
type queue []*stream

func (q *queue) push(s *stream) {
	s.place = len(*q)
	*q = append(*q, s)
	q.up(s.place)
}

func (q *queue) remove(s *stream) {
	h, i := *q, s.place
	last := len(h) - 1
	q.swap(i, last)
	h[last] = nil
	*q = h[:last]
	if i < last {
		q.down(i)
		q.up(i)
	}
}

// fix restores the order after the first stream's due time has grown.
func (q *queue) fix() { q.down(0) }

func (q queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].due <= q[i].due {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q queue) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if child+1 < len(q) && q[child+1].due < q[child].due {
			child++
		}
		if q[i].due <= q[child].due {
			return
		}
		q.swap(i, child)
		i = child
	}
}

func (q queue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
