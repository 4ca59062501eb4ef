"""Recurrent layers, attention and transformer blocks."""

from __future__ import annotations

import numpy as np
from measure import Workload
from work.steps import same_weights


def recurrent(kind: str, hidden: int, steps: int, batch: int, **options):
    """A training step of a recurrent layer and a linear read-out, by SGD."""

    def make(lib):
        nn = lib.nn
        layer = getattr(nn, kind)(hidden, hidden, **options)
        head = nn.Linear(hidden * (1 + layer.bidirectional), 10)
        model = nn.ModuleList([layer, head])
        same_weights(lib, model)
        rng = np.random.default_rng(1)
        x = lib.tensor(rng.standard_normal((steps, batch, hidden), dtype=np.float32))
        y = lib.tensor(rng.integers(0, 10, batch))
        optimizer = lib.optim.SGD(model.parameters(), lr=1e-3)

        def run():
            optimizer.zero_grad()
            out, _ = layer(x)
            loss = nn.functional.cross_entropy(head(out[-1]), y)
            loss.backward()
            optimizer.step()
            return loss, layer.weight_ih_l0, layer.weight_hh_l0

        return run

    return make


def attention(batch: int, heads: int, length: int, width: int, causal: bool):
    """scaled_dot_product_attention and its backward."""

    def make(lib):
        rng = np.random.default_rng(0)
        shape = (batch, heads, length, width)
        q, k, v, g = (lib.tensor(rng.standard_normal(shape, dtype=np.float32)) for _ in range(4))
        for t in (q, k, v):
            t.requires_grad_()

        def run():
            q.grad = k.grad = v.grad = None
            out = lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            out.backward(g)
            return out, q.grad, k.grad, v.grad

        return run

    return make


def block(lib, width: int, heads: int, fused: bool, length: int):
    """A transformer block as people write it: attention by the function, or by hand."""
    nn, F = lib.nn, lib.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.register_buffer("mask", lib.tril(lib.ones(length, length)).view(1, 1, length, -1))

        def forward(self, x):
            B, T, C = x.shape
            q, k, v = self.qkv(x).split(C, dim=2)
            q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))
            if fused:
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            else:
                att = (q @ k.transpose(-2, -1)) * (1.0 / (C // heads) ** 0.5)
                att = att.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
                y = F.softmax(att, dim=-1) @ v
            return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln1, self.attention, self.ln2 = (
                nn.LayerNorm(width),
                Attention(),
                nn.LayerNorm(width),
            )
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x):
            x = x + self.attention(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    return Block()


def gpt(width: int, heads: int, length: int, batch: int, fused: bool):
    """A training step of such a block by AdamW."""

    def make(lib):
        model = block(lib, width, heads, fused, length)
        same_weights(lib, model)
        rng = np.random.default_rng(1)
        x, y = (
            lib.tensor(rng.standard_normal((batch, length, width), dtype=np.float32))
            for _ in range(2)
        )
        optimizer = lib.optim.AdamW(model.parameters(), lr=1e-4)

        def run():
            optimizer.zero_grad()
            loss = lib.nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return run

    return make


def _recurrent(kind, *sizes, **options):
    name = " ".join([kind, *map(str, sizes), *options])
    return Workload("LSTM 128, 32 steps", name, 1.1, recurrent(kind, *sizes, **options), rounds=20)


WORK = [
    _recurrent("LSTM", 128, 32, 16),
    _recurrent("GRU", 128, 32, 16),
    _recurrent("RNN", 128, 32, 16),
    _recurrent("LSTM", 64, 20, 1),
    _recurrent("LSTM", 32, 50, 8),
    _recurrent("LSTM", 256, 32, 64),
    _recurrent("LSTM", 128, 32, 16, num_layers=2, bidirectional=True),
    _recurrent("GRU", 256, 16, 64),
    _recurrent("RNN", 256, 64, 32),
    *(
        Workload("attention", f"{shape} causal={c}", 1.0, attention(*shape, c), rounds=15)
        for shape in ((8, 8, 128, 32), (2, 4, 512, 64), (16, 4, 32, 16), (1, 2, 77, 40))
        for c in (False, True)
    ),
    Workload("GPT block", "function", 1.0, gpt(256, 8, 128, 8, True), rounds=12),
    Workload("GPT block", "by hand", 1.0, gpt(256, 8, 128, 8, False), rounds=12),
    Workload("GPT block", "small", 1.0, gpt(64, 4, 32, 4, True), rounds=20),
]
