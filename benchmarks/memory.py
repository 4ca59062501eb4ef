"""``make bench-memory``: the most memory that a training step takes, beside PyTorch.

Each figure is the peak of the resident size of a process of its own, less its size once everything
is imported and compiled: the model, its gradients, the optimizer's state, data and activations.
``python benchmarks/memory.py lstm gpt`` measures those alone and writes nothing.
"""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from results import keep, versions

sys.path.insert(0, str(Path(__file__).parent))
STEPS = 5
RUNS = 3
HEAD = f"{'peak in MiB':36}{'Flambeau':>10}{'PyTorch':>10}{'ratio':>8}"


def residual(lib: Any, batch: int) -> tuple[Any, Any]:
    """Two convolutions with batch norm, and what came in added to what comes out."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
            self.conv2 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
            self.norm1, self.norm2 = nn.BatchNorm2d(64), nn.BatchNorm2d(64)

        def forward(self, x: Any) -> Any:
            h = nn.functional.relu(self.norm1(self.conv1(x)))
            return nn.functional.relu(x + self.norm2(self.conv2(h)))

    return Block(), lib.ones(batch, 64, 32, 32)


def lstm(lib: Any, batch: int) -> tuple[Any, Any]:
    """One layer, 32 steps in time."""
    nn = lib.nn

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(128, 128)
            self.head = nn.Linear(128, 128)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0])

    return Last(), lib.ones(32, batch, 128)


def gpt(lib: Any, batch: int) -> tuple[Any, Any]:
    """A transformer block of 256 features and 4 heads, on 128 tokens."""
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(256), nn.LayerNorm(256)
            self.qkv, self.out = nn.Linear(256, 768), nn.Linear(256, 256)
            self.up, self.down = nn.Linear(256, 1024), nn.Linear(1024, 256)

        def forward(self, x: Any) -> Any:
            b, t, d = x.shape
            heads = self.qkv(self.norm1(x)).view(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
            read = nn.functional.scaled_dot_product_attention(*heads.unbind(0), is_causal=True)
            x = x + self.out(read.transpose(1, 2).reshape(b, t, d))
            return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))

    return Block(), lib.ones(batch, 128, 256)


def trained(build: Callable[[Any, int], tuple[Any, Any]], optimizer: str) -> Any:
    """A training step of a model whose outputs are to be small."""

    def make(lib: Any, batch: int) -> Callable[[], Any]:
        model, x = build(lib, batch)
        step = getattr(lib.optim, optimizer)(model.parameters(), lr=1e-3)

        def run() -> None:
            step.zero_grad()
            model(x).pow(2).mean().backward()
            step.step()

        return run

    return make


def classified(name: str, optimizer: str) -> Any:
    """A training step of one of the classifiers whose speed is measured too."""

    def make(lib: Any, batch: int) -> Callable[[], Any]:
        steps = importlib.import_module("work.steps")
        return steps.classifier(getattr(steps, name), optimizer, batch)(lib)

    return make


# Name: the step, and the batch.
WORK: dict[str, tuple[Any, int]] = {
    "MLP 784-256-128-10, batch 32, Adam": (classified("mlp", "Adam"), 32),
    "MLP 784-256-128-10, batch 1024, Adam": (classified("mlp", "Adam"), 1024),
    "LeNet, batch 32, SGD": (classified("lenet", "SGD"), 32),
    "residual block, 64x32x32, batch 16": (trained(residual, "SGD"), 16),
    "LSTM 128, 32 steps, batch 16": (trained(lstm, "Adam"), 16),
    "GPT block d=256, T=128, batch 8": (trained(gpt, "AdamW"), 8),
}


def resident(line: str) -> int:
    """A line of this process's status: VmRSS is its resident size, VmHWM the peak of that."""
    for text in Path("/proc/self/status").read_text().splitlines():
        if text.startswith(line):
            return int(text.split()[1]) * 1024
    raise SystemExit("the resident size is read from /proc, which Linux has")


def one(name: str, library: str) -> None:
    """What runs in a process of its own: prints the peak in bytes."""
    lib: Any = importlib.import_module(library)
    lib.set_num_threads(1)
    make, batch = WORK[name]
    small = make(lib, 2)  # everything is imported and compiled after this
    for _ in range(2):
        small()
    del small
    gc.collect()
    give_back()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    step = make(lib, batch)
    for _ in range(STEPS):
        step()
    print(resident("VmHWM") - before)


def give_back() -> None:
    """Has the C library return what is free, for either side alike."""
    import ctypes

    ctypes.CDLL(None).malloc_trim(0)


def peak(name: str, library: str) -> float:
    """The median peak of some processes, in MiB."""
    command = [sys.executable, __file__, "--one", name, library]
    found = [
        int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(RUNS)
    ]
    return float(np.median(found)) / 2**20


def main(words: list[str]) -> None:
    """Measures, prints, and keeps the results of a whole run."""
    print(HEAD)
    lines = []
    for name in WORK:
        if not words or any(word.lower() in name.lower() for word in words):
            ours, theirs = peak(name, "flambeau"), peak(name, "torch")
            lines.append(f"{name:36}{ours:10.1f}{theirs:10.1f}{ours / theirs:8.2f}")
            print(lines[-1], flush=True)
    if not words:
        table = "\n".join([HEAD, *lines])
        keep(
            "# Memory of a training step, beside PyTorch\n\n"
            f"{versions()}. The peak of the resident size, less the size once everything is "
            "imported and compiled; below 1 Flambeau takes less. Written by `make bench-memory`."
            f"\n\n```\n{table}\n```\n"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
    else:
        main(sys.argv[1:])
