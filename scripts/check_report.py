#!/usr/bin/env python3
"""Opens the page of a study in a headless Chromium, from disk, as its readers do.

    python scripts/check_report.py bin/harness studies/NAME [--shots DIR]

Checks: no error in the console and no request to any host; each point of the front, clicked,
shows the numbers that DuckDB gets from the Parquet files; the keyboard does what the mouse does;
a log with HTML, a script's end and terminal escapes stays text; `report --serve` shows a new
trial without a reload. --shots also takes pictures: light, dark, narrow, paper.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from browser import Browser, chromium

HOSTILE = "\x1b[31mred\x1b[0m </script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> \x1b]0;title\x07end\n"


def medians(study):
    """(trial, load) -> TTFT p50 and output tok/s, the medians over valid runs of a config."""
    rows = duckdb.execute(f"""
        with last as (select config_id, max(trial_id) as trial_id from '{study}/trials/*.parquet' where outcome = 'ok' and purpose <> 'interference' group by 1)
        select l.trial_id, load_point, median(ttft_p50_s), median(output_tps)
        from '{study}/runs/*.parquet' r join last l using (config_id) where r.valid group by 1, 2""").fetchall()
    return {(r[0], r[1]): r[2:] for r in rows}


def shown(page):
    """What the panel of the chosen trial says: its name, and load -> numbers."""
    return page.run("""(() => { const t = document.getElementById('trial');
        return { id: t.querySelector('h3') && t.querySelector('h3').textContent.split(' ')[0],
          rows: [...t.querySelectorAll('table:first-of-type tbody tr')].filter(r => r.querySelector('[data-value]')).map(r =>
            [r.cells[0].textContent, ...[...r.querySelectorAll('[data-value]')].map(c => Number(c.dataset.value))]) }; })()""")


def check_points(page, study):
    """Clicks every point that is on the front, and holds what is shown against the files."""
    want, clicked = medians(study), set()
    spots = page.run("""[...document.querySelectorAll('#front-table a.trial')].map(a => a.textContent)""")
    assert spots, "no front"
    for trial in sorted(set(spots)):
        at = page.run(f"""(() => {{ const s = document.querySelector('#front-chart .spot[data-trial="{trial}"]'); s.scrollIntoView({{block: 'center'}});
            const b = s.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()""")
        page.click(*at)
        panel = shown(page)
        close_by = page.run("document.getElementById('readout').textContent")
        assert close_by.startswith(panel["id"]), (close_by, panel["id"])
        for load, *numbers in panel["rows"]:
            for got, expected in zip(numbers, want[(panel["id"], load)]):
                assert abs(got / expected - 1) < 1e-5, f"{panel['id']} {load}: the page says {got}, DuckDB {expected}"
        assert panel["rows"], panel
        clicked.add(panel["id"])
    return clicked


def check_keyboard(page):
    page.run("document.querySelector('#front-chart svg').focus()")
    for key in ("Home", "ArrowRight", "Enter"):
        page.key(key)
    said = page.run("document.getElementById('readout').textContent")
    assert shown(page)["id"] == said.split(" ")[0].rstrip(","), said
    assert page.run("document.activeElement.id") == "trial", "Enter does not go to the trial"


def check_hostile(harness, study, page, folder):
    """A copy of the study, a log of which tries to be more than text."""
    copy = Path(folder, "copy")
    shutil.copytree(study, copy)
    trial = duckdb.execute(f"select min(trial_id) from '{copy}/trials/*.parquet' where outcome = 'ok'").fetchone()[0]
    Path(copy, "logs", f"{trial}.log").write_text(HOSTILE)
    subprocess.run([harness, "report", "--study", copy], check=True, stdout=subprocess.DEVNULL)
    page.open(f"file://{copy}/report.html#{trial}")
    title = page.run("document.title")
    assert title.startswith("copy"), title
    log = page.run("[...document.querySelectorAll('#trial pre')].pop().textContent")
    assert log.startswith("red </script><script>") and log.endswith("end") and "\x1b" not in log, log
    return copy


def check_serve(harness, copy, page):
    """A trial that comes while the page is shown appears in it; Ctrl-C ends the server."""
    trials = sorted(Path(copy, "trials").glob("t*.parquet"))
    aside = Path(copy, "aside")
    trials[-1].rename(aside)
    server = subprocess.Popen([harness, "report", "--serve", "--study", copy], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = server.stdout.readline().strip()
        page.open(url)
        page.run("window.same = true")
        before = page.run("document.getElementById('sub').textContent")
        page.until("document.getElementById('live').textContent === 'live'")
        aside.rename(trials[-1])
        page.until(f"document.getElementById('sub').textContent !== {before!r}")
        assert page.run("window.same"), "the page was loaded anew"
        page.until(f"document.getElementById('trial-table').textContent.includes('{trials[-1].stem}')")
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=10) == 0, "Ctrl-C does not end the server in order"


def check_little(harness, study, page, folder):
    """Copies of the study of which little is left: only failures, the default alone, nothing, no raw requests."""
    outcomes = dict(duckdb.execute(f"select trial_id, outcome from '{study}/trials/*.parquet' order by 1").fetchall())
    worked = [t for t, o in outcomes.items() if o == "ok"]
    for name, gone, tables in (("failures", worked, "*"), ("one", [t for t in outcomes if t != worked[0]], "*"), ("nothing", outcomes, "*"), ("no-requests", worked, "[rs][ea]*es*")):
        copy = Path(folder, name)
        shutil.copytree(study, copy)
        for trial in gone:
            for part in copy.glob(f"{tables}/{trial}*.parquet"):
                part.unlink()
        subprocess.run([harness, "report", "--study", copy], check=True, stdout=subprocess.DEVNULL)
        page.open(f"file://{copy}/report.html")
        assert page.run("document.querySelector('.headline').textContent"), name
        blank = page.run("[...document.querySelectorAll('main section')].filter(s => s.id !== 'warnings' && s.innerText.split('\\n').filter(l => l.trim()).length < 2).map(s => s.id)")
        assert not blank, f"{name}: nothing below {blank}"


def shoot(page, url, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, width, scheme, media in (("light", 1280, "light", ""), ("dark", 1280, "dark", ""), ("narrow", 360, "light", ""), ("paper", 794, "light", "print")):
        page.look(width, 900, scheme, media)
        page.open(url)
        page.shoot(folder / f"{name}.png")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("harness")
    parser.add_argument("study", type=Path)
    parser.add_argument("--shots", type=Path)
    args = parser.parse_args()
    if not chromium():
        print("check_report: SKIPPED: there is no Chromium here (Debian: apt-get install chromium)", file=sys.stderr)
        return
    harness, study = Path(args.harness).resolve(), args.study.resolve()
    path = subprocess.check_output([harness, "report", "--study", study], text=True).strip()
    page = Browser()
    try:
        with tempfile.TemporaryDirectory() as folder:
            page.look(1280)
            page.open(f"file://{path}")
            page.until("performance.getEntriesByName('first-contentful-paint').length")
            painted = page.run("performance.getEntriesByName('first-contentful-paint').map(p => p.startTime)[0]")
            clicked = check_points(page, study)
            check_keyboard(page)
            copy = check_hostile(harness, study, page, folder)
            check_little(harness, study, page, folder)
            hosts = [u for u in page.requests if not u.startswith(("file:///", "data:"))]
            assert not hosts, f"the page asked for {hosts}"
            check_serve(harness, copy, page)
            assert not page.errors, page.errors
            if args.shots:
                shoot(page, f"file://{path}", args.shots)
    finally:
        page.close()
    print(f"check_report: {path}: {Path(path).stat().st_size / 1e6:.2f} MB, first paint after {painted:.0f} ms; of {len(clicked)} clicked trials of the front the numbers are DuckDB's; "
          "keyboard, hostile log and live page as they should be; no error, no request")


if __name__ == "__main__":
    main()
