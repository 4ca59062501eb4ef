"""What the small notebooks of these tests hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .driver import Notebook, Run, until

SETUP = """\
from pathlib import Path

import flambeau as fb
from flambeau import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.act = nn.ReLU()
        self.head = nn.Linear(16 * 8 * 8, 10)

    def forward(self, x):
        return self.head(self.act(self.conv(x)).flatten(1))


fb.set_num_threads(1)
fb.manual_seed(0)
net = Net()
optimizer = fb.optim.SGD(net.parameters(), lr=0.01)
pictures, answers = fb.randn(64, 1, 8, 8), fb.randint(0, 10, (64,))


def train(steps):
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(pictures), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train_while(flag):
    while flag.exists():
        train(1)
    flag.with_suffix(".done").touch()
"""


@contextmanager
def training(notebook: Notebook, first: str = "") -> Iterator[Run]:
    """A cell trains for as long as the block lasts, after it has done something else."""
    flag = (notebook.lab.root / notebook.path).with_suffix(".training")
    done = flag.with_suffix(".done")  # JupyterLab calls a kernel idle as soon as a subshell is
    done.unlink(missing_ok=True)
    flag.touch()
    run = notebook.begin(f"{first}train_while(Path({str(flag)!r}))")
    try:
        until(lambda: notebook.status == "busy", "the kernel to be busy")
        yield run
        assert not done.exists()
    finally:
        flag.unlink()
        until(done.exists, "the training to end")
