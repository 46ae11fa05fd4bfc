#!/usr/bin/env python3
"""Reads a study as its users do, with pandas, pyarrow and DuckDB, and checks that what
harness says of it is what the files say.

    python scripts/check_study.py bin/harness studies/NAME

Checks: column types, keys and joins, LIST columns, metrics recomputed from the raw
requests, and that SQL, pandas and `harness front --json` have the same front.
"""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import front

HERE = Path(__file__).parent
TABLES = ["trials", "runs", "requests", "samples"]
OUTCOMES = {"ok", "failed", "cancelled"}
CLASSES = {
    "bad_flag", "illegal_config", "model_unreadable", "oom_load", "oom_capture", "oom_serving", "no_kv_memory", "port",
    "crash", "hang_start", "hang_serving", "slow", "wrong_output", "request_errors", "client_overload", "gpu_fault",
    "killed", "cancelled", "harness_error",
}
COLUMNS = {  # what queries rely on
    "trials": ["study_id", "trial_id", "config_id", "outcome", "failure_class", "phase", "exit_status", "launch_s", "engine",
               "engine_version", "rank", "simulated", "purpose", "attempt"],
    "runs": ["study_id", "trial_id", "run_id", "config_id", "launch_id", "load_point", "concurrency", "repeat", "valid", "invalid_reason",
             "simulated", "ttft_p50_s", "ttft_p99_s", "tpot_p50_s", "output_tps", "request_rps", "client_error_p99_s"],
    "requests": ["run_id", "request", "status", "failure_class", "t_sched_ns", "t_send_ns", "t_first_token_ns",
                 "t_last_token_ns", "prompt_tokens", "output_tokens", "cached_tokens", "chunk_ns", "chunk_tokens"],
    "samples": ["trial_id", "t_ns", "source", "device", "metric", "value"],
}


def read(study):
    """Every table through pandas; the parts of each have one schema."""
    frames = {}
    for table in TABLES:
        parts = sorted(Path(study, table).glob("*.parquet"))
        assert parts, f"no parts of {table}"
        schemas = {str(pq.read_schema(p).remove_metadata()) for p in parts}
        assert len(schemas) == 1, f"{table}: parts with {len(schemas)} schemas"
        versions = {pq.read_metadata(p).metadata[b"harness.schema"] for p in parts}
        assert versions == {b"2"}, f"{table}: schema versions {versions}"
        frames[table] = pd.read_parquet(Path(study, table))
        missing = set(COLUMNS[table]) - set(frames[table].columns)
        assert not missing, f"{table} lacks {missing}"
    return frames


def check_keys(t):
    trials, runs, requests = t["trials"], t["runs"], t["requests"]
    assert trials.trial_id.is_unique and runs.run_id.is_unique
    assert not requests.duplicated(["run_id", "request"]).any()
    assert set(runs.trial_id) <= set(trials.trial_id), "a run without its trial"
    assert set(requests.run_id) == set(runs.run_id), "requests and runs do not join"
    assert set(trials.outcome) <= OUTCOMES
    failed = trials[trials.outcome == "failed"]
    assert set(failed.failure_class) <= CLASSES, set(failed.failure_class) - CLASSES
    assert (trials[trials.outcome == "ok"].failure_class == "").all()
    assert trials.simulated.nunique() == 1, "simulated and measured rows in one study"
    for table in ("runs", "requests"):
        assert (t[table].simulated == trials.simulated.iloc[0]).all()
    sizes = requests.groupby("run_id").size()
    assert (runs.run_id.map(sizes) == runs.requests).all(), "a run without some of its requests"


def check_lists(study, t):
    schema = pq.read_schema(next(Path(study, "requests").glob("*.parquet")))
    for name, value in (("chunk_ns", pa.int64()), ("chunk_tokens", pa.int32())):
        kind = schema.field(name).type
        assert pa.types.is_list(kind) and kind.value_type == value, f"{name} is a {kind}"
    good = t["requests"][t["requests"].failure_class == ""]
    for r in good.itertuples():
        assert len(r.chunk_ns) == len(r.chunk_tokens) > 0
        assert (np.diff(r.chunk_ns) >= 0).all()
        assert r.t_send_ns <= r.t_first_token_ns == r.chunk_ns[0] <= r.chunk_ns[-1] == r.t_last_token_ns


def check_metrics(t):
    """TTFT and TPS of each run, from its requests."""
    for run in t["runs"][t["runs"].valid].itertuples():
        rows = t["requests"][t["requests"].run_id == run.run_id]
        good = rows[rows.failure_class == ""]
        ttft = (good.t_first_token_ns - good.t_send_ns) / 1e9
        for q, value in ((0.5, run.ttft_p50_s), (0.9, run.ttft_p90_s), (0.99, run.ttft_p99_s)):
            assert np.isclose(np.quantile(ttft, q), value, rtol=1e-9), (run.run_id, q)
        duration = (rows.t_done_ns.max() - rows.t_send_ns.min()) / 1e9
        assert np.isclose(duration, run.duration_s, rtol=1e-9), run.run_id
        assert np.isclose(good.output_tokens.sum() / duration, run.output_tps, rtol=1e-9), run.run_id


def check_front(harness, study, t):
    doc = json.loads(subprocess.check_output([harness, "front", "--study", study, "--json"]))
    said = sorted((p["config_id"], p["concurrency"], p["ttft_p50_s"], p["output_tps"]) for p in doc["points"])
    assert said, "an empty front"
    db = duckdb.connect()
    db.execute(f"set variable study = '{study}'")
    queried = sorted(r[:4] for r in db.execute((HERE / "front.sql").read_text()).fetchall())
    frame = front.front(front.measured(study))
    framed = sorted(frame[["config_id", "concurrency", "ttft_p50_s", "output_tps"]].itertuples(index=False, name=None))
    for name, other in (("SQL", queried), ("pandas", framed)):
        assert [p[:2] for p in other] == [p[:2] for p in said], f"{name}: {other}\nharness: {said}"
        assert np.allclose([p[2:] for p in other], [p[2:] for p in said], rtol=1e-12), name
    # The query of the README: a parameter's column, joined to the runs.
    parameter = next(c for c in t["trials"].columns if c in doc["points"][0]["config"])
    joined = db.execute(f"""select "{parameter}", median(ttft_p50_s), max(output_tps)
        from '{study}/runs/*.parquet' r join '{study}/trials/*.parquet' t using (trial_id)
        where r.valid group by 1""").fetchall()
    assert joined
    return len(said)


TRANSIENT = ["port", "client_overload", "gpu_fault", "killed", "harness_error"]


def check_configs(t):
    """A config's columns and its identity belong together; nothing is measured twice. A
    passing fault has one more attempt at the same launch (replicate)."""
    trials, runs = t["trials"], t["runs"]
    ended = trials[~trials.outcome.isin(["cancelled"]) & ~trials.failure_class.isin(TRANSIENT)]
    assert not ended.duplicated(["config_id", "replicate"]).any(), "a launch of a config was measured twice"
    runs = runs.merge(trials[["trial_id", "replicate"]], on="trial_id")
    assert not runs[runs.valid].duplicated(["config_id", "replicate", "load_point", "repeat"]).any(), "a run was measured twice"


def main(harness, study):
    t = read(study)
    check_keys(t)
    check_lists(study, t)
    check_metrics(t)
    check_configs(t)
    points = check_front(harness, study, t)
    print(f"check_study: {study}: {len(t['trials'])} trials, {len(t['runs'])} runs, {len(t['requests'])} requests, "
          f"a front of {points} points: pandas, pyarrow and DuckDB agree with harness")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
