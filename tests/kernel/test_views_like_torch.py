"""Programs of views and in-place writes, drawn at random, give PyTorch's values and gradients."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

VIEWS: dict[str, Any] = {
    "int": lambda x: x[0],
    "front": lambda x: x[:2],
    "steps": lambda x: x[..., ::2],
    "alias": lambda x: x[...],
    "t": lambda x: x.t(),
    "transpose": lambda x: x.transpose(0, -1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x.squeeze(),
    "flatten": lambda x: x.flatten(),
    "permute": lambda x: x.permute(tuple(reversed(range(x.ndim)))),
    "diagonal": lambda x: x.diagonal(),
    "narrow": lambda x: x.narrow(0, 1, x.shape[0] - 1),
    "select": lambda x: x.select(-1, -1),
    "unfold": lambda x: x.unfold(0, 2, 2),
    "unbind": lambda x: x.unbind(0)[0],
    "chunk": lambda x: x.chunk(2)[1],
    "detach": lambda x: x.detach(),
    "strided": lambda x: x.as_strided(x.shape[-1:], x.stride()[-1:], x.storage_offset()),
}
WRITES: dict[str, Any] = {
    "mul_": lambda x, y: x.mul_(0.7),
    "add_": lambda x, y: x.add_(y.sum()),
    "set": lambda x, y: x.__setitem__(..., y.mean()),
    "set first": lambda x, y: x.__setitem__(0, y.max()),
    "zero_": lambda x, y: x.zero_(),
    "copy_": lambda x, y: x.copy_(x.detach().cos() * y.sum()),
    "sin_": lambda x, y: x.sin_(),
    "add itself": lambda x, y: x.add_(x * 2),
    "masked_fill_": lambda x, y: x.masked_fill_(x.detach() > 0, -0.5),
    "clamp_": lambda x, y: x.clamp_(-1, 1),
    "squeeze_": lambda x, y: x.squeeze_(),
    "t_": lambda x, y: x.t_(),
    "unsqueeze_": lambda x, y: x.unsqueeze_(0),
    "transpose_": lambda x, y: x.transpose_(0, 1),
}


def program(seed: int) -> tuple[list[int], list[tuple[Any, int]]]:
    """A shape, and steps that PyTorch can take without gradients: (view or write, on which)."""
    draw = random.Random(seed)
    shape = [draw.randint(1, 4) for _ in range(draw.randint(1, 3))]
    tensors, other, steps = [torch.zeros(shape)], torch.ones(shape), []
    for _ in range(draw.randint(2, 7)):
        at, is_view = draw.randrange(len(tensors)), draw.random() < 0.5
        name = draw.choice(list(VIEWS if is_view else WRITES))
        try:
            if is_view:
                tensors.append(VIEWS[name](tensors[at]))
            else:
                WRITES[name](tensors[at], other)
        except (RuntimeError, IndexError):
            continue
        steps.append(((VIEWS if is_view else WRITES)[name], at))
    return shape, steps


def run(package: Any, seed: int) -> Any:
    """What the tensors of a program hold, and the gradients; the type of the error if there is."""
    shape, steps = program(seed)
    draw = np.random.default_rng(seed)
    leaf, other = (package.tensor(draw.standard_normal(shape), requires_grad=True) for _ in "12")
    tensors = [leaf * 1.5]
    views = set(VIEWS.values())
    try:
        for step, at in steps:
            if step in views:
                tensors.append(step(tensors[at]))
            else:
                step(tensors[at], other)
        total = sum((t * t * (i + 1)).sum() for i, t in enumerate(tensors) if t.requires_grad)
        found = package.autograd.grad(total, [leaf, other], allow_unused=True)
    except RuntimeError as error:
        return type(error).__mro__[-4:]
    zeros = np.zeros(shape)
    gradients = [zeros if g is None else g.numpy() for g in found]
    return [t.detach().numpy().copy() for t in tensors], gradients


@pytest.mark.parametrize("block", range(8))
def test_views_and_writes_give_what_torch_gives(block: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(100 * block, 100 * block + 100):
            theirs, ours = run(torch, seed), run(fb, seed)
            told = f"seed {seed}: {program(seed)[0]}"
            assert len(theirs) == len(ours), f"{told}: {theirs} and {ours}"
            if isinstance(theirs[0], type):
                continue
            for a, b in zip((*ours[0], *ours[1]), (*theirs[0], *theirs[1]), strict=True):
                assert a.shape == b.shape, told
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=told)


def entry(draw: random.Random, shape: list[int]) -> tuple[Any, int]:
    """Something that may stand in an index, made by ``f(package)``, and how many sizes it takes."""
    n = shape[0] if shape else 1
    places = [draw.randint(-n, n - 1) for _ in range(draw.randint(1, 3))]
    first = draw.randrange(n)
    ends = draw.choice([None, first, first - n]), draw.choice([None, first + 1, n + 1])
    choices: list[tuple[Any, int]] = [
        (lambda p: slice(*ends, draw.choice([None, 1, 2])), 1),
        (lambda p: slice(*ends), 1),
        (lambda p: places[0], 1),
        (lambda p: np.int64(places[0]), 1),
        (lambda p: None, 0),
        (lambda p: ..., 0),
        (lambda p: list(places), 1),
        (lambda p: p.tensor(places), 1),
        (lambda p: p.tensor([places, places]), 1),
        (lambda p: p.tensor(places, dtype=p.int32), 1),
        (lambda p: p.tensor(places[0]), 1),
        (lambda p: p.tensor([i % 2 == 0 for i in range(n)]), 1),
        (lambda p: [i % 3 == 0 for i in range(n)], 1),
        (lambda p: p.arange(shape[0] * shape[1]).reshape(shape[:2]) % 3 == 1, 2),
        (lambda p: np.array(places), 1),
        (lambda p: n + 1, 1),
        (lambda p: p.tensor([n]), 1),
        (lambda p: p.tensor([0.5]), 1),
        (lambda p: p.tensor([0], dtype=p.int8), 1),
    ]
    made, taken = draw.choice(choices)
    return (made, taken) if taken <= len(shape) else (lambda p: ..., 0)


def indexed(package: Any, seed: int, write: Any) -> Any:
    """What an index gives (or, with a value to write, leaves) and its gradient, or the error."""
    draw = random.Random(seed)
    shape = [draw.randint(1, 4) for _ in range(draw.randint(1, 4))]
    left, parts = list(shape), []
    for _ in range(draw.randint(1, 3)):
        made, taken = entry(draw, left)
        if any(part is ... for part in parts) and made(package) is ...:
            continue
        parts.append(made(package))
        left = left[taken:]
    key = tuple(parts)
    leaf = package.arange(float(np.prod(shape)), dtype=package.float64).reshape(shape)
    leaf.requires_grad_()
    try:
        if write is None:
            out = leaf[key]
        else:
            out = leaf * 1
            out[key] = write(package, out[key])
        seeds = package.arange(float(out.numel()), dtype=package.float64).reshape(out.shape)
        (found,) = package.autograd.grad(out, [leaf], seeds)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        return [kind for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    return out.detach().numpy(), found.numpy()


VALUES = {
    "read": None,
    "a number": lambda p, part: 2.5,
    "a row": lambda p, part: p.ones(part.shape[-1:], dtype=p.float64) * 3,
    "another type": lambda p, part: p.ones((1, *part.shape, 2), dtype=p.int64)[..., 0],
    "too many": lambda p, part: p.ones((7, *part.shape), dtype=p.float64),
}


@pytest.mark.parametrize("way", VALUES)
def test_an_index_of_any_kind_does_what_torch_does(way: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(400):
            theirs, ours = (indexed(package, seed, VALUES[way]) for package in (torch, fb))
            assert isinstance(theirs, list) == isinstance(ours, list), f"{seed}: {theirs}, {ours}"
            if isinstance(theirs, list):
                assert theirs[0] in ours, f"{seed}: {theirs} and {ours}"
                continue
            for a, b in zip(ours, theirs, strict=True):
                assert a.shape == b.shape, seed
                np.testing.assert_array_equal(a, b, err_msg=str(seed))
