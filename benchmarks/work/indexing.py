"""Indexing, joining, reordering, sorting, scanning, scattering; forward, and both ways."""

from __future__ import annotations

import numpy as np
from measure import Workload

AIM = 0.7
SIDES = (8, 256, 1024)  # squares: small, medium, a million elements


def data(n: int):
    """What every workload of a size gets: numbers, indices and masks of n x n."""
    rng = np.random.default_rng(n)
    return {
        "x": rng.standard_normal((n, n)).astype(np.float32),
        "y": rng.standard_normal((n, n)).astype(np.float32),
        "long": rng.integers(0, n, (n, n)),
        "rows": rng.integers(0, n, n),
        "mask": rng.random((n, n)) < 0.3,
        "row_mask": rng.random(n) < 0.5,
        "counts": rng.integers(0, 1000, (n, n)),
    }


def forward(n: int, call, *names):
    """Runs ``call`` on tensors that want no gradient."""

    def make(lib):
        given = [lib.tensor(data(n)[name]) for name in names]
        return lambda: call(lib, *given)

    return make


def both_ways(n: int, call, *names):
    """Runs ``call`` and its backward; gives the output and the gradients of what is a float."""

    def make(lib):
        given = [lib.tensor(data(n)[name]) for name in names]
        leaves = [t.requires_grad_() for t in given if t.dtype == lib.float32]
        out = call(lib, *given)
        out = out[0] if isinstance(out, tuple) else out
        g = lib.tensor(np.random.default_rng(1).random(tuple(out.shape), dtype=np.float32))

        def run():
            for t in leaves:
                t.grad = None
            out = call(lib, *given)
            out = out[0] if isinstance(out, tuple) else out
            out.backward(g)
            return [out, *(t.grad for t in leaves)]

        return run

    return make


def assigned(at):
    """Writes y into a copy of x at an index."""

    def call(lib, x, y, *others):
        out = x.clone()
        index = at(*others)
        out[index] = y[index]
        return out

    return call


def along(call):
    """The same call along the first and the last dimension."""
    return [
        ("first", lambda lib, *t: call(lib, 0, *t)),
        ("last", lambda lib, *t: call(lib, -1, *t)),
    ]


# Name, calls by variant, the names of their tensors, whether there is a backward.
TABLE = [
    ("x[i], x[:, i]", along(lambda lib, d, x: x[3] if d == 0 else x[:, 3]), ("x",), True),
    ("x[a:b]", along(lambda lib, d, x: x[1:5] if d == 0 else x[:, 1:5]), ("x",), True),
    ("x[a:b].clone", [("", lambda lib, x: x[1:-1, 2:-2].clone())], ("x",), True),
    ("x[::2]", [("", lambda lib, x: x[::2, ::2].contiguous())], ("x",), True),
    ("x[rows]", along(lambda lib, d, x, r: x[r] if d == 0 else x[:, r]), ("x", "rows"), True),
    ("x[rows, cols]", [("", lambda lib, x, r: x[r, r])], ("x", "rows"), True),
    ("x[mask]", [("", lambda lib, x, m: x[m])], ("x", "mask"), True),
    ("x[row mask]", [("", lambda lib, x, m: x[m])], ("x", "row_mask"), True),
    ("x[rows] = y", [("", assigned(lambda r: r))], ("x", "y", "row_mask"), True),
    ("x[mask] = y", [("", assigned(lambda m: m))], ("x", "y", "mask"), True),
    ("x[mask] = 0", [("", lambda lib, x, m: setat(x, m, 0.0))], ("x", "mask"), True),
    ("x[a:b] = y", [("", assigned(lambda: slice(1, 6)))], ("x", "y"), True),
    ("cat", along(lambda lib, d, x, y: lib.cat([x, y], d)), ("x", "y"), True),
    ("stack", along(lambda lib, d, x, y: lib.stack([x, y], d)), ("x", "y"), True),
    ("t.contiguous", [("", lambda lib, x: x.t().contiguous())], ("x",), True),
    ("permute", [("021", lambda lib, x: permuted(x, 0, 2, 1)),
                 ("210", lambda lib, x: permuted(x, 2, 1, 0)),
                 ("102", lambda lib, x: permuted(x, 1, 0, 2)),
                 ("120", lambda lib, x: permuted(x, 1, 2, 0))], ("x",), True),
    ("sort", along(lambda lib, d, x: lib.sort(x, dim=d, stable=True)[0]), ("x",), True),
    ("sort ints", along(lambda lib, d, x: lib.sort(x, d)[0]), ("counts",), False),
    ("argsort", along(lambda lib, d, x: unseen(lib.argsort(x, d))), ("x",), False),
    ("topk 5", along(lambda lib, d, x: lib.topk(x, 5, d)), ("x",), True),
    ("cumsum", along(lambda lib, d, x: lib.cumsum(x, d)), ("x",), True),
    ("cumprod", along(lambda lib, d, x: lib.cumprod(x, d)), ("x",), True),
    ("gather", along(lambda lib, d, x, i: lib.gather(x, d, i)), ("x", "long"), True),
    ("scatter", along(lambda lib, d, x, i: x.scatter(d, i, 2.0)), ("x", "long"), True),
    ("scatter_add", along(lambda lib, d, x, i, y: x.scatter_add(d, i, y)),
     ("x", "long", "y"), True),
    ("index_select", along(lambda lib, d, x, r: x.index_select(d, r)), ("x", "rows"), True),
    ("index_add", along(lambda lib, d, x, r, y: x.index_add(d, r, y)), ("x", "rows", "y"), True),
    ("masked_fill", [("", lambda lib, x, m: x.masked_fill(m, -1.0))], ("x", "mask"), True),
    ("where", [("", lambda lib, m, x, y: lib.where(m, x, y)),
               ("number", lambda lib, m, x, y: lib.where(m, x, 0.0) + y[0, 0])],
     ("mask", "x", "y"), True),
    ("roll", along(lambda lib, d, x: lib.roll(x, 3, d)), ("x",), True),
    ("flip", along(lambda lib, d, x: lib.flip(x, (d,))), ("x",), True),
    ("nonzero", [("", lambda lib, m: lib.nonzero(m))], ("mask",), False),
    ("unique", [("floats", lambda lib, x: lib.unique(x))], ("x",), False),
    ("unique", [("ints", lambda lib, x: lib.unique(x)),
                ("inverse", lambda lib, x: lib.unique(x, return_inverse=True)),
                ("counts", lambda lib, x: lib.unique(x, return_counts=True))],
     ("counts",), False),
]  # fmt: skip


def setat(x, at, value):
    """A copy of x with a value at an index."""
    out = x.clone()
    out[at] = value
    return out


def permuted(x, *order):
    """x as a stack of four matrices, its dimensions in another order, copied."""
    return x.view(4, -1, x.shape[-1]).permute(*order).contiguous()


def unseen(order):
    """Not compared: equal elements may stand either way."""


def table() -> list[Workload]:
    """Every row at every size, forward and both ways."""
    made = []
    for row, variants, names, grad in TABLE:
        for n in SIDES:
            for variant, call in variants:
                name = f"{variant} {n}x{n}".strip()
                rounds = 15 if n < 1024 else 7
                made.append(Workload(row, name, AIM, forward(n, call, *names), rounds=rounds))
                if grad:
                    way = both_ways(n, call, *names)
                    made.append(Workload(row, f"{name} both", AIM, way, rounds=rounds))
    return made


VECTORS = [
    ("sort", lambda lib, x, i: lib.sort(x, stable=True)[0]),
    ("topk 5", lambda lib, x, i: lib.topk(x, 100)),
    ("cumsum", lambda lib, x, i: lib.cumsum(x, 0)),
    ("gather", lambda lib, x, i: lib.gather(x, 0, i)),
    ("x[rows]", lambda lib, x, i: x[i]),
    ("index_add", lambda lib, x, i: x.index_add(0, i, x)),
]


def vectors() -> list[Workload]:
    """A few of them along a million elements in a row."""
    made = []
    for row, call in VECTORS:

        def flat(lib, x, long, call=call):
            return call(lib, x.reshape(-1), long.reshape(-1) * 1024 + 7)

        made.append(Workload(row, "1M vector", AIM, forward(1024, flat, "x", "long"), rounds=7))
    return made


def embedding(words: int, dim: int, shape, padding=None, backward=True):
    """Rows of a table, looked up with repetitions, and the gradient of the table."""

    def make(lib):
        rng = np.random.default_rng(0)
        table = lib.tensor(rng.standard_normal((words, dim)).astype(np.float32))
        at = lib.tensor(np.minimum(rng.integers(0, words, shape), rng.integers(0, words, shape)))
        g = lib.tensor(rng.standard_normal((*shape, dim)).astype(np.float32))
        if backward:
            table.requires_grad_()

        def run():
            out = lib.nn.functional.embedding(at, table, padding_idx=padding)
            if not backward:
                return out
            table.grad = None
            out.backward(g)
            return out, table.grad

        return run

    return make


def embeddings() -> list[Workload]:
    """Vocabularies of 1k and 50k, from small batches to large ones."""
    made = []
    for words in (1000, 50000):
        for dim in (64, 256, 512):
            for shape in ((8, 16), (32, 128)):
                size = f"{words}x{dim}, {shape[0]}x{shape[1]}"
                for backward, way in ((False, ""), (True, " both")):
                    call = embedding(words, dim, shape, 0 if dim == 256 else None, backward)
                    made.append(Workload("embedding", size + way, 1.0, call, rounds=15))
    return made


WORK = [*table(), *vectors(), *embeddings()]
