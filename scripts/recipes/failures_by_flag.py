"""Which values fail, and how?

    failures_by_flag.py STUDY                DuckDB

Every parameter's column, unpivoted: the share of launches with that value that failed."""

import json
import sys
from pathlib import Path

import duckdb

study = sys.argv[1]
plan = min(Path(study, "plans").glob("*.json"))  # of the first trial: it names the parameters
parameters = [p["Name"] for p in json.loads(plan.read_text())["params"]]
trials = duckdb.sql(f"from read_parquet('{study}/trials/*.parquet', union_by_name=true)")
duckdb.sql(f"""
    with long as (
        unpivot (select outcome, failure_class, {', '.join(f'coalesce("{p}"::varchar, $$(omitted)$$) as "{p}"' for p in parameters)} from trials where outcome <> 'cancelled')
        on {', '.join(f'"{p}"' for p in parameters)} into name parameter value setting),
    settings as (
        select parameter, setting, count(*) as launches, count(*) filter (outcome = 'failed') as failed,
               string_agg(distinct failure_class, ' ') filter (outcome = 'failed') as classes, count(*) over (partition by parameter) as settings
        from long group by parameter, setting)
    select parameter, setting, launches, failed, classes from settings
    where failed > 0 and settings > 1 order by failed / launches desc, launches desc limit 12
""").show()
