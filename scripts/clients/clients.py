"""The load generators: how each is run on a load, and what it reports.

A client is a class with
  env(load, url, out)    the environment, beside this one's
  argv(load, url, out)   the command; out is an empty directory for its files
  report(out)            {"ttft_s": {"p50", "p99"}, "itl_s": ..., "tpot_s": ..., "output_tps", "failed"}
                         in seconds; None where it does not say
All are asked for the same: prompts of ISL tokens of their own making, load.tokens tokens
out, ignore_eos, streams over /v1/completions.
"""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "scripts" / "clients"
HOME = ROOT / ".clients"
TOKENIZER = str(HOME / "tok")
ISL = 96
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}



def pair(source, p50, p99, scale=1e-3):
    return {"p50": source[p50] * scale, "p99": source[p99] * scale}


class Client:
    venv = None  # below HOME; None needs none

    def python(self):
        return str(HOME / self.venv / "bin" / "python")

    def ready(self):
        """Why it cannot run, or None."""
        if not (HOME / self.venv / "versions.txt").exists():
            return f"not installed: scripts/clients/setup {self.venv}"

    def version(self):
        lines = (HOME / self.venv / "versions.txt").read_text().split()
        return next(w.partition("==")[2] for w in lines if w.startswith(self.venv + "=="))

    def env(self):
        return OFFLINE


class Harness(Client):
    name = "harness"
    command = [str(ROOT / "bin" / "harness"), "bench"]

    def ready(self):
        if not Path(self.command[0]).exists():
            return f"{self.command[0]} is not built"

    def version(self):
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() or "unknown"

    def argv(self, load, url, out):
        offer = ["--concurrency", str(load.streams)] if not load.rate else ["--rate", f"{load.rate:g}", "--arrival", "poisson"]
        return [*self.command, "--url", url, "--api", "completions", "--model", "mock", *offer, "--requests", str(load.requests),
                "--isl", str(ISL), "--osl", str(load.tokens), "--warmup", "0", "--repeats", "1", "--seed", str(load.seed), "--json"]

    def report(self, out):
        said = json.loads((out / "stdout").read_text())
        keep = lambda key: {q: said[key].get(q) for q in ("p50", "p99")}
        return {"ttft_s": keep("ttft_s"), "itl_s": keep("itl_s"), "tpot_s": keep("tpot_s"), "output_tps": said["output_tps"],
                "failed": said["failed"], "client": said["client"]}


class SGLang(Client):
    name, venv, rust = "sglang", "sglang", []

    def argv(self, load, url, out):
        offer = ["--max-concurrency", str(load.streams)] if not load.rate else ["--request-rate", f"{load.rate:g}"]
        return [self.python(), str(HERE / "bench_sglang.py"), *self.rust, "--backend", "sglang-oai", "--base-url", url,
                "--dataset-name", "random-ids", "--random-input-len", str(ISL), "--random-output-len", str(load.tokens), "--random-range-ratio", "1",
                "--num-prompts", str(load.requests), *offer, "--model", "mock", "--tokenizer", TOKENIZER, "--seed", str(load.seed),
                "--output-file", str(out / "result.jsonl")]

    def report(self, out):
        said = json.loads((out / "result.jsonl").read_text().splitlines()[-1])
        return {"ttft_s": pair(said, "median_ttft_ms", "p99_ttft_ms"), "itl_s": pair(said, "median_itl_ms", "p99_itl_ms"),
                "tpot_s": pair(said, "median_tpot_ms", "p99_tpot_ms"), "output_tps": said["output_throughput"], "failed": None,
                "completed": said["completed"]}


class SGLangRust(SGLang):
    name, rust = "sglang-rust", ["--rust"]


class VLLM(Client):
    name = venv = "vllm"

    def env(self):
        return OFFLINE | {"VLLM_NO_USAGE_STATS": "1"}

    def argv(self, load, url, out):
        offer = ["--max-concurrency", str(load.streams)] if not load.rate else ["--request-rate", f"{load.rate:g}"]
        return [self.python(), str(HERE / "bench_vllm.py"), "--backend", "openai", "--endpoint", "/v1/completions", "--base-url", url,
                "--model", "mock", "--tokenizer", TOKENIZER, "--dataset-name", "random", "--random-input-len", str(ISL),
                "--random-output-len", str(load.tokens), "--num-prompts", str(load.requests), *offer, "--seed", str(load.seed), "--ignore-eos",
                "--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,99",
                "--save-result", "--result-dir", str(out), "--result-filename", "result.json"]

    def report(self, out):
        said = json.loads((out / "result.json").read_text())
        return {"ttft_s": pair(said, "median_ttft_ms", "p99_ttft_ms"), "itl_s": pair(said, "median_itl_ms", "p99_itl_ms"),
                "tpot_s": pair(said, "median_tpot_ms", "p99_tpot_ms"), "output_tps": said["output_throughput"], "failed": said["failed"],
                "completed": said["completed"]}


class AIPerf(Client):
    name = venv = "aiperf"

    def env(self):  # offline it refuses a tokenizer in a directory
        return {"TOKENIZERS_PARALLELISM": "false"}

    def argv(self, load, url, out):
        offer = ["--concurrency", str(load.streams)] if not load.rate else ["--request-rate", f"{load.rate:g}", "--arrival-pattern", "poisson"]
        return [str(HOME / self.venv / "bin" / "aiperf"), "profile", "-m", "mock", "--url", url, "--endpoint-type", "completions", "--streaming",
                *offer, "--request-count", str(load.requests), "--isl", str(ISL), "--isl-stddev", "0", "--osl", str(load.tokens), "--osl-stddev", "0",
                "--tokenizer", TOKENIZER, "--random-seed", str(load.seed), "--artifact-dir", str(out), "--ui", "none",
                "--extra-inputs", "ignore_eos:true", "--use-legacy-max-tokens"]

    def report(self, out):
        said = json.loads((out / "profile_export_aiperf.json").read_text())
        return {"ttft_s": pair(said["time_to_first_token"], "p50", "p99"), "itl_s": pair(said["inter_chunk_latency"], "p50", "p99"),
                "tpot_s": pair(said["inter_token_latency"], "p50", "p99"), "output_tps": said["output_token_throughput"]["avg"],
                "failed": None, "completed": int(said["completed_request_count"]["avg"])}


class InferencePerf(Client):
    name = venv = "inference-perf"

    def argv(self, load, url, out):
        length = lambda n: {"type": "fixed", "mean": n, "min": n, "max": n}
        stage = {"num_requests": load.requests, "concurrency_level": load.streams}
        if load.rate:
            stage = {"rate": load.rate, "duration": round(load.requests / load.rate)}
        config = {
            "api": {"type": "completion", "streaming": True},
            "data": {"type": "random", "input_distribution": length(ISL), "output_distribution": length(load.tokens)},
            "load": {"type": "poisson" if load.rate else "concurrent", "stages": [stage]},
            "server": {"type": "vllm", "model_name": "mock", "base_url": url, "ignore_eos": True},
            "tokenizer": {"pretrained_model_name_or_path": TOKENIZER},
            "report": {"request_lifecycle": {"summary": True, "percentiles": [50, 99]}},
            "storage": {"local_storage": {"path": str(out)}},
        }
        (out / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
        return [str(HOME / self.venv / "bin" / "inference-perf"), "-c", str(out / "config.yaml")]

    def report(self, out):
        said = json.loads((out / "summary_lifecycle_metrics.json").read_text())
        latency = said["successes"]["latency"]
        read = lambda key: pair(latency[key], "median", "p99", 1)
        return {"ttft_s": read("time_to_first_token"), "itl_s": read("inter_token_latency"), "tpot_s": read("time_per_output_token"),
                "output_tps": said["successes"]["throughput"]["output_tokens_per_sec"], "failed": said["failures"]["count"],
                "completed": said["successes"]["count"]}


class GuideLLM(Client):
    name = venv = "guidellm"

    def argv(self, load, url, out):
        profile = f"kind=concurrent,streams={load.streams}" if not load.rate else f"kind=poisson,rate={load.rate:g}"
        return [str(HOME / self.venv / "bin" / "guidellm"), "run", "--backend", f"kind=openai_http,target={url},model=mock,request_format=/v1/completions",
                "--profile", profile, "--constraint", f"kind=max_requests,count={load.requests}", "--tokenizer", f"kind=hf_auto,model={TOKENIZER}",
                "--data", f"kind=synthetic_text,prompt_tokens={ISL},output_tokens={load.tokens}", "--output", f"kind=json,path={out}/result.json",
                "--disable-progress"]

    def report(self, out):
        metrics = json.loads((out / "result.json").read_text())["benchmarks"][0]["metrics"]
        good = lambda key: metrics[key]["successful"]
        read = lambda key: pair(good(key)["percentiles"], "p50", "p99")
        return {"ttft_s": read("time_to_first_token_ms"), "itl_s": None,  # its inter token latency is one number a request
                "tpot_s": read("inter_token_latency_ms"), "output_tps": good("output_tokens_per_second")["mean"],
                "failed": metrics["request_totals"]["errored"], "completed": metrics["request_totals"]["successful"]}


CLIENTS = {c.name: c for c in (Harness(), SGLangRust(), SGLang(), VLLM(), AIPerf(), InferencePerf(), GuideLLM())}


def environment(client):
    return os.environ | client.env()
