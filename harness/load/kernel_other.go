//go:build !linux

package load

func kernelTransport(r *runner) (transport, error) { return plainTransport(r) }
