package gpu

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// choose picks n of the free devices (positions in devices) for one server: those
// whose worst link is best, then whose links are best in sum, then those that take
// the least from the links among the devices that stay free, so that the next group
// is a good one too; the lowest positions where all are equal. n is at most len(free).
// Of more than exhaustive free devices the first ones that one switch or node has in
// common are taken instead, for there are too many groups to look at.
func choose(devices []Device, links []Link, free []int, n int) []int {
	const exhaustive = 16 // 12,870 groups of 8
	near := nearness(devices, links)
	if len(free) > exhaustive {
		return grow(near, free, n)
	}
	var best []int
	var bestScore [3]int
	for set := range uint32(1) << len(free) {
		if bits.OnesCount32(set) != n {
			continue
		}
		score := scoreOf(near, free, set)
		if best == nil || slices.Compare(score[:], bestScore[:]) > 0 {
			best, bestScore = members(free, set), score
		}
	}
	return best
}

// scoreOf is how good the group of a set of free devices is, the weightiest first.
func scoreOf(near [][]int, free []int, set uint32) [3]int {
	worst, sum, broken := 1<<30, 0, 0
	for i, a := range free {
		for j, b := range free[:i] {
			inA, inB := set>>i&1 == 1, set>>j&1 == 1
			switch {
			case inA && inB:
				worst, sum = min(worst, near[a][b]), sum+near[a][b]
			case inA != inB:
				broken += near[a][b]
			}
		}
	}
	return [3]int{worst, sum, -broken}
}

func members(free []int, set uint32) []int {
	var out []int
	for i, d := range free {
		if set>>i&1 == 1 {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// grow begins with each free device in turn, adds the one nearest to the group until
// there are n, and keeps the best group.
func grow(near [][]int, free []int, n int) []int {
	var best []int
	bestSum := -1
	for _, first := range free {
		group, sum := []int{first}, 0
		for len(group) < n {
			next, most := -1, -1
			for _, d := range free {
				if slices.Contains(group, d) {
					continue
				}
				to := 0
				for _, g := range group {
					to += near[d][g]
				}
				if to > most {
					next, most = d, to
				}
			}
			group, sum = append(group, next), sum+most
		}
		if sum > bestSum {
			best, bestSum = group, sum
		}
	}
	slices.Sort(best)
	return best
}

// nearness is the rank of the link between each two devices, more being better. Where
// links are not known, a NUMA node in common counts as NODE, and others as SYS.
func nearness(devices []Device, links []Link) [][]int {
	near := make([][]int, len(devices))
	for i := range near {
		near[i] = make([]int, len(devices))
		for j := range near[i] {
			near[i][j] = linkRank("SYS")
			if node := devices[i].NUMANode; node >= 0 && node == devices[j].NUMANode {
				near[i][j] = linkRank("NODE")
			}
		}
	}
	position := map[int]int{}
	for i, d := range devices {
		position[d.Index] = i
	}
	for _, l := range links {
		a, okA := position[l.A]
		b, okB := position[l.B]
		if !okA || !okB {
			continue
		}
		rank := linkRank(l.Type)
		if devices[a].NUMANode == devices[b].NUMANode {
			rank++ // between two NVLinks of one kind, the node in common decides
		}
		near[a][b], near[b][a] = rank, rank
	}
	return near
}

// linkRank orders the kinds of links. NVLinks count by their number; the others
// stand far below any of them, by how much of the machine lies in between.
func linkRank(kind string) int {
	if lanes, ok := strings.CutPrefix(kind, "NV"); ok {
		n, _ := strconv.Atoi(lanes)
		return 100 + 10*n
	}
	if kind == "XGMI" {
		return 100
	}
	order := []string{"SYS", "NODE", "PHB", "PXB", "PIX"}
	if i := slices.Index(order, kind); i > 0 {
		return 10 * i
	}
	return 0
}
