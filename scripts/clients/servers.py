"""The servers that check-parity asks: harness's simulator, and llama.cpp's own with a small
model of random weights."""

import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

from clients import ROOT

# Both answer slowly enough that a client's own ms in each request do not decide.
SERVERS = {
    "sim": [str(ROOT / "bin" / "harness"), "sim", "--model-path", "llama-3.1-8b", "--sim-gpu", "L4", "--disable-radix-cache", "--sim-startup-s", "0"],
    "llamacpp": [str(ROOT / ".quickstart" / "bin" / "llama-server"), "-m", str(ROOT / ".quickstart" / "model.gguf"), "-np", "4", "-c", "8192",
                 "-t", "1", "-tb", "1"],
}


@contextmanager
def running(name, log):
    """Starts the server on a free port; yields its URL once it is healthy."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with open(log, "wb") as out:
        process = subprocess.Popen([*SERVERS[name], "--host", "127.0.0.1", "--port", str(port)], stdout=out, stderr=subprocess.STDOUT)
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
        yield url
    finally:
        process.terminate()
        process.wait(30)
