package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Lengths says how many tokens prompts or answers have, as text:
//
//	512                     512 each
//	uniform:256-1024        every whole number from 256 to 1024 is as likely
//	normal:512,64           mean 512, standard deviation 64
//	normal:512,64,100-900   the same, drawn again where it is outside of 100 to 900
//	lognormal:512,0.8       median 512, standard deviation of the natural logarithm 0.8; a range may follow too
//	empirical:FILE          the numbers of FILE, one a line, each as likely; # begins a comment
//
// A draw is rounded to a whole number, and is at least 1.
type Lengths string

// Fixed is n tokens each.
func Fixed(n int) Lengths { return Lengths(strconv.Itoa(n)) }

// Validate reports what is wrong with the text, or nil. It opens no file.
func (l Lengths) Validate() error {
	_, err := l.parse()
	return err
}

// maxLength bounds a length: more tokens than any context has.
const maxLength = 1 << 24

// lengths is a Lengths that was understood.
type lengths struct {
	kind      string // fixed, uniform, normal, lognormal, empirical
	a, b      float64
	low, high int
	file      string
	values    []int // of the file
}

const lengthsHelp = "write 512, uniform:256-1024, normal:512,64, lognormal:512,0.8 or empirical:FILE"

// parse reads the text. Files are not opened.
func (l Lengths) parse() (lengths, error) {
	kind, rest, found := strings.Cut(strings.TrimSpace(string(l)), ":")
	if !found {
		kind, rest = "fixed", kind
	}
	d := lengths{kind: kind, low: 1, high: maxLength}
	var err error
	switch kind {
	case "fixed":
		if d.low, err = parseLength(rest); err == nil {
			d.high = d.low
		}
	case "uniform":
		d.low, d.high, err = parseRange(rest)
	case "normal", "lognormal":
		err = d.parseBell(rest)
	case "empirical":
		if d.file = rest; rest == "" {
			err = errors.New("no file is named")
		}
	default:
		err = fmt.Errorf("unknown distribution %q", kind)
	}
	if err != nil {
		return lengths{}, fmt.Errorf("lengths %q: %w: %s", string(l), err, lengthsHelp)
	}
	return d, nil
}

// parseBell reads CENTRE,SPREAD[,LOW-HIGH].
func (d *lengths) parseBell(text string) error {
	parts := strings.Split(text, ",")
	if len(parts) < 2 || len(parts) > 3 {
		return errors.New("two numbers are needed, and a range may follow")
	}
	for i, into := range []*float64{&d.a, &d.b} {
		v, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%q is no number", parts[i])
		}
		*into = v
	}
	if d.a < 1 || d.a > maxLength || d.b < 0 || d.b > maxLength {
		return fmt.Errorf("centre %v and spread %v: the first must be at least 1, the second not negative", d.a, d.b)
	}
	if len(parts) == 2 {
		return nil
	}
	var err error
	if d.low, d.high, err = parseRange(parts[2]); err != nil {
		return err
	}
	if float64(d.low) > d.a || float64(d.high) < d.a {
		return fmt.Errorf("the range %s does not hold the centre %v", parts[2], d.a)
	}
	return nil
}

func parseRange(text string) (low, high int, err error) {
	a, b, found := strings.Cut(text, "-")
	if !found {
		return 0, 0, fmt.Errorf("%q is no range LOW-HIGH", text)
	}
	if low, err = parseLength(a); err == nil {
		high, err = parseLength(b)
	}
	if err == nil && low > high {
		err = fmt.Errorf("the range %s is empty", text)
	}
	return low, high, err
}

func parseLength(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > maxLength {
		return 0, fmt.Errorf("%q is no number of tokens from 1 to %d", text, maxLength)
	}
	return n, nil
}

// readLengths reads the numbers of an empirical distribution.
func readLengths(path string, text []byte) ([]int, error) {
	var values []int
	scan := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; scan.Scan(); line++ {
		word, _, _ := strings.Cut(scan.Text(), "#")
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		n, err := parseLength(word)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		values = append(values, n)
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: no lengths: write one number a line", path)
	}
	return values, nil
}

// draw is one length. A fixed one takes nothing from rng.
func (d *lengths) draw(rng *rand.Rand) int {
	switch d.kind {
	case "uniform":
		return d.low + rng.IntN(d.high-d.low+1)
	case "empirical":
		return d.values[rng.IntN(len(d.values))]
	case "normal", "lognormal":
		// A range that is hardly ever hit ends at its nearer edge.
		v := 0.0
		for range 1000 {
			v = d.bell(rng)
			if r := math.Round(v); r >= float64(d.low) && r <= float64(d.high) {
				return int(r)
			}
		}
		return int(min(max(v, float64(d.low)), float64(d.high)))
	}
	return d.low
}

func (d *lengths) bell(rng *rand.Rand) float64 {
	if d.kind == "normal" {
		return d.a + d.b*rng.NormFloat64()
	}
	return d.a * math.Exp(d.b*rng.NormFloat64())
}

// mean is the expected length, without the effect of a range.
func (d *lengths) mean() float64 {
	switch d.kind {
	case "uniform":
		return float64(d.low+d.high) / 2
	case "normal":
		return d.a
	case "lognormal":
		return min(d.a*math.Exp(d.b*d.b/2), maxLength)
	case "empirical":
		sum := 0
		for _, v := range d.values {
			sum += v
		}
		return float64(sum) / float64(max(1, len(d.values)))
	}
	return float64(d.low)
}

// most is a length that few draws or none exceed: what a context must hold.
func (d *lengths) most() int {
	switch d.kind {
	case "normal":
		return int(min(float64(d.high), math.Ceil(d.a+3*d.b)))
	case "lognormal":
		return int(min(float64(d.high), math.Ceil(d.a*math.Exp(min(3*d.b, 40)))))
	case "empirical":
		most := 0
		for _, v := range d.values {
			most = max(most, v)
		}
		return most
	}
	return d.high
}

// RangeRatio is uniform lengths around n as the benchmarks of two servers draw
// them for their flag of the same name, with opposite meanings: "sglang" draws from
// ratio*n to n (sglang.benchmark.datasets.common, compute_random_lens), "vllm" from
// (1-ratio)*n to (1+ratio)*n (vllm.benchmarks.datasets, get_sampling_params).
func RangeRatio(style string, n int, ratio float64) (Lengths, error) {
	var low, high int
	switch {
	case n < 1:
		return "", fmt.Errorf("range ratio of %d tokens: at least 1 is needed", n)
	case style == "sglang" && ratio >= 0 && ratio <= 1:
		low, high = int(float64(n)*ratio), n
	case style == "vllm" && ratio >= 0 && ratio < 1:
		low, high = int(math.Floor(float64(n)*(1-ratio))), int(math.Ceil(float64(n)*(1+ratio)))
	case style == "sglang" || style == "vllm":
		return "", fmt.Errorf("range ratio %v: sglang takes 0 to 1, vllm 0 to less than 1", ratio)
	default:
		return "", fmt.Errorf("range ratio style %q: use sglang (from ratio*n to n) or vllm (from (1-ratio)*n to (1+ratio)*n)", style)
	}
	if low = max(low, 1); low == high {
		return Fixed(low), nil
	}
	return Lengths(fmt.Sprintf("uniform:%d-%d", low, high)), nil
}
