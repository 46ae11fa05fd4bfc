package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Server is a running engine. Its owner calls Stop.
type Server struct {
	*Process
	Peer
	Command []string // what runs, secrets masked
	LogPath string

	launch   Launch
	port     int
	oomKills int64 // of this machine, before the launch
}

// Place is what of a machine a server may use.
type Place struct {
	GPUs []string // as CUDA_VISIBLE_DEVICES takes them; none: those that this process sees
	CPUs []int    // none: those of this process. A server in a container has its own
}

// Start launches a server with these flags on a free loopback port. An error means
// that no process was started.
func Start(l Launch, flags []string, on Place, logPath string) (*Server, error) {
	port, err := takePort()
	if err != nil {
		return nil, err
	}
	argv := l.Argv(flags, on.GPUs, port)
	env := map[string]string{}
	for k, v := range l.Server.Env {
		env[k] = v
	}
	if len(on.GPUs) > 0 {
		env["CUDA_VISIBLE_DEVICES"] = strings.Join(on.GPUs, ",")
	}
	before := oomKills()
	p, err := start(argv, environ(os.Environ(), l.Server.UnsetEnv, env), on.CPUs, logPath)
	if err != nil {
		givePort(port)
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	if len(l.Guard) > 0 {
		command := expand(l.Guard, "", nil, strings.NewReplacer("{self}", self()))
		if p.guard, err = startGuard(command, p.cmd.Process.Pid); err != nil {
			p.Stop(context.Background(), 0)
			givePort(port)
			return nil, err
		}
	}
	return &Server{Process: p, Peer: Peer{URL: fmt.Sprintf("http://%s:%d", host, port), Spec: l.Server}, Command: Mask(argv), LogPath: logPath, launch: l, port: port, oomKills: before}, nil
}

// Stop ends the server as Process.Stop does, and gives its port back.
func (s *Server) Stop(ctx context.Context, grace time.Duration) {
	s.Process.Stop(ctx, grace)
	givePort(s.port)
}

// Errors of WaitReady.
var (
	ErrExited  = errors.New("the server ended before it was ready")
	ErrNotUp   = errors.New("the server was not ready in time")
	readyEvery = 50 * time.Millisecond
)

// WaitReady returns when the readiness endpoint answers as it should. It notices at
// once when the process ends (ErrExited), and gives up after the engine's
// start timeout (ErrNotUp).
func (s *Server) WaitReady(ctx context.Context) error {
	limit := time.NewTimer(seconds(s.launch.Server.StartTimeoutS))
	defer limit.Stop()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		_, err := s.call(ctx, s.Spec.Ready, 2*time.Second)
		if err == nil && !s.ended() { // else somebody else has the port, and answered
			return nil
		}
		select {
		case <-s.Done():
			return ErrExited
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%w (%g s)", ErrNotUp, s.launch.Server.StartTimeoutS)
		case <-tick.C:
		}
	}
}

func (s *Server) ended() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// StopGrace is the time between SIGTERM and SIGKILL.
func (s *Server) StopGrace() time.Duration { return seconds(s.launch.Server.StopGraceS) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
