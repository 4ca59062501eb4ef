"""The same program run with both libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb
from flambeau.func.trees import flatten

torch = pytest.importorskip("torch")


def randn(package: Any, *shape: int, seed: int = 0, dtype: str = "float32") -> Any:
    """The same normally distributed numbers in either library."""
    return package.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def agree(program: Any, graph: bool = False) -> Any:
    """The tensors that ``program(package)`` returns are the same; with ``graph`` also whether
    they require gradients."""
    ours, theirs = (flatten(program(package))[0] for package in (fb, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if not hasattr(b, "detach"):
            assert a == b
            continue
        assert tuple(a.shape) == tuple(b.shape)
        assert repr(a.dtype) == repr(b.dtype)
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-5)
        assert not graph or a.requires_grad == b.requires_grad
    return ours


def same_error(program: Any, match: str = "") -> None:
    """``program(package)`` raises an error of the same type in both; ours matches."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        program(torch)
    with pytest.raises(Exception, match=match) as ours:
        program(fb)
    assert ours.type.__name__ == theirs.type.__name__
