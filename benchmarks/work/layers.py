"""Activations, softmax, losses, normalisation and dropout: forward alone, and with its backward."""

from __future__ import annotations

import numpy as np
from measure import Workload

SHAPES = ((64, 128), (1000, 1000), (32, 64, 28, 28))


def floats(shape, seed: int = 0):
    """Normal random numbers in float32."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def forward(f, *shapes):
    """``f(lib, *inputs)`` on inputs of these shapes, without gradients."""

    def make(lib):
        inputs = [lib.tensor(floats(shape, i)) for i, shape in enumerate(shapes)]
        return lambda: f(lib, *inputs)

    return make


def both(f, *shapes):
    """The same, and its backward from a random gradient; returns the output and all gradients."""

    def make(lib):
        inputs = [lib.tensor(floats(s, i), requires_grad=True) for i, s in enumerate(shapes)]
        given = lib.tensor(floats(f(lib, *inputs).shape, 99))

        def run():
            for t in inputs:
                t.grad = None
            out = f(lib, *inputs)
            out.backward(given)
            return out, [t.grad for t in inputs]

        return run

    return make


def spelled(shape) -> str:
    """A shape as ``32x64``."""
    return "x".join(map(str, shape))


def pairs(row, aim, f, *shapes, name=""):
    """A function forward, and forward with backward."""
    name = f"{name} {spelled(shapes[0])}".strip()
    return [
        Workload(row, f"{name} fwd", aim, forward(f, *shapes)),
        Workload(row, f"{name} fwd+bwd", aim, both(f, *shapes)),
    ]


def losses(row, f, classes_of=None, name=""):
    """A loss of (N, C): ``f(lib, input, target)``, with class numbers where that is a class."""
    work = []
    for shape in ((32, 10), (128, 1000), (4096, 100), (64, 32000)):
        work += pairs(row, 1.0, target_of(f, shape, classes_of), shape, name=name)
    return work


def target_of(f, shape, make_target):
    """``f`` with a target that is made once for each library."""
    kept = {}

    def call(lib, x):
        if lib not in kept:
            kept[lib] = lib.tensor((make_target or floats)(shape, 5))
        return f(lib, x, kept[lib])

    return call


def classes(shape, seed):
    """A class number for each row."""
    return np.random.default_rng(seed).integers(0, shape[1], shape[0])


def shares(shape, seed):
    """Numbers from 0 to 1."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def batch_norm(lib, x, weight, bias):
    """In training, with running statistics."""
    means, variances = lib.zeros(x.shape[1]), lib.ones(x.shape[1])
    return lib.nn.functional.batch_norm(x, means, variances, weight, bias, True)


def layer_norm(lib, x, weight, bias):
    """Over the last dimension."""
    return lib.nn.functional.layer_norm(x, weight.shape, weight, bias)


def functional(name, *args, **named):
    """A function of `nn.functional`."""
    return lambda lib, *tensors: getattr(lib.nn.functional, name)(*tensors, *args, **named)


WORK: list[Workload] = []
for _name in ("relu", "sigmoid", "tanh", "silu", "gelu", "elu", "leaky_relu"):
    for _shape in SHAPES:
        WORK += pairs(_name, 1.0, functional(_name), _shape)
for _shape in SHAPES:
    WORK += pairs("gelu tanh", 1.0, functional("gelu", approximate="tanh"), _shape)
for _name in ("softmax", "log_softmax"):
    for _shape in ((32, 10), (64, 1000), (4096, 128), (8, 12, 128, 128)):
        WORK += pairs(_name, 1.0, functional(_name, -1), _shape)
    WORK += pairs(_name, 1.0, functional(_name, 1), (32, 21, 28, 28), name="dim 1")
for _shape in ((64, 128), (4096, 256), (32, 128, 512)):
    WORK += pairs("layer_norm", 1.0, layer_norm, _shape, _shape[-1:], _shape[-1:])
for _shape in ((128, 256), (32, 64, 100), (32, 64, 28, 28), (16, 256, 14, 14)):
    WORK += pairs("batch_norm", 1.0, batch_norm, _shape, _shape[1:2], _shape[1:2])
WORK += losses("cross_entropy", functional("cross_entropy"), classes)
WORK += losses("cross_entropy", functional("cross_entropy", label_smoothing=0.1), classes, "smooth")
WORK += losses("nll_loss", functional("nll_loss"), classes)
for _name in ("mse_loss", "smooth_l1_loss", "l1_loss"):
    WORK += losses(_name, functional(_name))
WORK += losses("bce_with_logits", functional("binary_cross_entropy_with_logits"), shares)
WORK += losses("kl_div", functional("kl_div", reduction="batchmean"), shares)


def dropout_forward(shape):
    """Dropout, whose random output is not compared."""

    def make(lib):
        x = lib.tensor(floats(shape))

        def run():
            lib.nn.functional.dropout(x, 0.3)

        return run

    return make


def dropout_both(shape):
    """Dropout with its backward."""

    def make(lib):
        x, g = lib.tensor(floats(shape), requires_grad=True), lib.tensor(floats(shape, 1))

        def run():
            x.grad = None
            lib.nn.functional.dropout(x, 0.3).backward(g)

        return run

    return make


for _shape in SHAPES:
    WORK.append(Workload("dropout", f"{spelled(_shape)} fwd", 1.0, dropout_forward(_shape)))
    WORK.append(Workload("dropout", f"{spelled(_shape)} fwd+bwd", 1.0, dropout_both(_shape)))
