"""How much do runs of one launch differ, and launches of one config? What is the least
difference between two configs that this study could have seen?

    noise.py STUDY                           pandas"""

import sys

import numpy as np
import pandas as pd

study = sys.argv[1]
runs = pd.read_parquet(f"{study}/runs").query("valid")
runs["log"] = np.log(runs.output_tps)
for load, at in runs.groupby("load_point"):
    launches = at.groupby(["config_id", "launch_id"])["log"].agg(["mean", "var", "size"]).reset_index()
    many = launches[launches["size"] > 1]
    if many.empty:
        print(f"{load}: no launch has two runs: nothing is known of the noise")
        continue
    within = np.sqrt(np.average(many["var"], weights=many["size"] - 1))
    n = at.groupby("config_id").size().median()
    least = np.expm1(2.8 * within * np.sqrt(2 / n))  # 80 % power at 5 %, two-sided
    again = launches.groupby("config_id").filter(lambda g: len(g) > 1)
    between = f"{again.groupby('config_id')['mean'].std().median():.1%}" if len(again) else "not known (no config was launched twice)"
    print(f"{load}: runs differ by {within:.1%}, launches by {between}; with {n:.0f} runs a difference of {least:.0%} would be seen")
