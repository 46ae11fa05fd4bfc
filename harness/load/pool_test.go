package load

import (
	"net"
	"testing"
	"time"
)

func TestPool(t *testing.T) {
	p := pool{all: map[*stream]struct{}{}}
	closed := func(s *stream) bool {
		return s.conn.SetDeadline(time.Time{}) != nil
	}
	open := func() *stream {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close(); b.Close() })
		s := &stream{conn: a}
		p.add(s)
		return s
	}
	if p.get() != nil {
		t.Error("an empty pool gave a connection")
	}
	first, second, third := open(), open(), open()
	p.put(first)
	p.put(second)
	if p.get() != second || p.get() != first || p.get() != nil {
		t.Error("the last one put back is not the first to be got")
	}
	p.drop(third)
	if !closed(third) || len(p.all) != 2 || closed(first) {
		t.Errorf("after a drop: closed %v, %d left", closed(third), len(p.all))
	}
	p.close()
	if late := open(); !closed(first) || !closed(second) || !closed(late) {
		t.Error("a closed pool has open connections")
	}
}
