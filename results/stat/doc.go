// Package stat turns values of runs into numbers with their uncertainty.
//
// The levels at which a server's speed varies are the launch, the run and the
// request. Requests of one run share batches and queues, and are not independent: the
// unit is the run, or the launch where a config was launched more than once. Speeds
// are positive and their spread is relative, so that means and differences are taken
// of logs and given as ratios.
//
// A number comes as an Estimate (of one config, from its own runs), a LogMean (with
// what is known of the spread from other configs) or an Interval, each with how much
// it rests on; what rests on too little says so and has no bounds. All functions are
// pure, what is random takes a seed, and intervals are two-sided, 95 % unless a
// function takes another error.
package stat
