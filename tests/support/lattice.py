"""Discrete noise by its exact lattice law, as an oracle: nothing of the code under test."""

import math

import numpy as np
from scipy import signal

LAPLACE, GAUSSIAN = "discrete-laplace", "discrete-gaussian"
BOTH = [LAPLACE, GAUSSIAN]


def spread(mechanism, scale):
    """Return the standard deviation, roughly."""
    return math.sqrt(2) * float(scale) if mechanism == LAPLACE else math.sqrt(scale)


def pmf(mechanism, scale):
    """Return lattice points and their probabilities, all but 1e-15 of them."""
    reach = math.ceil(40 * spread(mechanism, scale)) + 40
    k = np.arange(-reach, reach + 1).astype(float)
    weights = np.exp(-abs(k) / float(scale)) if mechanism == LAPLACE else np.exp(-(k**2) / (2 * float(scale)))
    return k, weights / weights.sum()


def drawn(mechanism, scale, n):
    """Return *n* fresh draws."""
    k, p = pmf(mechanism, scale)
    return np.random.default_rng().choice(k, size=n, p=p / p.sum()).astype(int)


def weighted(laws):
    """Return (points, probabilities) of Σ weight·X for independent (mechanism, scale, integer weight)."""
    reach, law = 0, np.ones(1)
    for mechanism, scale, weight in laws:
        k, p = pmf(mechanism, scale)
        spread_out = np.zeros((len(k) - 1) * abs(weight) + 1)
        spread_out[:: abs(weight)] = p
        law = np.maximum(signal.fftconvolve(law, spread_out), 0)
        reach += int(k[-1]) * abs(weight)
    return np.arange(-reach, reach + 1), law
