"""Chains of element-by-element operations, and reductions, of a million elements."""

from __future__ import annotations

from measure import Workload

from .layers import both, forward

MILLION = (1000, 1000)


def pair(row, name, f, count=1):
    """A function of ``count`` inputs, forward alone and with its backward."""
    return [
        Workload(row, f"{name} fwd", 1.5, forward(f, *[MILLION] * count)),
        Workload(row, f"{name} fwd+bwd", 1.5, both(f, *[MILLION] * count)),
    ]


CHAINS = {
    "x*a+b": lambda lib, x, y: x * y + 2.0,
    "x*2+y-1": lambda lib, x, y: x * 2 + y - 1,
    "exp(-x*x)": lambda lib, x, y: (-x * x).exp() * y,
    "sqrt(abs)": lambda lib, x, y: (x.abs() + 1).sqrt() / (y * y + 1),
    "div": lambda lib, x, y: x / (y * y + 1.0) / 3,
    "log(1+exp)": lambda lib, x, y: (1 + x.exp()).log() + y,
    "where": lambda lib, x, y: lib.where(x > 0, x, y),
    "clamp": lambda lib, x, y: x.clamp(-0.5, 0.5) + y.clamp(min=0),
    "relu*sigmoid": lambda lib, x, y: x.relu() * y.sigmoid(),
    "tanh sub": lambda lib, x, y: (x - y).tanh() * 0.5,
    "sin cos": lambda lib, x, y: x.sin() + y.cos(),
    "pow": lambda lib, x, y: x**2 + y**3,
    "maximum": lambda lib, x, y: lib.maximum(x, y),
}
REDUCTIONS = {
    "sum": lambda lib, x: x.sum(),
    "sum dim -1": lambda lib, x: x.sum(-1),
    "sum dim 0": lambda lib, x: x.sum(0),
    "sum dims": lambda lib, x: x.reshape(10, 100, 10, 100).sum((0, 2)),
    "mean": lambda lib, x: x.mean(),
    "mean dim -1": lambda lib, x: x.mean(-1),
    "mean dim 0": lambda lib, x: x.mean(0),
    "max": lambda lib, x: x.max(),
    "max dim -1": lambda lib, x: x.max(-1)[0],
    "max dim 0": lambda lib, x: x.max(0)[0],
    "amax dim -1": lambda lib, x: x.amax(-1),
    "var": lambda lib, x: x.var(),
    "std dim -1": lambda lib, x: x.std(-1),
    "var dim 0": lambda lib, x: x.var(0),
    "norm": lambda lib, x: x.norm(),
    "norm dim -1": lambda lib, x: x.norm(dim=-1),
    "norm dim 0": lambda lib, x: x.norm(dim=0),
    "norm 1": lambda lib, x: x.norm(p=1),
    "logsumexp dim -1": lambda lib, x: x.logsumexp(-1),
    "logsumexp dim 0": lambda lib, x: x.logsumexp(0),
}
INDICES = {
    "argmax": lambda lib, x: x.argmax(),
    "argmax dim -1": lambda lib, x: x.argmax(-1),
    "argmax dim 0": lambda lib, x: x.argmax(0),
    "argmin dim -1": lambda lib, x: x.argmin(-1),
    "any": lambda lib, x: (x > 9).any(),
    "isnan": lambda lib, x: x.isnan().any(),
    "prod dim -1": lambda lib, x: x.prod(-1),
    "cumsum dim -1": lambda lib, x: x.cumsum(-1),
}

WORK: list[Workload] = []
for _name, _f in CHAINS.items():
    WORK += pair("elementwise", _name, _f, 2)
for _name, _f in REDUCTIONS.items():
    WORK += pair("reduction", _name, _f)
for _name, _f in INDICES.items():
    WORK.append(Workload("reduction", f"{_name} fwd", 1.5, forward(_f, MILLION)))
