"""Which requests waited longest for their first token, and was it the client, the server's
queue and prefill, or a burst of others?

    slowest_requests.py STUDY                Polars"""

import sys

import polars as pl

study = sys.argv[1]
requests = pl.read_parquet(f"{study}/requests/*.parquet").filter(pl.col("failure_class") == "")
ms = lambda later, earlier: ((pl.col(later) - pl.col(earlier)) / 1e6).round(2)
started = requests.select("run_id", other="t_send_ns", until="t_first_token_ns")
slow = (
    requests.with_columns(ttft_ms=ms("t_first_token_ns", "t_send_ns"))
    .sort("ttft_ms", descending=True).head(8)
    .select("run_id", "request", "ttft_ms", late_send_ms=ms("t_send_ns", "t_sched_ns"), headers_ms=ms("t_headers_ns", "t_written_ns"),
            prompt="prompt_tokens", cached="cached_tokens", t="t_send_ns", end="t_first_token_ns")
)
ahead = (
    slow.join(started, on="run_id")
    .filter((pl.col("other") < pl.col("t")) & (pl.col("until") > pl.col("t")))
    .group_by("run_id", "request").len("waiting_before_it")
)
with pl.Config(tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_width_chars=140):
    print(slow.join(ahead, on=["run_id", "request"], how="left").with_columns(pl.col("waiting_before_it").fill_null(0)).drop("t", "end"))
