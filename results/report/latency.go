package report

import (
	"slices"

	"harness/results"
)

// sketchShares are the shares at which a distribution is kept: what a curve of it needs,
// closer together where tails are.
var sketchShares = []float64{0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
	0.925, 0.95, 0.965, 0.975, 0.985, 0.99, 0.995, 1}

// latencies are the distributions of one config at one load point, over all its valid
// runs: quantiles at sketchShares, in seconds.
type latencies struct {
	Requests int       `json:"n"`
	TTFT     []reading `json:"ttft"`
	ITL      []reading `json:"itl"` // empty where the tokens of chunks are not known
	E2E      []reading `json:"e2e"`
}

// sketch reads the requests of runs by the canonical definitions: times from a request's
// send, and the gap before a chunk of k tokens as k gaps.
func sketch(reader *results.Reader, runs []results.Run) (latencies, error) {
	var ttft, itl, e2e []float64
	for _, r := range runs {
		requests, err := reader.Requests(r.RunID)
		if err != nil {
			return latencies{}, err
		}
		for _, q := range requests {
			if q.FailureClass != "" || q.FirstTokenNS < 0 {
				continue
			}
			ttft = append(ttft, float64(q.FirstTokenNS-q.SendNS)/1e9)
			e2e = append(e2e, float64(q.LastTokenNS-q.SendNS)/1e9)
			itl = appendGaps(itl, q)
		}
	}
	return latencies{Requests: len(ttft), TTFT: quantiles(ttft), ITL: quantiles(itl), E2E: quantiles(e2e)}, nil
}

func appendGaps(gaps []float64, q results.Request) []float64 {
	var ns []int64
	var tokens []int32
	said := int32(0)
	for k, at := range q.ChunkNS {
		ns, tokens = append(ns, at), append(tokens, q.ChunkTokens[k])
		said += q.ChunkTokens[k]
	}
	each := said != q.OutputTokens || slices.Contains(tokens, 0)
	if each && len(ns) != int(q.OutputTokens) {
		return gaps
	}
	for k := 1; k < len(ns); k++ {
		n := max(1, tokens[k])
		if each {
			n = 1
		}
		for range n {
			gaps = append(gaps, float64(ns[k]-ns[k-1])/1e9/float64(n))
		}
	}
	return gaps
}

func quantiles(xs []float64) []reading {
	if len(xs) == 0 {
		return nil
	}
	slices.Sort(xs)
	q := make([]reading, len(sketchShares))
	for i, share := range sketchShares {
		q[i] = reading(sortedQuantile(xs, share))
	}
	return q
}

// sortedQuantile is stat.Quantile of values that are sorted: that one sorts a copy.
func sortedQuantile(xs []float64, share float64) float64 {
	at := share * float64(len(xs)-1)
	i := int(at)
	if i+1 >= len(xs) {
		return xs[len(xs)-1]
	}
	return xs[i] + (at-float64(i))*(xs[i+1]-xs[i])
}

// told are the rows whose distributions the page has: of the default, of the front and
// of the best at each load, up to a number of configs at all their loads.
func (f Front) told(base map[string]string, most int) []Row {
	var ids []string
	add := func(r Row) {
		if len(ids) < most && !slices.Contains(ids, r.ConfigID) {
			ids = append(ids, r.ConfigID)
		}
	}
	for _, r := range f.Rows {
		if isDefault(r, base) {
			add(r)
		}
	}
	for _, a := range f.Answers(base) {
		for _, g := range a.Gains {
			if g != nil {
				add(g.Row)
			}
		}
	}
	for _, r := range surest(f.Points()) {
		add(r)
	}
	for _, r := range f.Rows { // where a study is small, all of it
		add(r)
	}
	return slices.DeleteFunc(slices.Clone(f.Rows), func(r Row) bool { return !slices.Contains(ids, r.ConfigID) })
}

// surest orders rows by P(front), the highest first.
func surest(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int {
		switch {
		case a.PFront > b.PFront:
			return -1
		case a.PFront < b.PFront:
			return 1
		}
		return 0
	})
	return rows
}
