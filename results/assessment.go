package results

// An Assessment is what a model says of a study's points, errors of measuring allowed
// for: plain values, so that a report needs to know nothing of the model.
type Assessment struct {
	Points []AssessedPoint

	// HV is the median hypervolume of the front, in natural logarithms of both
	// objectives up to the reference that was asked about; between HVLow and HVHigh it
	// is with a probability of 0.9.
	HV, HVLow, HVHigh float64

	From []SourceUse // the studies that the study builds on
}

// SourceUse is what became of a study that another one builds on.
type SourceUse struct {
	Study   string
	Differs []string // conditions; none: its rows count as observations, and what follows is empty
	Points  int      // of it that can be read here

	Compared    int        // points of this study that it was held against; below five nothing is concluded
	Correlation [2]float64 // of ranks, for each objective; NaN: not known
	Kept        [2]bool    // its shape is made use of
}

// AssessedPoint is a config at one load point.
type AssessedPoint struct {
	ConfigID    string
	Concurrency int     // 0 in an open loop
	Rate        float64 // 0 in a closed loop
	P           float64 // probability that no other point that keeps the limits dominates it

	// Expected are the objectives as further measurements are expected to show them:
	// what was measured, drawn towards what like configs do, the more so the less sure
	// it is. Among many the best are so by luck too; this takes it off.
	Expected [2]float64
	LogSE    [2]float64 // of the logarithms of Expected
	Launches int
}
