"""Steps of optimizers alone, over many tensors and over a few."""

from __future__ import annotations

import numpy as np
from measure import Workload

SHAPES = {
    "50 of 20k": ((100, 200),) * 50,
    "50 of 64": ((64,),) * 49 + ((64, 64),),
    "MLP": ((256, 784), (256,), (128, 256), (128,), (10, 128), (10,)),
    "one of 1M": ((1000, 1000),),
}


def steps(name: str, shapes, **options):
    """A step over parameters whose gradients stay."""

    def make(lib):
        rng = np.random.default_rng(0)
        params = []
        for shape in shapes:
            p = lib.nn.Parameter(lib.tensor(rng.standard_normal(shape, dtype=np.float32)))
            p.grad = lib.tensor(rng.standard_normal(shape, dtype=np.float32))
            params.append(p)
        optimizer = getattr(lib.optim, name)(params, lr=1e-3, **options)

        def run():
            optimizer.step()
            return params[0], params[-1]

        return run

    return make


def fused(name: str, shapes, **options):
    """The same by PyTorch's fused step."""
    return steps(name, shapes, fused=True, **options)


OTHERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}),
    ("AdamW", {}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Adadelta", {}),
]

WORK = [
    Workload("Adam, 50 of 20k", "default", 5.0, steps("Adam", SHAPES["50 of 20k"])),
    Workload(
        "Adam, 50 of 20k",
        "fused",
        1.3,
        steps("Adam", SHAPES["50 of 20k"]),
        fused("Adam", SHAPES["50 of 20k"]),
    ),
    *(
        Workload("optimizers", f"{n} {' '.join(o)} {s}", 1.0, steps(n, SHAPES[s], **o))
        for n, o in OTHERS
        for s in SHAPES
    ),
]
