"""Optimizers, and schedules for their learning rates; mirrors ``torch.optim``."""

from typing import Any as _Any

from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .lbfgs import LBFGS
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]


def __getattr__(name: str) -> _Any:
    """Says why a name of PyTorch's is not here."""
    if name == "SparseAdam":
        raise AttributeError(
            "flambeau.optim has no SparseAdam: it works on sparse gradients only, and gradients "
            "are dense here; use optim.Adam"
        )
    raise AttributeError(f"module 'flambeau.optim' has no attribute {name!r}")
