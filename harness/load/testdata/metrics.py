#!/usr/bin/env python3
"""Writes metrics.json: records of made-up runs, and what three programs would print for them.

The metrics are computed here from the stream of events, event by event, as the clients do that
define them (sglang.benchmark.serving 00f9ec472f, vllm.benchmarks.serve 009e6d4a), with NumPy's
percentiles and standard deviation; nothing is shared with the Go code. Run: python metrics.py
"""

import json
import pathlib
import random

import numpy as np

QS = [0.5, 0.9, 0.95, 0.99, 0.999]
ROLE, REASONING, CONTENT, FINISH, USAGE, DONE, EMPTY = 1, 2, 3, 5, 6, 7, 0


def request(rng, api, index):
    """One answer: its events as (ns, kind, new tokens or 0)."""
    ns = lambda ms: int(ms * 1e6) + rng.randrange(1000)
    sched = ns(rng.uniform(0, 4000))
    dispatch = sched + rng.randrange(300_000)
    send = dispatch + rng.randrange(200_000)
    t = send + ns(rng.lognormvariate(4, 0.7))
    events = []
    if api == "chat":
        events.append((t, ROLE, 0))
        t += ns(rng.uniform(0, 3))
    n = 0
    reasoning = rng.randrange(4) if api == "chat" else 0
    for k in range(rng.choice([1, 2, 5, 40])):
        tokens = rng.choice([1, 1, 1, 2, 4]) if api == "generate" else 1
        events.append((t, REASONING if k < reasoning else CONTENT, tokens if api == "generate" else 0))
        n += tokens
        t += 0 if rng.random() < 0.05 else ns(rng.expovariate(1 / 12))
    if api != "generate":
        if rng.random() < 0.7:
            events.append((t, FINISH, 0))
            t += ns(rng.uniform(0, 1))
        events.append((t, USAGE, 0))
    t += ns(rng.uniform(0, 1))
    events.append((t, DONE, 0))
    return {"index": index, "sched": sched, "dispatch": dispatch, "send": send, "done": t + rng.randrange(50_000),
            "prompt": rng.randrange(1, 900), "n": n, "requested": n, "events": events}


def gaps_sglang(api, r):
    itl, ttft, last_t, last_n, n = [], None, None, 0, 0
    for t, kind, tokens in r["events"]:
        if kind not in (CONTENT, REASONING):
            continue
        n += tokens if api == "generate" else 1
        if ttft is None:
            ttft = t
        elif api == "generate":
            itl += [(t - last_t) / 1e9 / (n - last_n)] * (n - last_n)
        else:
            itl.append((t - last_t) / 1e9)
        last_t, last_n = t, n
    return ttft, itl


def gaps_vllm(r):
    itl, ttft, last = [], None, None
    for t, kind, _ in r["events"]:
        if kind in (USAGE, DONE):  # no choices
            continue
        if ttft is None:
            ttft = t
        else:
            itl.append((t - last) / 1e9)
        last = t
    return ttft, itl, last


def gaps_canonical(api, r):
    chunks = [(t, max(tokens, 1)) for t, kind, tokens in r["events"] if kind in (CONTENT, REASONING)]
    itl = []
    for (before, _), (t, tokens) in zip(chunks, chunks[1:]):
        itl += [(t - before) / 1e9 / tokens] * tokens
    return chunks[0][0], itl, chunks[-1][0]


def metrics(profile, api, records):
    ttfts, e2es, tpots, itls, n = [], [], [], [], 0
    for r in records:
        if profile == "sglang":
            first, itl = gaps_sglang(api, r)
            start, end = r["dispatch"], r["events"][-1][0]
        elif profile == "vllm":
            first, itl, end = gaps_vllm(r)
            start = r["dispatch"]
        else:
            first, itl, end = gaps_canonical(api, r)
            start = r["send"]
        ttft, e2e = (first - start) / 1e9, (end - start) / 1e9
        ttfts.append(ttft)
        e2es.append(e2e)
        if r["n"] > 1:
            tpots.append((e2e - ttft) / (r["n"] - 1))
        itls += itl
        n += r["n"]
    begin = min(r["send"] for r in records) if profile == "canonical" else 0
    duration = (max(r["done"] for r in records) - begin) / 1e9
    prompt = sum(r["prompt"] for r in records)
    return {"duration_s": duration, "request_rps": len(records) / duration, "output_tps": n / duration, "total_tps": (n + prompt) / duration,
            "in_flight": sum(e2es) / duration,
            **{name: {"n": len(v), "mean": np.mean(v), "std": np.std(v), "quantiles": list(np.percentile(v, [100 * q for q in QS]))}
               for name, v in (("ttft", ttfts), ("e2e", e2es), ("tpot", tpots), ("itl", itls))}}


def main():
    rng = random.Random(7)
    cases = []
    for api in ("completions", "chat", "generate"):
        records = [request(rng, api, i) for i in range(12)]
        cases.append({"api": api, "records": records,
                      "metrics": {p: metrics(p, api, records) for p in ("canonical", "sglang", "vllm")}})
    text = json.dumps({"numpy": np.__version__, "quantiles": QS, "cases": cases})
    pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")


if __name__ == "__main__":
    main()
