"""By how much is the best config better than the engine's default at each load, with an interval?

    default_or_best.py STUDY                 pandas

Runs of the same block had the same prompts, so they are pairs. The best of many is
flattered by chance: launches with purpose "confirm" are what to believe."""

import sys

import numpy as np
import pandas as pd

study = sys.argv[1]
T975 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}  # Student's t
trials = pd.read_parquet(f"{study}/trials")
runs = pd.read_parquet(f"{study}/runs").query("valid")
default = trials.sort_values("trial_id").iloc[0].config_id  # a sweep measures it first
for load, at in sorted(runs.groupby("load_point"), key=lambda group: group[1].concurrency.iloc[0]):
    medians = at.groupby("config_id").output_tps.median()
    if default not in medians:
        print(f"{load}: the default was not measured")
        continue
    best = medians.idxmax()
    pairs = at[at.config_id == best].groupby("block").output_tps.mean() / at[at.config_id == default].groupby("block").output_tps.mean()
    logs = np.log(pairs.dropna())
    half = T975.get(len(logs) - 1, 2.0) * logs.std() / np.sqrt(len(logs))  # nan where there is but one pair
    trial = trials[trials.config_id == best].trial_id.iloc[0]
    print(f"{load}: {trial} has {np.exp(logs.mean()):.2f} times the default's output tokens/s, 95 % from {np.exp(logs.mean() - half):.2f} to {np.exp(logs.mean() + half):.2f} ({len(logs)} pairs)")
