package results

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// Reader reads the requests of runs and the samples of trials. A packed file is verified
// and its keys are read once, however many parts are asked for; of a part then only the
// row groups that it lies in. It may be used by several goroutines. Close ends it.
type Reader struct {
	store    Store
	requests packedFile
	samples  packedFile
}

// Reader begins to read. Nothing is opened before it is needed.
func (s Store) Reader() *Reader { return &Reader{store: s} }

// Requests reads the requests of one run.
func (r *Reader) Requests(runID string) ([]Request, error) {
	return rowsOfPart[Request](r.store, &r.requests, requestsDir, runID)
}

// Samples reads the samples of one trial.
func (r *Reader) Samples(trialID string) ([]Sample, error) {
	return rowsOfPart[Sample](r.store, &r.samples, samplesDir, trialID)
}

// Close gives the files back.
func (r *Reader) Close() {
	for _, f := range []*packedFile{&r.requests, &r.samples} {
		if f.part != nil {
			f.part.Close()
		}
	}
}

// packedFile is the packed file of a table, once it was needed.
type packedFile struct {
	once  sync.Once
	part  *part // nil: it is not there, or err
	spans map[string]span
	err   error
}

// open verifies the file and reads where each part is.
func (f *packedFile) open(s Store, table string) error {
	f.once.Do(func() {
		p, err := openPart(s.part(table, packedID))
		if err != nil {
			f.err = err
			return
		}
		list, err := p.spans(table)
		if err != nil {
			p.Close()
			f.err = err
			return
		}
		f.part, f.spans = p, map[string]span{}
		for _, sp := range list {
			f.spans[sp.id] = sp
		}
	})
	return f.err
}

// rowsOfPart reads the rows of one part of requests or samples, wherever they are.
func rowsOfPart[T any](s Store, packed *packedFile, table, id string) ([]T, error) {
	p, err := openPart(s.part(table, id))
	if err == nil {
		defer p.Close()
		return rowsOf[T](p)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	missing := fmt.Errorf("%s of %s: %w", table, id, err)
	if err := packed.open(s, table); errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	} else if err != nil {
		return nil, err
	}
	sp, ok := packed.spans[id]
	if !ok {
		return nil, missing
	}
	rows := make([]T, 0, sp.n)
	err = each(packed.part, sp.from, sp.n, func(batch []T) error {
		rows = append(rows, batch...)
		return nil
	})
	return rows, err
}
