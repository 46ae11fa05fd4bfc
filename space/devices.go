package space

// Devices is the number of GPUs that a server with this configuration takes, by the
// spec's section devices. It is 0 where the spec has none, or needs a fact that is not
// known: then nobody can tell, and the server is best given all that there are.
func (l *Lattice) Devices(p Point) int {
	l.mustFit(p)
	formula := l.spec.devices.expr
	if formula == nil {
		return 0
	}
	j := l.judge()
	n := j.states.Get().(*judgement)
	defer j.states.Put(n)
	if n.set(l.Config(p)) != nil {
		return 0
	}
	count, ok := formula.eval(n.lookup).AsInt()
	if !ok || count < 0 {
		return 0
	}
	return int(count)
}
