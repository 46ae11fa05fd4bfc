// Package replay runs the search against a recorded table instead of a server: each
// ask is answered from the table, so that many runs of many methods can be compared
// in minutes, with the truth known.
//
// The stages, in order:
//
//	file -> Table        table.go, csv.go, parquet.go: named columns of cells
//	Table -> Problem     problem.go, params.go, objective.go, rows.go: parameters, the lattice of
//	                     the rows, the outcome of each of them, the true front
//	Problem -> Run       run.go, noise.go: one search with one seed, scored after each ask
//	Runs -> Report       replay.go, report.go, curves.go: medians over seeds, Parquet
//
// # Score
//
// A search is scored by the hypervolume of the true values of what it asked for, as
// a share of that of the table's front. Objectives are taken as log10 where the
// whole column is positive, are turned so that less is better, and are scaled so that
// the front's ideal point is (0, 0) and its nadir (1, 1); the reference point is
// (1.1, 1.1) unless one is given. Where the front has no width in an objective, that
// of all rows counts, and 1 where they are all equal. None of this is known to the
// search.
//
// The engine's default, from which a search may begin, is another row of the table for
// each seed.
//
// n95 is the first ask after which the share is 0.95 or more. Failed asks and repeated
// ones are charged like any other.
package replay
