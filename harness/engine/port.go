package engine

import (
	"net"
	"sync"
)

// ports are those of servers that live. A server may take a minute before it listens,
// and the kernel would give its port to the next one meanwhile: the trial of one would
// then measure the other.
var ports = struct {
	sync.Mutex
	taken map[int]bool
}{taken: map[int]bool{}}

// takePort asks the kernel for a loopback port that nobody listens on and no living
// server of this process has. Another process may take it before the server does: that
// is a failure of class port, and the launch is tried again. The caller gives it back.
func takePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if !ports.taken[port] {
			ports.taken[port] = true
			return port, nil
		}
	}
}

func givePort(port int) {
	ports.Lock()
	defer ports.Unlock()
	delete(ports.taken, port)
}
