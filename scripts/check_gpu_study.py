#!/usr/bin/env python3
"""Checks what a study recorded of its GPUs: gates, leases, telemetry, energy.

    python scripts/check_gpu_study.py studies/NAME
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd


def integral(samples, run, began):
    """Joules of a run by the power of its GPUs over time."""
    start = (run.started_at - began).total_seconds() * 1e9
    total = 0.0
    for _, s in samples[samples.metric == "power_w"].groupby("device"):
        s = s.sort_values("t_ns")
        at = np.linspace(start, start + run.duration_s * 1e9, 1000)
        total += np.interp(at, s.t_ns, s.value).mean() * run.duration_s
    return total


def main(study):
    trials, runs, samples = (pd.read_parquet(Path(study, t)) for t in ("trials", "runs", "samples"))
    good = trials[trials.outcome == "ok"]
    assert len(good), "no trial was measured: " + "; ".join(trials.failure_line)
    assert good.gpus.map(len).gt(0).all(), "a trial without GPUs"
    assert good.gate_verdict.isin(["open", "marked"]).all(), good.gate_verdict.tolist()
    ends = trials.started_at + pd.to_timedelta(trials.total_s, unit="s")
    for a in range(len(trials)):
        for b in range(a):
            together = trials.started_at.iloc[a] < ends.iloc[b] and trials.started_at.iloc[b] < ends.iloc[a]
            assert not together or not set(trials.gpus.iloc[a]) & set(trials.gpus.iloc[b]), "a GPU was leased twice"
    readings = samples[samples.source == "gpu"]
    for trial in good.itertuples():
        own = readings[readings.trial_id == trial.trial_id]
        assert set(own.device) == set(trial.gpus), f"{trial.trial_id}: readings of {set(own.device)}, on {set(trial.gpus)}: {trial.telemetry_fault}"
        power = own[(own.metric == "power_w") & (own.device == trial.gpus[0])]
        rate = len(power) / trial.total_s
        print(f"{trial.trial_id}: gate {trial.gate_verdict} after {trial.gate_wait_s:.1f} s; {rate:.1f} readings a second; {trial.gate_reason or trial.telemetry_fault or 'no fault'}")
        for run in runs[(runs.trial_id == trial.trial_id) & runs.valid].itertuples():
            assert run.energy_j > 0 and run.joules_per_token > 0 and run.memory_peak_bytes > 0, f"{run.run_id}: no energy or memory"
            by_power = integral(own, run, trial.started_at)
            off = abs(run.energy_j / by_power - 1)
            print(f"  {run.run_id}: {run.energy_j:.1f} J by {run.energy_source}, {by_power:.1f} J by power over time; {run.power_mean_w:.0f} W, "
                  f"{run.joules_per_token:.3f} J/token, {run.gpu_utilization:.0%} busy, {run.temperature_max_c:.0f} °C, slowed {run.throttled_share:.0%}")
            assert off < 0.15 or run.duration_s < 2, f"{run.run_id}: energy and power differ by {off:.0%}"
    print(f"{len(good)} of {len(trials)} trials measured on {len(set(good.gpus.explode()))} GPUs{' (SIMULATED)' if trials.simulated.any() else ''}: all holds")


if __name__ == "__main__":
    main(sys.argv[1])
