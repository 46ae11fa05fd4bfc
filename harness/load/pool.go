package load

import "sync"

// A pool keeps the run's connections. The one used last is given out first, so
// that few grow old.
type pool struct {
	mu   sync.Mutex
	all  map[*stream]struct{}
	idle []*stream
	shut bool
}

// add takes a new connection; it is closed at once if the pool is.
func (p *pool) add(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		s.conn.Close()
		return
	}
	p.all[s] = struct{}{}
}

// get gives an idle connection, or nil.
func (p *pool) get() *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

// put gives a connection back that may serve another request.
func (p *pool) put(s *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}

// drop closes a connection.
func (p *pool) drop(s *stream) {
	p.mu.Lock()
	delete(p.all, s)
	p.mu.Unlock()
	s.conn.Close()
}

// close closes every connection; their reads return at once.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for s := range p.all {
		s.conn.Close()
	}
}
