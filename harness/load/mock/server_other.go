//go:build !linux

package mock

import "errors"

// A Server runs on Linux only.
type Server struct{ URL string }

// Listen fails: the kernel's stamps and clocks that this package rests on are Linux's.
func Listen(Options) (*Server, error) { return nil, errors.New("the mock server runs on Linux only") }

// Truth is what the server did.
func (*Server) Truth() Truth { return Truth{} }

// Reset begins a new Truth.
func (*Server) Reset() error { return nil }

// Close ends the server.
func (*Server) Close() error { return nil }
