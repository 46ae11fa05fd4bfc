package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"harness/search"
)

// Options say what is to be replayed.
type Options struct {
	Methods []string // modes of package search, each once; none runs nothing
	Seeds   int      // runs of each method, at least 1
	Seed    uint64   // of the first run; the others count on from it
	Budget  int      // asks of each run, at least 1; a run ends sooner when all is measured

	// NoiseCV is the coefficient of variation of a measurement of each objective; nil
	// means that the table's values are measured exactly.
	NoiseCV []float64
	// Confirm is the most launches of each run, after its budget, that confirm its front:
	// configurations that it has measured are measured again, where it has doubts.
	Confirm int

	Jobs int       // runs at a time; 0 means one for each processor
	Done func(Run) // told of each finished run, one at a time, in any order; may be nil
}

// Run runs every method with every seed. The runs come by method, then by seed, and
// but for the seconds that they took depend on the problem and the options alone.
func (p *Problem) Run(ctx context.Context, o Options) ([]Run, error) {
	if err := p.Check(o); err != nil {
		return nil, err
	}
	if o.Jobs == 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	runs := make([]Run, len(o.Methods)*o.Seeds)
	errs := make([]error, len(runs))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan int)
	var workers sync.WaitGroup
	var done sync.Mutex
	for range o.Jobs {
		workers.Go(func() {
			for i := range jobs {
				runs[i], errs[i] = p.search(ctx, o, search.Mode(o.Methods[i/o.Seeds]), o.Seed+uint64(i%o.Seeds))
				if errs[i] != nil {
					cancel() // the first fault is told; the others are its consequence
					continue
				}
				if o.Done != nil {
					done.Lock()
					o.Done(runs[i])
					done.Unlock()
				}
			}
		})
	}
	for i := range runs {
		jobs <- i
	}
	close(jobs)
	workers.Wait()
	return runs, firstFault(errs)
}

// firstFault is the first error that is not only that another one stopped the rest.
func firstFault(errs []error) error {
	var stopped error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		stopped = errors.Join(stopped, err)
	}
	if stopped != nil {
		return context.Canceled
	}
	return nil
}

// Check says what is wrong with options; Run fails on the same.
func (p *Problem) Check(o Options) error {
	switch {
	case o.Seeds < 1:
		return fmt.Errorf("%d seeds: want at least 1", o.Seeds)
	case o.Budget < 1:
		return fmt.Errorf("a budget of %d asks: want at least 1", o.Budget)
	case o.Jobs < 0:
		return fmt.Errorf("%d jobs: want at least 1, or 0 for one a processor", o.Jobs)
	}
	for i, m := range o.Methods {
		if slices.Contains(o.Methods[:i], m) {
			return fmt.Errorf("method %s is named twice", m)
		}
		if _, err := search.New(p.lattice, search.Options{Mode: search.Mode(m), Budget: o.Budget}); err != nil {
			return err
		}
	}
	if o.Confirm < 0 {
		return fmt.Errorf("%d launches to confirm: want 0 or more", o.Confirm)
	}
	if o.Confirm > 0 && o.NoiseCV == nil {
		return errors.New("nothing to confirm: without noise every measurement is exact")
	}
	return p.checkNoise(o.NoiseCV)
}

func (p *Problem) checkNoise(cv []float64) error {
	if cv == nil {
		return nil
	}
	if len(cv) != len(p.Objectives) {
		return fmt.Errorf("noise %v: want a coefficient of variation for each of the %d objectives, such as 0.1,0.05", cv, len(p.Objectives))
	}
	for k, v := range cv {
		if math.IsNaN(v) || v < 0 || v > 10 {
			return fmt.Errorf("noise %v: want a coefficient of variation from 0 to 10, such as 0.1", v)
		}
		if o := p.Objectives[k]; v > 0 && !o.Log {
			return fmt.Errorf("noise on %s: it is multiplicative, and not all of the column is positive", o.Column)
		}
	}
	return nil
}
