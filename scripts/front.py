#!/usr/bin/env python3
"""The Pareto front of a study in pandas: python scripts/front.py studies/NAME

The same definition as `harness front` and scripts/front.sql: the median over the valid
runs of each config and load point, of the configs that have a trial that ended well.
"""

import sys
from pathlib import Path

import pandas as pd


def measured(study):
    """One row for each (config, load point): medians over valid runs."""
    trials = pd.read_parquet(Path(study, "trials"))
    runs = pd.read_parquet(Path(study, "runs"))
    ok = trials.loc[trials.outcome == "ok", "config_id"]
    valid = runs[runs.valid & runs.config_id.isin(ok)]
    return valid.groupby(["config_id", "load_point", "concurrency"], as_index=False).agg(
        ttft_p50_s=("ttft_p50_s", "median"), output_tps=("output_tps", "median"), runs=("run_id", "size"))


def front(rows):
    """The rows that no other dominates, by TTFT: each must have more TPS than all before it."""
    rows = rows.sort_values(["ttft_p50_s", "output_tps"], ascending=[True, False])
    best = rows.output_tps.cummax().shift(fill_value=float("-inf"))
    return rows[rows.output_tps > best]


if __name__ == "__main__":
    print(front(measured(sys.argv[1])).to_string(index=False))
