"""What does each value of one parameter do to throughput, all else being as it came?

    effect_of_a_flag.py STUDY PARAMETER      pandas

Each config counts once, against the mean of its load point; the interval is a bootstrap
over configs. It is an association: a seed design spreads the other parameters evenly,
a refinement does not, so only the seed trials count."""

import sys

import numpy as np
import pandas as pd

study, parameter = sys.argv[1:3]
trials = pd.read_parquet(f"{study}/trials").query("outcome == 'ok' and purpose == 'seed'").drop_duplicates("config_id")
runs = pd.read_parquet(f"{study}/runs").query("valid")
points = runs.groupby(["config_id", "load_point"], as_index=False).output_tps.median()
points["log"] = np.log(points.output_tps) - np.log(points.output_tps).groupby(points.load_point).transform("mean")
configs = points.groupby("config_id", as_index=False)["log"].mean().merge(trials[["config_id", parameter]], on="config_id")
configs[parameter] = configs[parameter].convert_dtypes().astype(object).where(configs[parameter].notna(), "(omitted)")
draw = np.random.default_rng(1)
rows = []
for value, group in configs.groupby(parameter)["log"]:
    means = draw.choice(group.to_numpy(), (5000, len(group))).mean(axis=1)
    low, high = np.exp(np.quantile(means, [0.025, 0.975])) if len(group) > 2 else (np.nan, np.nan)
    rows.append({parameter: value, "configs": len(group), "output_tps": np.exp(group.mean()), "low": low, "high": high})
print("output tokens/s over the mean of all, with a 95 % interval (none from fewer than 3 configs):")
print(pd.DataFrame(rows).round(3).to_string(index=False))
