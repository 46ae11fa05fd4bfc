"""The rows of bench-load as markdown."""

from statistics import median

from loads import HOLDS, LOADS

HEAD = ["load", "client", "CPU µs/chunk", "CPU s", "peak MB / processes", "load reached %", "TTFT error ms, p50 / p99",
        "ITL error ms, p50 / p99", "true ITL ms, p50 / p99", "tok/s error %", "turn-around ms", "start s", "runs"]


def disturbed(row):
    """Other work, or a hypervisor, had more than a tenth of the CPUs meanwhile."""
    return row.get("others_share", 0) > 0.1


def calm(runs):
    """The undisturbed runs, or all where there is none."""
    return [r for r in runs if not disturbed(r)] or runs


def markdown(rows):
    """One row for each load and client, medians over its runs; then who holds what rate."""
    good = [r for r in rows if not r.get("error")]
    lines = [" | ".join(["", *HEAD, ""]).strip(), "|" + "---|" * len(HEAD)]
    for load in LOADS:
        for client in dict.fromkeys(r["client"] for r in rows):
            runs = calm([r for r in good if r["load"]["name"] == load and r["client"] == client])
            if runs:
                mark = " (disturbed)" if disturbed(runs[0]) else ""
                lines.append(" | ".join(["", load, client, *cells(runs), f"{len(runs)}{mark}", ""]).strip())
    lines += ["", "Median ITL within 5 % of the truth up to:", ""]
    for client in dict.fromkeys(r["client"] for r in good):
        lines.append(f"- {client}: {holds([r for r in good if r['client'] == client])}")
    failed = [f"- {r['client']} on {r['load']['name']}: {r['error']}" for r in rows if r.get("error")]
    return "\n".join(lines + (["", "No figures from:", "", *failed] if failed else [])) + "\n"


def over(runs, read):
    values = [v for r in runs if (v := read(r)) is not None]
    return median(values) if values else None


def error(metric, q):
    """Reported less true, in ms."""
    def read(r):
        said, true = r["reported"].get(metric), r["truth"][metric]
        return None if not said or said[q] is None else 1e3 * (said[q] - true[q])
    return read


def show(value, digits, sign=False):
    return "–" if value is None else f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def both(runs, metric, digits):
    return " / ".join(show(over(runs, error(metric, q)), digits, True) for q in ("p50", "p99"))


def cells(runs):
    true = lambda q: show(over(runs, lambda r: 1e3 * r["truth"]["itl_s"][q]), 2)
    return [
        show(over(runs, lambda r: r["us_per_chunk"]), 1),
        show(over(runs, lambda r: r["cpu_s"]), 2),
        f"{over(runs, lambda r: r['peak_mb']):.0f} / {over(runs, lambda r: r['processes']):.0f}",
        show(over(runs, reached), 0),
        both(runs, "ttft_s", 1),
        both(runs, "itl_s", 2),
        f"{true('p50')} / {true('p99')}",
        show(over(runs, lambda r: 100 * (r["reported"]["output_tps"] / r["truth"]["output_tps"] - 1)), 1, True),
        show(over(runs, lambda r: r["truth"]["turn_around_s"] and 1e3 * r["truth"]["turn_around_s"]), 1),
        show(over(runs, lambda r: r["start_s"]), 1),
    ]


def reached(r):
    """True throughput of what the plan allows, in percent; of a closed loop only."""
    load = LOADS[r["load"]["name"]]
    return None if load.rate else 100 * r["truth"]["output_tps"] / (load.requests * load.tokens / load.ideal_s)


def holds(runs):
    verdicts = []
    for name in HOLDS:
        of = calm([r for r in runs if r["load"]["name"] == name and r["reported"]["itl_s"]])
        if not of:
            continue
        off = median(100 * (r["reported"]["itl_s"]["p50"] / r["truth"]["itl_s"]["p50"] - 1) for r in of)
        plan = round(LOADS[name].plan_chunks_per_s)
        verdicts.append((plan, off, median(reached(r) for r in of)))
    if not verdicts:
        return "not said, or not measured"
    held = [plan for plan, off, _ in verdicts if abs(off) <= 5]
    detail = "; ".join(f"{plan:,}: {off:+.1f} % at {load:.0f} % of the load" for plan, off, load in verdicts)
    return f"{max(held):,} chunks/s ({detail})" if held else f"none ({detail})"
