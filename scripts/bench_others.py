"""What BoTorch and Optuna ask for on a recorded table, written as a CSV file that `harness replay --asks` scores.

The flags are those of `harness replay`. Both are asked for one configuration at a time and told its true values, in log10
where a whole column is positive. Runs that the file already has are kept.

botorch            qLogNEHVI on a Gaussian process (SingleTaskGP, outcomes standardised), 64 quasi-random samples; 12 uniform rows
                   first. It chooses among all rows that it has not asked for, which are the valid set, and is given the
                   objectives scaled by the ideal and nadir of the true front and the reference point (1.1, 1.1).
optuna-nsga2-20    Optuna's NSGA-II with a population of 20 (50: its default). Proposals that are not in the table are refused for
optuna-nsga2-50    free; after 20 in a row the nearest row stands for it. Proposals that were made before are answered for free.
"""
import argparse, csv, multiprocessing, os, pathlib, time, warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pandas as pd

FIELDS = ["method", "seed", "ask", "row", "ask_s"]


class Table:
    """params: a frame; unit: ordinals scaled to [0, 1] by their index, categories one-hot; costs: scaled, NaN where a row failed."""

    def __init__(self, a):
        t = pd.read_csv(a.table)
        self.params = t[a.param.split(",")].astype(object).where(lambda p: p.notna(), None)
        ok = np.ones(len(t), bool)
        if a.status:
            column, _, value = a.status.partition("=")
            ok &= (t[column].astype(str) == value).to_numpy()
        if a.infeasible:
            ok &= ~t.eval(a.infeasible).to_numpy(bool)
        goals = [(c, 1) for c in a.min] + [(c, -1) for c in a.max]
        values = t[[c for c, _ in goals]].to_numpy(float).copy()
        ok &= np.isfinite(values).all(axis=1)
        for k, (_, sign) in enumerate(goals):
            positive = (values[ok, k] > 0).all()
            values[:, k] = sign * (np.log10(np.where(ok, values[:, k], 1)) if positive else values[:, k])
        values[~ok] = np.nan
        self.ok, self.costs = ok, scale(values)
        self.unit = np.hstack([encode(t[c]) for c in self.params])

    def choices(self):
        return {c: sorted(self.params[c].unique(), key=lambda v: (v is not None, v)) for c in self.params}


def encode(column):
    if pd.api.types.is_numeric_dtype(column):
        values = np.sort(column.unique())
        return (np.searchsorted(values, column) / max(1, len(values) - 1))[:, None]
    return pd.get_dummies(column, dummy_na=column.isna().any()).to_numpy(float)


def scale(costs):
    """By the ideal and nadir of the front; where it has no width by the span of all; where that is none by 1."""
    ok = np.flatnonzero(np.isfinite(costs).all(axis=1))
    c = costs[ok]
    front = [i for i in range(len(c)) if not ((c <= c[i]).all(axis=1) & (c < c[i]).any(axis=1)).any()]
    low, width = c[front].min(axis=0), np.ptp(c[front], axis=0)
    width = np.where(width > 0, width, np.ptp(c, axis=0))
    return (costs - low) / np.where(width > 0, width, 1)


def botorch(table, seed, budget):
    import torch
    from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement as Acquisition
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms import Standardize
    from botorch.sampling import SobolQMCNormalSampler
    from gpytorch.mlls import ExactMarginalLogLikelihood

    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.double)
    if table.costs.shape[1] < 2:
        return  # it is made for several objectives
    left = list(np.random.default_rng(seed).permutation(len(table.costs)))
    first, left = left[:12], sorted(left[12:])
    for row in first[:budget]:
        yield row, 0.0
    seen = [r for r in first if table.ok[r]]
    for _ in range(budget - len(first)):
        if not left:
            return
        start = time.perf_counter()
        if len(seen) < 2:
            best = left[0]
        else:
            x, y = torch.tensor(table.unit[seen]), -torch.tensor(table.costs[seen])
            model = SingleTaskGP(x, y, outcome_transform=Standardize(m=y.shape[1]))
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            acquisition = Acquisition(model, ref_point=[-1.1] * y.shape[1], X_baseline=x, prune_baseline=True,
                                      sampler=SobolQMCNormalSampler(torch.Size([64]), seed=seed))
            with torch.no_grad():
                scores = torch.cat([acquisition(torch.tensor(table.unit[left[i:i + 256]]).unsqueeze(1)) for i in range(0, len(left), 256)])
            best = left[int(scores.argmax())]
        left.remove(best)
        if table.ok[best]:
            seen.append(best)
        yield best, time.perf_counter() - start


def nsga2(population):
    def run(table, seed, budget):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        warnings.filterwarnings("ignore")
        fail = optuna.trial.TrialState.FAIL
        choices = table.choices()
        index = {tuple(p): i for i, p in enumerate(table.params.itertuples(index=False, name=None))}
        study = optuna.create_study(directions=["minimize"] * table.costs.shape[1],
                                    sampler=optuna.samplers.NSGAIISampler(population_size=population, seed=seed))
        asked, refused, spent = set(), 0, 0.0
        for _ in range(200 * budget):
            if len(asked) >= min(budget, len(table.costs)):
                return
            start = time.perf_counter()
            trial = study.ask()
            names = list(choices)
            picked = [suggest(trial, name, choices[name]) for name in names]
            spent += time.perf_counter() - start
            row = index.get(tuple(picked))
            if row is None:
                refused += 1
                if refused < 20:
                    study.tell(trial, state=fail)
                    continue
                row = nearest(table, choices, picked)
            refused = 0
            if row not in asked:
                asked.add(row)
                yield row, spent
                spent = 0.0
            if table.ok[row]:
                study.tell(trial, list(table.costs[row]))
            else:
                study.tell(trial, state=fail)
    return run


def suggest(trial, name, values):
    """Numbers by their index, which is ordered; anything else as a category."""
    if all(isinstance(v, (int, float)) for v in values):
        return values[trial.suggest_int(name, 0, len(values) - 1)]
    return values[trial.suggest_categorical(name, list(range(len(values))))]


def nearest(table, choices, picked):
    """The row at the least distance: steps between ordinal values over their span, 1 for another category."""
    distance = np.zeros(len(table.params))
    for (name, values), value in zip(choices.items(), picked):
        column = table.params[name]
        if all(isinstance(v, (int, float)) for v in values):
            place = {v: i for i, v in enumerate(values)}
            distance += np.abs(column.map(place).to_numpy(float) - place[value]) / max(1, len(values) - 1)
        else:
            distance += (column != value).to_numpy()
    return int(distance.argmin())


METHODS = {"botorch": botorch, "optuna-nsga2-20": nsga2(20), "optuna-nsga2-50": nsga2(50)}


def one_run(job):
    a, method, seed = job
    rows = METHODS[method](Table(a), seed, a.budget)
    return [[method, seed, i + 1, int(row) + 1, round(s, 6)] for i, (row, s) in enumerate(rows)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--table", required=True)
    p.add_argument("--param", required=True)
    p.add_argument("--min", action="append", default=[])
    p.add_argument("--max", action="append", default=[])
    p.add_argument("--status")
    p.add_argument("--infeasible")
    p.add_argument("--seeds", type=int, default=20)
    p.add_argument("--budget", type=int, default=64)
    p.add_argument("--jobs", type=int, default=0)
    p.add_argument("--only", action="append", choices=METHODS)
    p.add_argument("--asks", required=True, type=pathlib.Path)
    a = p.parse_args()
    done = set()
    if a.asks.exists():
        with open(a.asks, newline="") as f:
            done = {(r["method"], int(r["seed"])) for r in csv.DictReader(f)}
    jobs = [(a, m, s) for s in range(1, a.seeds + 1) for m in a.only or METHODS if (m, s) not in done]
    with open(a.asks, "a", newline="") as f, multiprocessing.get_context("spawn").Pool(a.jobs or len(os.sched_getaffinity(0))) as pool:
        w = csv.writer(f)
        if f.tell() == 0:
            w.writerow(FIELDS)
        for rows in pool.imap_unordered(one_run, jobs):
            w.writerows(rows)
            f.flush()
            if rows:
                print(f"{rows[0][0]}, seed {rows[0][1]}: {len(rows)} asks", flush=True)


if __name__ == "__main__":
    main()
