"""check_export.py HARNESS STUDY: what `harness export` writes of a study of a real
llama.cpp server is read by the tools that it is for, and the shell command serves."""

import csv
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings

import duckdb
import kubernetes_validate
import optuna
import yaml

harness, study = sys.argv[1:]


def export(kind, *more):
    return subprocess.run([harness, "export", "--study", study, "--as", kind, *more], check=True, text=True, stdout=subprocess.PIPE).stdout


def check_kubernetes():
    documents = list(yaml.safe_load_all(export("kubernetes", "--image", "server:1")))
    assert [d["kind"] for d in documents] == ["Deployment", "Service"], documents
    for d in documents:
        kubernetes_validate.validate(d, "1.33", strict=True)


def check_systemd():
    """As systemd itself reads it, where it is installed."""
    if not shutil.which("systemd-analyze"):
        return "no systemd here to read the unit"
    with tempfile.TemporaryDirectory() as folder:
        unit = os.path.join(folder, "server.service")
        export("systemd", "--out", unit)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert "server.service" not in done.stdout, done.stdout
    return "systemd read the unit"


def check_tables():
    points = json.loads(export("json"))["points"]
    rows = list(csv.DictReader(io.StringIO(export("csv"))))
    assert [r["trial_id"] for r in rows] == [p["trial_id"] for p in points]
    measured = {(p["trial_id"], p["load_point"]): p["values"] for p in points if "values" in p}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Optuna: journals are new
        path = os.path.join(folder, "journal.log")
        with open(path, "w") as f:
            f.write(export("optuna"))
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
        loads = sorted({load for _, load in measured})
        names = sorted(s.study_name for s in optuna.get_all_study_summaries(storage))
        assert [n.rpartition("/")[2] for n in names] == loads, names
        for name in names:
            loaded = optuna.load_study(study_name=name, storage=storage)
            assert [d.name for d in loaded.directions] == ["MINIMIZE", "MAXIMIZE"]
            for t in loaded.trials:
                if t.state == optuna.trial.TrialState.COMPLETE:
                    want = measured[t.user_attrs["trial_id"], name.rpartition("/")[2]]
                    assert t.values == [want["ttft_p50_s"], want["output_tps"]], (t, want)
                    point = next(p for p in points if p["trial_id"] == t.user_attrs["trial_id"])
                    assert t.params == point["config"], (t.params, point["config"])
            assert loaded.best_trials
            loaded.ask()  # goes on from here
    return len(points)


def check_choice():
    """--slo chooses what a query over the runs chooses."""
    [(limit,)] = duckdb.sql(f"select quantile_cont(ttft_p99_s, 0.6) from '{study}/runs/*.parquet' where valid").fetchall()
    [(config, load)] = duckdb.sql(f"""
        select config_id, load_point from '{study}/runs/*.parquet'
        where valid and config_id in (select config_id from read_parquet('{study}/trials/*.parquet', union_by_name=true) where outcome = 'ok')
        group by all having median(ttft_p99_s) <= {limit} order by median(output_tps) desc limit 1""").fetchall()
    point, = json.loads(export("json", "--slo", f"ttft_p99={limit}"))["points"]
    assert (point["config_id"], point["load_point"]) == (config, load), (point, config, load)


def check_shell():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "serve.sh")
        export("shell", "--port", str(port), "--out", script)
        with open(os.path.join(folder, "log"), "w") as log:
            server = subprocess.Popen([script], stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            deadline = time.monotonic() + 120
            while True:
                assert server.poll() is None, "the server ended: " + open(log.name).read()[-2000:]
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                    break
                except OSError:
                    assert time.monotonic() < deadline, "no readiness in 120 s"
                    time.sleep(0.1)
            body = json.dumps({"prompt": "Once", "max_tokens": 4}).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", body, {"Content-Type": "application/json"})
            answer = json.load(urllib.request.urlopen(request, timeout=60))
            assert answer["usage"]["completion_tokens"] == 4, answer
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


check_kubernetes()
systemd = check_systemd()
points = check_tables()
check_choice()
check_shell()
print(f"exports of {points} points: Kubernetes' schemas, Optuna and csv read them; {systemd}; the shell command served")
