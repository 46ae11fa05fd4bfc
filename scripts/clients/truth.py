"""The mock server as a process, and what its record says of one client's run."""

import json
import subprocess
import urllib.request


class Mock:
    """A running mockserver, ended by leaving the with block."""

    def __init__(self, binary, load, cpus):
        argv = [binary, "-first", f"{load.first_s}s", "-gap", f"{load.gap_s}s", "-mode", load.mode]
        argv = ["taskset", "-c", ",".join(map(str, sorted(cpus))), *argv]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"{binary} did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def record(self):
        with urllib.request.urlopen(self.url + "/truth", timeout=60) as answer:
            return json.load(answer)


def quantile(values, q):
    """NumPy's linear interpolation; None without values."""
    if not values:
        return None
    values = sorted(values)
    at = q * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (at - low) * (values[high] - values[low])


def spread(values):
    return {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99)}


def truth(record, requests, concurrency):
    """The true figures, in seconds, of the last so many requests: what came before was
    the client's warm-up. Whole requests only."""
    kept = [r for r in record["requests"][-requests:] if r["end_ns"] and r["streamed"]]
    if not kept:
        return None
    first, last = min(r["arrival_ns"] for r in kept), max(r["write_ns"][-1] for r in kept)
    gaps = [(b - a) / 1e9 for r in kept for a, b in zip(r["write_ns"], r["write_ns"][1:])]
    arrivals, ends = sorted(r["arrival_ns"] for r in kept), sorted(r["end_ns"] for r in kept)
    turns = [(a - e) / 1e9 for a, e in zip(arrivals[concurrency:], ends)] if concurrency else []
    tokens = sum(r["tokens"] for r in kept)
    return {
        "requests": len(kept),
        "chunks": sum(len(r["write_ns"]) for r in kept),
        "first_ns": first,
        "last_ns": last,
        "ttft_s": spread([(r["write_ns"][0] - r["arrival_ns"]) / 1e9 for r in kept]),
        "itl_s": spread(gaps),
        "tpot_s": spread([(r["write_ns"][-1] - r["write_ns"][0]) / 1e9 / (len(r["write_ns"]) - 1) for r in kept if len(r["write_ns"]) > 1]),
        "e2e_s": spread([(r["end_ns"] - r["arrival_ns"]) / 1e9 for r in kept]),
        "output_tps": tokens / ((last - first) / 1e9),
        "turn_around_s": quantile(turns, 0.5),
        "connections": record["connections"],
        "blocked": sum(r["blocked"] for r in kept),
        "late_p50_s": record["late_p50_s"],
        "late_p99_s": record["late_p99_s"],
        "clock_step_s": record["clock_step_s"],
    }
