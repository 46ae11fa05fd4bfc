"""Which config gives the most tokens a second while the 99th percentile of TTFT keeps a limit?

    best_under_slo.py STUDY [LIMIT_S]        DuckDB; LIMIT_S is 0.5 by default"""

import sys

import duckdb

study, limit = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
duckdb.sql(f"""
    with points as (
        select config_id, load_point, median(ttft_p99_s) as ttft_p99_s, median(output_tps) as output_tps, count(*) as runs
        from '{study}/runs/*.parquet' where valid group by all)
    select arg_max(trial_id, trial_id) as trial, load_point, ttft_p99_s, output_tps, runs
    from points join '{study}/trials/*.parquet' using (config_id)
    where outcome = 'ok' and ttft_p99_s <= {limit}
    group by config_id, load_point, ttft_p99_s, output_tps, runs order by output_tps desc limit 5
""").show()
