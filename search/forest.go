package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"harness/search/gp"
)

const (
	forestTrees = 64
	forestLeaf  = 3 // observations at most, unless their inputs are equal
)

// forest is the surrogate for where a Gaussian process does not do: trees with
// random splits, each grown on a bootstrap of the observations (Geurts, Ernst and
// Wehenkel, "Extremely randomized trees", 2006). Its mean is that of the trees,
// its variance what they differ by and what varies within their leaves.
type forest struct {
	data  gp.Data
	seed  uint64
	trees func() []*tree // grown when they are asked for: what was observed can be told without
}

// tree is a node: a leaf where it has no children.
type tree struct {
	coordinate     int
	category       bool
	at             float64 // left: equal to it, or no greater than it
	left, right    *tree
	mean, variance float64
}

func growForest(d gp.Data, seed uint64) *forest {
	f := &forest{data: d, seed: seed}
	f.trees = sync.OnceValue(f.growAll)
	return f
}

func (f *forest) growAll() []*tree {
	trees := make([]*tree, forestTrees)
	for t := range trees {
		rng := stream(f.seed, forestStream+uint64(t))
		rows := make([]int, len(f.data.Y))
		for i := range rows {
			rows[i] = rng.IntN(len(f.data.Y))
		}
		trees[t] = f.grow(rows, rng)
	}
	return trees
}

// forestStream numbers the trees' random streams, away from those of asks.
const forestStream = 1 << 62

// grow makes a tree of rows of the data. Of a random split along each coordinate
// that varies it takes the one that leaves the least variance.
func (f *forest) grow(rows []int, rng *rand.Rand) *tree {
	node := &tree{}
	node.mean, node.variance = f.moments(rows)
	if len(rows) <= forestLeaf || node.variance == 0 {
		return node
	}
	least := node.variance * float64(len(rows))
	var leftRows, rightRows []int
	for c, category := range f.data.Categorical {
		at, ok := f.split(rows, c, rng)
		if !ok {
			continue
		}
		trial := tree{coordinate: c, category: category, at: at}
		var left, right []int
		for _, i := range rows {
			if trial.goesLeft(f.data.X[i]) {
				left = append(left, i)
			} else {
				right = append(right, i)
			}
		}
		_, lv := f.moments(left)
		_, rv := f.moments(right)
		if rest := lv*float64(len(left)) + rv*float64(len(right)); rest < least {
			least, leftRows, rightRows = rest, left, right
			node.coordinate, node.category, node.at = c, category, at
		}
	}
	if leftRows == nil {
		return node
	}
	node.left, node.right = f.grow(leftRows, rng), f.grow(rightRows, rng)
	return node
}

// split draws a place between two different values of a coordinate, or one of the
// categories, and returns false where all are equal.
func (f *forest) split(rows []int, c int, rng *rand.Rand) (at float64, ok bool) {
	var values []float64
	for _, i := range rows {
		values = append(values, f.data.X[i][c])
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) < 2 {
		return 0, false
	}
	return values[rng.IntN(len(values)-1)], true
}

func (f *forest) moments(rows []int) (mean, variance float64) {
	for _, i := range rows {
		mean += f.data.Y[i] / float64(len(rows))
	}
	for _, i := range rows {
		variance += (f.data.Y[i] - mean) * (f.data.Y[i] - mean) / float64(len(rows))
	}
	return mean, variance
}

func (t *tree) goesLeft(x []float64) bool {
	if t.category {
		return x[t.coordinate] == t.at
	}
	return x[t.coordinate] <= t.at
}

func (t *tree) leaf(x []float64) *tree {
	for t.left != nil {
		if t.goesLeft(x) {
			t = t.left
		} else {
			t = t.right
		}
	}
	return t
}

func (f *forest) predict(x [][]float64) (mean, variance []float64) {
	mean, variance = make([]float64, len(x)), make([]float64, len(x))
	grown := f.trees()
	n := float64(len(grown))
	for i, a := range x {
		squares := 0.0
		for _, t := range grown {
			l := t.leaf(a)
			mean[i] += l.mean / n
			squares += (l.mean*l.mean + l.variance) / n
		}
		variance[i] = max(squares-mean[i]*mean[i], leastVariance)
	}
	return mean, variance
}

// leastVariance of a prediction: a belief needs one.
const leastVariance = 1e-12

// mean takes observed values as they are.
func (f *forest) mean(extra [][]float64) posterior {
	expected, _ := f.predict(extra)
	return trees{f, [][]float64{append(slices.Clone(f.data.Y), expected...)}}
}

// draw is mean: trees have no joint distribution to draw from.
func (f *forest) draw(extra [][]float64, draws int, _ *rand.Rand) posterior {
	one := f.mean(extra).values()[0]
	return trees{f, slices.Repeat([][]float64{one}, draws)}
}

// truth takes the known errors as they are, and values without one as exact.
func (f *forest) truth(normal [][]float64, _ *rand.Rand) [][]float64 {
	values := make([][]float64, len(normal))
	for s := range values {
		values[s] = slices.Clone(f.data.Y)
		for i, v := range f.data.Noise {
			values[s][i] += math.Sqrt(v) * normal[s][i]
		}
	}
	return values
}

func (f *forest) surprises() (z, share []float64) { return nil, nil }

// trees is the posterior of a forest.
type trees struct {
	forest *forest
	drawn  [][]float64
}

func (t trees) values() [][]float64 { return t.drawn }

func (t trees) predict(x [][]float64) (means [][]float64, variance []float64) {
	mean, variance := t.forest.predict(x)
	return slices.Repeat([][]float64{mean}, len(t.drawn)), variance
}

// covariance takes values at different inputs as independent.
func (t trees) covariance(x [][]float64) [][]float64 {
	_, variance := t.forest.predict(x)
	cov := make([][]float64, len(x))
	for i := range cov {
		cov[i] = make([]float64, len(x))
		cov[i][i] = variance[i]
	}
	return cov
}
