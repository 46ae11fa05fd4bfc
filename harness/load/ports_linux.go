package load

import (
	"fmt"
	"net/netip"
	"os"
)

// localPorts is how many connections one local address can have to one server: the
// kernel's range of ports, less a tenth for what else this machine dials.
func localPorts() int {
	low, high := 32768, 60999 // the kernel's default
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(b), &low, &high)
	}
	return max(1, (high-low+1)*9/10)
}

// source is the local address of a connection: the kernel's choice, but for servers on
// loopback 127.0.0.2 and so on once the ports of an address would run out. Elsewhere an
// address more must be had first, and enoughPorts says so.
func source(to netip.Addr, number, ports int) netip.Addr {
	if to = to.Unmap(); !to.Is4() || !to.IsLoopback() || number < ports {
		return netip.Addr{}
	}
	n := 1 + number/ports
	return netip.AddrFrom4([4]byte{127, 0, byte(n >> 8), byte(n)})
}

// enoughPorts says what to do where a server cannot have so many connections.
func enoughPorts(to netip.Addr, connections, ports int) error {
	if connections <= ports || to.Unmap().Is4() && to.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%d connections to %v, and this machine has ports for some %d to one address: ask for fewer, or widen net.ipv4.ip_local_port_range", connections, to, ports)
}
