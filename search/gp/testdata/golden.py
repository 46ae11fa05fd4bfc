"""Golden values of package gp, by an independent computation: scikit-learn.

    pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    python golden.py > golden.json

The inputs have two ordered coordinates and one category of three values, which
scikit-learn gets as one-hot columns over sqrt(2): the distance of two different
categories is then 1.
"""
import json
import sys

import numpy as np
import scipy
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

rng = np.random.default_rng(1)
n, m = 12, 5
x = np.column_stack([rng.integers(0, 5, n + m) / 4, rng.integers(0, 9, n + m) / 8, rng.integers(0, 3, n + m)])
x = np.unique(x, axis=0)
rng.shuffle(x)
n = len(x) - m
y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + 0.5 * (x[:, 2] == 1) + 0.05 * rng.normal(size=len(x))
known = rng.uniform(0, 0.01, n)  # variances of errors, in units of y

lengths, variance, noise, mean_variance, jitter = [0.7, 1.3, 0.9], 1.4, 0.03, 1.0, 1e-6
center, scale = y[:n].mean(), y[:n].std(ddof=1)


def hot(x):
    one = np.eye(3)[x[:, 2].astype(int)] / np.sqrt(2)
    return np.column_stack([x[:, :2], one])


kernel = ConstantKernel(mean_variance) + ConstantKernel(variance) * Matern([lengths[0], lengths[1]] + [lengths[2]] * 3, nu=2.5)
gp = GaussianProcessRegressor(kernel, alpha=noise + jitter + known / scale**2, optimizer=None)
gp.fit(hot(x[:n]), (y[:n] - center) / scale)
mean, cov = gp.predict(hot(x[n:]), return_cov=True)
json.dump(
    {
        "made_with": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scipy {scipy.__version__}",
        "x": x[:n].tolist(), "y": y[:n].tolist(), "known": known.tolist(), "at": x[n:].tolist(),
        "lengths": lengths, "variance": variance, "noise": noise,
        "mean": (center + scale * mean).tolist(), "var": (scale**2 * np.diag(cov)).tolist(),
        "log_likelihood": gp.log_marginal_likelihood_value_,
    },
    sys.stdout, indent=1,
)
print()
