"""What did the study's time go into: launching, warming up, measuring, failing?

    where_time_went.py STUDY                 Polars"""

import sys

import polars as pl

study = sys.argv[1]
trials = pl.scan_parquet(f"{study}/trials/*.parquet").select("purpose", "outcome", "launch_s", "warmup_s", "measure_s", "total_s")
spent = (
    trials.group_by("purpose", "outcome")
    .agg(pl.len().alias("launches"), pl.col("launch_s", "warmup_s", "measure_s", "total_s").sum().round(1))
    .with_columns(rest_s=(pl.col("total_s") - pl.col("launch_s") - pl.col("warmup_s") - pl.col("measure_s")).round(1))
    .sort("total_s", descending=True).collect()
)
with pl.Config(tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    print(spent)
