"""Convolutions, pooling, and a residual block."""

from __future__ import annotations

import numpy as np
from measure import Workload
from work.steps import same_weights


def _numbers(lib, shape, seed, grad=True):
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return lib.tensor(values, requires_grad=grad)


def both_ways(name, x_shape, w_shape=None, bias=False, **settings):
    """A function of nn.functional and its backward, with x (and a weight)."""

    def make(lib):
        x = _numbers(lib, x_shape, 0)
        w = None if w_shape is None else _numbers(lib, w_shape, 1)
        f = getattr(lib.nn.functional, name)
        with lib.no_grad():
            g = _numbers(lib, f(x, *([] if w is None else [w]), **settings).shape, 2, grad=False)

        def run():
            out = f(x, **settings) if w is None else f(x, w, **settings)
            x.grad = None
            if w is not None:
                w.grad = None
            out.backward(g)
            return out, x.grad, None if w is None else w.grad

        return run

    return make


def forward(name, x_shape, w_shape=None, **settings):
    """The forward alone, without a graph."""

    def make(lib):
        x = _numbers(lib, x_shape, 0, grad=False)
        given = [] if w_shape is None else [_numbers(lib, w_shape, 1, grad=False)]
        f = getattr(lib.nn.functional, name)
        return lambda: f(x, *given, **settings)

    return make


def residual(channels, side, batch):
    """A whole training step of conv-bn-relu-conv-bn-add-relu."""

    def make(lib):
        nn, F = lib.nn, lib.nn.functional
        first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        norms = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        model = nn.ModuleList([first, second, *norms])
        same_weights(lib, nn.ModuleList([first, second]))
        x = _numbers(lib, (batch, channels, side, side), 3)
        step = lib.optim.SGD(model.parameters(), lr=1e-3)

        def run():
            step.zero_grad()
            x.grad = None
            out = F.relu(norms[0](first(x)))
            out = F.relu(norms[1](second(out)) + x)
            loss = (out * out).mean()
            loss.backward()
            step.step()
            return loss, x.grad

        return run

    return make


def _conv(row, aim, x, w, name="conv2d", **settings):
    """Forward alone, and forward with backward, of one convolution."""
    words = [f"{name[4:]}", f"{'x'.join(map(str, x))} by {'x'.join(map(str, w))}"]
    words += [f"{k[:3]}{v}" for k, v in settings.items() if k != "padding"]
    return [
        Workload(row, " ".join([*words, kind]), aim, make(name, x, w, **settings), rounds=15)
        for kind, make in (("f", forward), ("f+b", both_ways))
    ]


def _pool(row, x, name, **settings):
    words = [name, "x".join(map(str, x)), *(str(v) for v in settings.values())]
    return [
        Workload(row, " ".join([*words, kind]), 1.0, make(name, x, **settings), rounds=15)
        for kind, make in (("f", forward), ("f+b", both_ways))
    ]


THREE = "conv 3x3, 64 to 64"
OTHER = "other convolutions"

WORK = [
    *_conv(THREE, 1.8, (16, 64, 32, 32), (64, 64, 3, 3), padding=1),
    *_conv(THREE, 1.8, (16, 64, 16, 16), (64, 64, 3, 3), padding=1),
    *_conv(THREE, 1.8, (1, 64, 56, 56), (64, 64, 3, 3), padding=1),
    *_conv(THREE, 1.8, (16, 128, 16, 16), (128, 128, 3, 3), padding=1),
    *_conv(THREE, 1.8, (8, 64, 28, 28), (64, 64, 3, 3)),
    *_conv(OTHER, 0.8, (8, 256, 7, 7), (256, 256, 3, 3), padding=1),
    *_conv(OTHER, 0.8, (16, 32, 32, 32), (32, 32, 3, 3), padding=1),
    *_conv(OTHER, 0.8, (16, 64, 16, 16), (64, 64, 5, 5), padding=2),
    *_conv(OTHER, 0.8, (16, 64, 32, 32), (128, 64, 3, 3), stride=2, padding=1),
    *_conv(OTHER, 0.8, (16, 64, 32, 32), (64, 1, 3, 3), padding=1, groups=64),
    *_conv(OTHER, 0.8, (8, 96, 28, 28), (96, 1, 5, 5), stride=2, padding=2, groups=96),
    *_conv(OTHER, 0.8, (16, 64, 16, 16), (64, 16, 3, 3), padding=1, groups=4),
    *_conv(OTHER, 0.8, (16, 64, 32, 32), (128, 64, 1, 1)),
    *_conv(OTHER, 0.8, (16, 64, 32, 32), (128, 64, 1, 1), stride=2),
    *_conv(OTHER, 0.8, (16, 64, 256), (128, 64, 3), "conv1d", padding=1),
    *_conv(OTHER, 0.8, (8, 1, 4000), (32, 1, 80), "conv1d", stride=4),
    *_conv(OTHER, 0.8, (2, 16, 16, 16, 16), (32, 16, 3, 3, 3), "conv3d", padding=1),
    *_conv(OTHER, 0.8, (16, 64, 16, 16), (64, 32, 4, 4), "conv_transpose2d", stride=2, padding=1),
    *_conv(OTHER, 0.8, (16, 32, 32, 32), (32, 32, 3, 3), padding=2, dilation=2),
    *_conv(OTHER, 0.8, (32, 1, 28, 28), (6, 1, 5, 5), padding=2),
    *_conv(OTHER, 0.8, (32, 6, 14, 14), (16, 6, 5, 5)),
    *_conv(OTHER, 0.8, (16, 3, 32, 32), (16, 3, 3, 3), padding=1),
    *_conv(OTHER, 0.8, (2, 3, 112, 112), (64, 3, 7, 7), stride=2, padding=3),
    *_conv(OTHER, 0.8, (4, 1, 28, 28), (8, 1, 3, 3)),
    *_pool("max pool", (16, 64, 32, 32), "max_pool2d", kernel_size=2),
    *_pool("max pool", (32, 6, 28, 28), "max_pool2d", kernel_size=2),
    *_pool("max pool", (8, 64, 56, 56), "max_pool2d", kernel_size=3, stride=2, padding=1),
    *_pool("max pool", (16, 64, 256), "max_pool1d", kernel_size=2),
    *_pool("max pool", (4, 16, 16, 16, 16), "max_pool3d", kernel_size=2),
    *_pool("avg pool", (16, 64, 32, 32), "avg_pool2d", kernel_size=2),
    *_pool("avg pool", (8, 64, 28, 28), "avg_pool2d", kernel_size=3, stride=2, padding=1),
    *_pool("avg pool", (16, 64, 256), "avg_pool1d", kernel_size=4),
    *_pool("adaptive avg pool", (16, 64, 32, 32), "adaptive_avg_pool2d", output_size=1),
    *_pool("adaptive avg pool", (16, 256, 8, 8), "adaptive_avg_pool2d", output_size=1),
    *_pool("adaptive avg pool", (16, 64, 17, 17), "adaptive_avg_pool2d", output_size=7),
    Workload("residual block", "64x32x32, batch 16", 1.7, residual(64, 32, 16), rounds=10),
]
