"""The servers that check-parity asks: the mock, which stamps its writes, the simulator, and
llama.cpp's own with a small model of random weights."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from clients import ROOT
from truth import truth

# All answer slowly enough that a client's own ms in each request do not decide: SGLang's
# Python client spends some 4 ms on each, in a second or more.
ARGV = {
    "mock": lambda port: [str(ROOT / "bin" / "mockserver"), "-addr", f"127.0.0.1:{port}", "-first", "400ms", "-gap", "4ms"],
    "sim": lambda port: [str(ROOT / "bin" / "harness"), "sim", "--model-path", "llama-3.1-8b", "--sim-gpu", "L4", "--disable-radix-cache", "--sim-startup-s", "0",
                         "--host", "127.0.0.1", "--port", str(port)],
    "llamacpp": lambda port: [str(ROOT / ".quickstart" / "bin" / "llama-server"), "-m", str(ROOT / ".quickstart" / "model.gguf"), "-np", "4", "-c", "16384",
                              "-t", "1", "-tb", "1", "--host", "127.0.0.1", "--port", str(port)],
}
SERVERS = list(ARGV)


@dataclass
class Server:
    """One that runs. log is the file of what it says."""

    name: str
    url: str
    log: Path

    def account(self, requests):
        """The server's own figures of its last so many requests: what a client would report
        that cost no time; None of a server that keeps no such account."""
        if self.name == "mock":
            with urllib.request.urlopen(self.url + "/truth", timeout=60) as answer:
                true = truth(json.load(answer), requests, 0)
            return {m: true[m]["p50"] for m in ("ttft_s", "tpot_s", "itl_s", "e2e_s")} | {"output_tps": true["output_tps"]}
        if self.name == "llamacpp":
            return logged(self.log.read_text(errors="replace"), requests)


def logged(text, requests):
    """An account from llama.cpp's log."""
    spent = lambda what: [(float(ms) / 1e3, int(n)) for ms, n in re.findall(rf"\|\s+{what} time =\s+([\d.]+) ms /\s+(\d+) tokens", text)][-requests:]
    prompt, answer, total = spent("prompt eval"), spent("eval"), spent("total")
    return {"ttft_s": median(s for s, _ in prompt), "tpot_s": median(s / (n - 1) for s, n in answer), "e2e_s": median(s for s, _ in total),
            "output_tps": sum(n for _, n in answer) / sum(s for s, _ in total)}


def halves():
    """The CPUs of the server and those of its client: apart where there are two, because a
    client that wakes often would else slow the server that it measures."""
    cpus = sorted(os.sched_getaffinity(0))
    return (set(cpus[: len(cpus) // 2]), set(cpus[len(cpus) // 2 :])) if len(cpus) > 1 else (set(cpus), set(cpus))


@contextmanager
def running(name, log):
    """Starts the server on a free port, on its half of the CPUs; yields it once it is healthy."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with open(log, "wb") as out:
        process = subprocess.Popen(ARGV[name](port), stdout=out, stderr=subprocess.STDOUT, preexec_fn=lambda: os.sched_setaffinity(0, halves()[0]))
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with status {process.returncode}: see {log}")
            try:
                urllib.request.urlopen(url + "/health", timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{name} is not healthy after a minute: see {log}")
        yield Server(name, url, log)
    finally:
        process.terminate()
        process.wait(30)
