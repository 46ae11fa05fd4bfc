package gpu

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
	gpuName = regexp.MustCompile(`^GPU(\d+)$`)
)

// parseLinks reads the matrix of nvidia-smi topo -m: a link for each pair of GPUs,
// network cards and the legend passed over. A cell must be of a known kind; what
// is not is left out.
func parseLinks(out string) []Link {
	links := []Link{}
	var columns []int // GPU of each column from the second on; -1 is none
	for line := range strings.Lines(escapes.ReplaceAllString(out, "")) {
		cells := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] == "" && columns == nil && len(cells) > 1 && gpuName.MatchString(cells[1]) {
			for _, name := range cells[1:] {
				columns = append(columns, gpuNumber(name))
			}
			continue
		}
		row := gpuNumber(cells[0])
		if row < 0 {
			continue
		}
		for i, cell := range cells[1:] {
			if i < len(columns) && columns[i] > row && linkKind(cell) {
				links = append(links, Link{A: row, B: columns[i], Type: cell})
			}
		}
	}
	return links
}

func gpuNumber(name string) int {
	m := gpuName.FindStringSubmatch(name)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

func linkKind(cell string) bool {
	switch cell {
	case "PIX", "PXB", "PHB", "NODE", "SYS", "SOC": // SOC is SYS's older name
		return true
	}
	lanes, ok := strings.CutPrefix(cell, "NV")
	n, err := strconv.Atoi(lanes)
	return ok && err == nil && n > 0
}
