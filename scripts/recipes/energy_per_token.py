"""What does a token cost in energy, and does the fastest config pay for its speed?

    energy_per_token.py STUDY [EUR_PER_KWH]  DuckDB

Energy is measured where there are GPUs that tell it; elsewhere the answer is that it is not."""

import sys

import duckdb

study, price = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.3
found = duckdb.sql(f"""
    select config_id, load_point, median(output_tps) as output_tps, median(energy_j / output_tokens) as joules_per_token,
           median(energy_j / output_tokens) * 1e6 / 3.6e6 * {price} as per_million_tokens
    from '{study}/runs/*.parquet' where valid and energy_j is not null group by all order by output_tps desc limit 8""")
if not found.limit(1).fetchall():
    print("no run of this study has energy: there was no GPU that tells it")
else:
    found.show()
