"""What does more load buy, and what does it cost? Throughput and TTFT of each config against
those of its lightest load.

    scaling_with_load.py STUDY               Polars"""

import sys

import polars as pl

study = sys.argv[1]
points = (
    pl.read_parquet(f"{study}/runs/*.parquet").filter(pl.col("valid"))
    .group_by("config_id", "load_point", "concurrency")
    .agg(pl.col("output_tps").median(), pl.col("ttft_p50_s").median())
    .sort("config_id", "concurrency")
)
curves = points.with_columns(
    times_tps=(pl.col("output_tps") / pl.col("output_tps").first().over("config_id")).round(2),
    times_ttft=(pl.col("ttft_p50_s") / pl.col("ttft_p50_s").first().over("config_id")).round(2),
).filter(pl.len().over("config_id") > 1)
with pl.Config(tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_rows=20):
    print(curves.sort(pl.col("output_tps").max().over("config_id"), "config_id", "concurrency", descending=[True, False, False]).head(12))
