"""Where did a stream stand still, and did another request's first token fall into the gap (a
prefill that held up the decoding)?

    stalls_between_tokens.py STUDY           DuckDB, straight from the LIST columns"""

import sys

import duckdb

study = sys.argv[1]
duckdb.sql(f"""
    with gaps as (
        select run_id, request, unnest(list_zip(chunk_ns[:-2], chunk_ns[2:])) as g
        from '{study}/requests/*.parquet' where failure_class = '' and len(chunk_ns) > 1),
    stalls as (
        select run_id, request, g[1] as since, g[2] as until, (g[2] - g[1]) / 1e6 as ms from gaps order by ms desc limit 8)
    select s.run_id, s.request, round(s.ms, 2) as stalled_ms, round(s.since / 1e6, 1) as at_ms,
           count(o.request) filter (o.t_first_token_ns between s.since and s.until) as first_tokens_of_others
    from stalls s left join '{study}/requests/*.parquet' o on o.run_id = s.run_id and o.request <> s.request
    group by all order by stalled_ms desc
""").show()
