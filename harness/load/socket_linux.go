package load

import (
	"encoding/binary"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socket is a non-blocking TCP connection whose received bytes the kernel stamps.
type socket struct{ fd int }

// openSocket begins a connection; it is there when the socket can be written and
// connected says so. from is its local address, where the kernel is not to choose.
func openSocket(to netip.AddrPort, from netip.Addr) (s socket, err error) {
	family, addr := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if ip := to.Addr().Unmap(); ip.Is4() {
		family, addr = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: ip.As4()}
	}
	s.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, os.NewSyscallError("socket", err)
	}
	err = unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil {
		err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err != nil {
		s.close()
		return s, os.NewSyscallError("setsockopt", err)
	}
	if from.IsValid() {
		if err := s.bind(from); err != nil {
			s.close()
			return s, err
		}
	}
	if err := unix.Connect(s.fd, addr); err != nil && err != unix.EINPROGRESS {
		s.close()
		return s, os.NewSyscallError("connect", err)
	}
	return s, nil
}

// bind gives the connection its local address, of IPv4; the port is chosen by connect, which
// may choose one that another server's connection has.
func (s socket) bind(from netip.Addr) error {
	err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err == nil {
		err = unix.Bind(s.fd, &unix.SockaddrInet4{Addr: from.As4()})
	}
	return os.NewSyscallError("bind", err)
}

// connected is why the connection could not be made, or nil.
func (s socket) connected() error {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return os.NewSyscallError("connect", err)
}

// delayAcks asks for one acknowledgement of two segments in place of one of each,
// until the kernel thinks better of it. Each costs half of what a read does: without
// them a chunk took 7 % less CPU.
func (s socket) delayAcks() {
	_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
}

func (s socket) close() { unix.Close(s.fd) }

// A receiver reads from sockets by recvmsg. It allocates nothing.
type receiver struct {
	buf     [64 << 10]byte
	control [64]byte
	iov     unix.Iovec
	msg     unix.Msghdr
}

// read takes what the socket holds, up to a buffer's length. wall is the time, in ns
// of the Unix epoch, at which the kernel received the last segment of it; 0 is not
// said. No bytes and no error are the end of the stream.
func (r *receiver) read(s socket) (b []byte, wall int64, err error) {
	r.iov.Base = &r.buf[0]
	r.iov.SetLen(len(r.buf))
	r.msg.Iov = &r.iov
	r.msg.SetIovlen(1)
	r.msg.Control = &r.control[0]
	r.msg.SetControllen(len(r.control))
	for {
		// The call does not block: it need not tell Go's scheduler that it might.
		n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&r.msg)), 0)
		switch errno {
		case 0:
			return r.buf[:n], stampOf(r.control[:r.msg.Controllen]), nil
		case unix.EINTR:
		default:
			return nil, 0, errno
		}
	}
}

// stampOf reads the SO_TIMESTAMPNS message among the control messages.
func stampOf(control []byte) int64 {
	const header = unix.SizeofCmsghdr
	word := int(unsafe.Sizeof(uintptr(0)))
	for len(control) >= header {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(c.Len)
		if size < header || size > len(control) {
			return 0
		}
		if c.Level == unix.SOL_SOCKET && c.Type == unix.SCM_TIMESTAMPNS && size >= header+16 {
			s := binary.NativeEndian.Uint64(control[header:])
			ns := binary.NativeEndian.Uint64(control[header+8:])
			return int64(s)*1e9 + int64(ns)
		}
		control = control[min(len(control), (size+word-1)&^(word-1)):]
	}
	return 0
}
