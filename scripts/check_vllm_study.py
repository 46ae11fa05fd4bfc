#!/usr/bin/env python3
"""Checks what a study of the space vllm_cpu recorded of the real vLLM: that it ran as it was
told to, said what it was asked, and failed for the reasons that are known.

    python scripts/check_vllm_study.py studies/NAME
"""

import json
import sys
from pathlib import Path

import pandas as pd

SECTIONS = {  # where /server_info?config_format=json says what became of a parameter
    "max_num_seqs": "scheduler_config",
    "max_num_batched_tokens": "scheduler_config",
    "enable_chunked_prefill": "scheduler_config",
    "enable_prefix_caching": "cache_config",
}
METRICS = {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc", "vllm:prefix_cache_queries_total",
           "vllm:prefix_cache_hits_total", "vllm:generation_tokens_total", "vllm:time_to_first_token_seconds_count"}


def check_effective(trial):
    """The server has the values that it was given."""
    said = json.loads(trial.effective_config)
    release = said["/version"]["version"]
    assert trial.engine_version.split("+")[0] == release, (trial.engine_version, release)
    config = said["/server_info?config_format=json"]["vllm_config"]
    for name, section in SECTIONS.items():
        asked = getattr(trial, name)
        assert pd.isna(asked) or config[section][name] == asked, (trial.trial_id, name, asked, config[section][name])


def main(study):
    trials, runs, requests, samples = (pd.read_parquet(Path(study, t)) for t in ("trials", "runs", "requests", "samples"))
    assert set(trials.engine) == {"vllm"} and not trials.simulated.any()
    good, failed = trials[trials.outcome == "ok"], trials[trials.outcome == "failed"]
    assert len(good), "no trial was measured"
    for trial in good.itertuples():
        check_effective(trial)
    for trial in failed.itertuples():
        assert (trial.failure_class, trial.phase, trial.exit_status) == ("illegal_config", "start", 1), (trial.trial_id, trial.failure_class, trial.failure_line)
        assert "max_num_batched_tokens" in trial.failure_line, trial.failure_line
    assert runs.valid.all() and runs.flushed.all(), runs[["run_id", "valid", "invalid_reason", "flushed"]]
    assert (requests.finish_reason == "length").all()
    assert (requests.output_tokens == requests.requested_tokens).all()
    assert (requests.cached_tokens == 0).all(), "vLLM found prompts in its cache, or does not say"
    missing = METRICS - set(samples.metric)
    assert not missing, f"no samples of {missing}"
    print(f"check_vllm_study: vLLM {', '.join(trials.engine_version.unique())}: {len(good)} trials measured, ready after "
          f"{good.launch_s.min():.0f} to {good.launch_s.max():.0f} s; {len(failed)} refused as illegal_config; caches flushed, tokens as asked")


if __name__ == "__main__":
    main(sys.argv[1])
