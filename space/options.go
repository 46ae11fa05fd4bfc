package space

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options are what is given for one compilation.
type Options struct {
	// Facts are what is known of machine, model and workload. Those that the spec
	// does not declare are ignored.
	Facts map[string]Value
	// Tune names the parameters to tune; nil means the spec's own choice, {"all"}
	// every one. The others keep their default.
	Tune []string
	// Set restricts parameters to some of their values, and tunes them. The first
	// of these is the default where the engine's is not among them.
	Set map[string][]Value
	// Flags are those that the installed engine knows (HelpFlags); nil means all.
	// A parameter whose flag it does not know is passed under an older spelling
	// where it knows that, and else stays at its default, and a fixed flag that it does
	// not know is left out: see Lattice.Dropped.
	Flags map[string]bool
}

// choose finds the effective values of each parameter.
func (l *Lattice) choose(o Options) error {
	s := l.spec
	l.params = slices.Clone(s.Params)
	l.tuned = make([]bool, len(s.Params))
	tune := o.Tune
	if tune == nil {
		tune = s.Tune
	}
	for i := range s.Params {
		l.tuned[i] = tune == nil || slices.Contains(tune, s.Params[i].Name) || slices.Equal(tune, []string{"all"})
	}
	var errs []error
	for _, name := range tune {
		if s.index(name) < 0 && !slices.Equal(tune, []string{"all"}) {
			errs = append(errs, s.unknownParam(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Set)) {
		i := s.index(name)
		if i < 0 {
			errs = append(errs, s.unknownParam(name))
			continue
		}
		l.tuned[i] = true
		errs = append(errs, restrictParam(&l.params[i], o.Set[name]))
	}
	l.fixedArgs = s.FixedArgs
	if o.Flags != nil {
		errs = append(errs, l.useFlags(o))
	}
	for i := range l.params {
		if p := &l.params[i]; !l.tuned[i] {
			p.Values = []Value{p.Default}
		}
	}
	return errors.Join(errs...)
}

// useFlags spells the flags as the engine knows them and drops what it does not.
func (l *Lattice) useFlags(o Options) error {
	var errs []error
	for i := range l.params {
		p := &l.params[i]
		flag, known := p.spelling(o.Flags)
		switch {
		case known:
			p.Flag = flag
		case o.Set[p.Name] != nil:
			errs = append(errs, fmt.Errorf("the engine does not know %s, which sets %s: leave %s out, or take another version", p.Flag, p.Name, p.Name))
		case l.tuned[i]:
			l.tuned[i] = false
			l.dropped = append(l.dropped, p.Flag)
		}
	}
	l.fixedArgs = nil
	keep := true
	for _, arg := range l.spec.FixedArgs { // a flag, or a value of the flag before
		if strings.HasPrefix(arg, "-") {
			name, _, _ := strings.Cut(arg, "=")
			if keep = knows(o.Flags, name); !keep {
				l.dropped = append(l.dropped, arg)
			}
		}
		if keep {
			l.fixedArgs = append(l.fixedArgs, arg)
		}
	}
	return errors.Join(errs...)
}

func (s *Spec) unknownParam(name string) error {
	return fmt.Errorf("space %s has no parameter %s%s", s.Name, name, didYouMean(name, paramNames(s.Params)))
}

// restrictParam leaves only the given values, in the parameter's own order.
func restrictParam(p *Param, values []Value) error {
	for _, v := range values {
		if !slices.Contains(p.Values, v) {
			return valueError(p, v)
		}
	}
	if len(values) == 0 {
		return fmt.Errorf("no value given for %s: choose of %s", p.Name, valueList(p.Values))
	}
	p.Values = slices.DeleteFunc(slices.Clone(p.Values), func(v Value) bool { return !slices.Contains(values, v) })
	if !slices.Contains(p.Values, p.Default) {
		p.Default = p.Values[0]
	}
	return nil
}

func valueError(p *Param, v Value) error {
	hint := ""
	if s, ok := v.AsString(); ok && slices.Contains(valueTexts(p.Values), s) {
		return fmt.Errorf("%s cannot be the text %s: leave the quotes out", p.Name, v.quoted())
	} else if ok {
		hint = didYouMean(s, valueTexts(p.Values))
	}
	return fmt.Errorf("%s cannot be %s%s (values: %s)", p.Name, v, hint, strings.Join(valueTexts(p.Values), ", "))
}

// giveFacts checks the facts that the spec declares and returns them by name.
func (l *Lattice) giveFacts(given map[string]Value) (map[string]Value, error) {
	l.facts = map[string]Value{}
	var errs []error
	for i := range l.spec.Facts {
		f := &l.spec.Facts[i]
		v, ok := given[f.Name]
		if !ok && f.Default != nil {
			v, ok = *f.Default, true
		}
		if !ok {
			continue
		}
		if msg := f.mismatch(v); msg != "" {
			errs = append(errs, fmt.Errorf("fact %s: %s", f.Name, msg))
		}
		l.facts[f.Name] = v
	}
	return maps.Clone(l.facts), errors.Join(errs...)
}
