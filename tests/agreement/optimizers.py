"""One optimizer of PyTorch's table: both libraries take the same steps with the same options."""

from __future__ import annotations

import argparse
import types
import warnings
from collections.abc import Callable
from typing import Any

import torch

import flambeau as fb

from . import translate
from .compare import differs
from .ops import Verdict

STEPS = 6
ASPECTS = ("steps", "state", "loaded", "schedules", "errors")


def table() -> list[Any]:
    """PyTorch's table of optimizers; the one for sparse gradients is aside."""
    from torch.testing._internal.common_optimizers import optim_db

    return [info for info in optim_db if not info.only_supports_sparse_grads]


def label(info: Any) -> str:
    """The optimizer's name."""
    return f"optim.{info.name}"


def check(info: Any) -> Verdict:
    """Runs all that PyTorch's table has of one optimizer."""
    verdict = Verdict(label(info))
    ours = getattr(fb.optim, info.name, None)
    if ours is None:
        verdict.add("steps", "there is no such name")
        return verdict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in info.optim_inputs_func(device="cpu"):
            _check_steps(info, ours, given.kwargs, verdict)
        for made in info.scheduler_inputs or ():
            _check_steps(info, ours, {"lr": 0.01}, verdict, made)
        for error in info.optim_error_inputs_func("cpu", torch.float32):
            _check_error(info, ours, error, verdict)
    return verdict


def _tolerance(info: Any) -> float | None:
    # Muon rounds to bfloat16 on the way, and LBFGS divides by small differences.
    return {"Muon": 1e-3, "LBFGS": 1e-3}.get(info.name)


def _parameters(is_complex: bool, matrices: bool) -> list[torch.nn.Parameter]:
    torch.manual_seed(3)
    dtype = torch.complex128 if is_complex else torch.float64
    shapes = [(3, 4), (4, 2)] if matrices else [(3, 4), (5,), ()]
    return [torch.nn.Parameter(torch.randn(s, dtype=dtype)) for s in shapes]


def _loss(lib: Any, params: list[Any]) -> Any:
    total = 0.0
    for p in params:
        size = (p * p.conj()).real if p.is_complex() else p * p
        total = total + (0.1 * size * size - 0.7 * size).sum() + (lib.abs(p - 0.3) ** 1.5).sum()
    return total


def _run(lib: Any, optimizer: Any, params: list[Any], steps: int, schedulers: Any = ()) -> None:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = _loss(lib, params)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        for s in schedulers:
            s.step(1.0) if type(s).__name__ == "ReduceLROnPlateau" else s.step()


def _check_steps(
    info: Any, ours: Any, options: dict[str, Any], verdict: Verdict, schedules: Any = ()
) -> None:
    kinds = [False, True] if info.supports_complex and info.name != "Muon" else [False]
    for is_complex in kinds:
        theirs = _parameters(is_complex, info.name == "Muon")
        mine = [translate.value(p) for p in theirs]
        told = f"{options} {'complex' if is_complex else 'real'}"
        try:
            one = info.optim_cls(theirs, **options)
            plans = [s(one) for s in schedules]
            steps = 2 if info.step_requires_closure else STEPS  # of up to 20 moves each
            _run(torch, one, theirs, steps, plans)
        except Exception:
            continue
        try:
            other = ours(mine, **translate.value(options))
            _run(fb, other, mine, steps, [_scheduler(s)(other) for s in schedules])
            found = differs(mine, theirs, tolerance=_tolerance(info))
            verdict.add("schedules" if schedules else "steps", found and f"{told}: {found}")
            if not schedules:
                found = _state_differs(other.state_dict(), one.state_dict(), _tolerance(info))
                verdict.add("state", found and f"{told}: {found}")
                _check_loaded(info, ours, one, theirs, options, told, verdict)
        except Exception as error:
            verdict.add("steps", f"{told}: raises {type(error).__name__}: {str(error)[:200]}")


def _check_loaded(
    info: Any, ours: Any, one: Any, theirs: Any, options: Any, told: str, verdict: Verdict
) -> None:
    """Our optimizer goes on where PyTorch's stopped, given its state."""
    mine = [translate.value(p.detach()).requires_grad_() for p in theirs]
    other = ours(mine, **translate.value(options))
    other.load_state_dict(translate.value(one.state_dict()))
    _run(torch, one, theirs, 2)
    _run(fb, other, mine, 2)
    found = differs(mine, theirs, tolerance=_tolerance(info))
    verdict.add("loaded", found and f"{told}: {found}")


def _state_differs(made: Any, expected: Any, tolerance: float | None) -> str | None:
    for mine, theirs in zip(made["param_groups"], expected["param_groups"], strict=True):
        if list(mine) != list(theirs):
            return f"a group has {list(mine)}, not {list(theirs)}"
    for key, state in expected["state"].items():
        mine = made["state"].get(key, {})
        if set(mine) != set(state):
            return f"the state has {sorted(mine)}, not {sorted(state)}"
        for name, value in state.items():
            if name == "al":  # what is left of a computation, and differs like its last digits
                continue
            if found := differs(mine[name], value, tolerance=tolerance):
                return f"state {name!r}: {found}"
    return None


def _scheduler(made: types.FunctionType) -> Callable[..., Any]:
    """A helper that makes a scheduler, with our classes for PyTorch's."""
    names = dict(made.__globals__)
    for name in made.__code__.co_names:
        if getattr(names.get(name), "__module__", "").startswith("torch.optim"):
            names[name] = getattr(fb.optim.lr_scheduler, name)
    return types.FunctionType(made.__code__, names, made.__name__, made.__defaults__)


def _check_error(info: Any, ours: Any, error: Any, verdict: Verdict) -> None:
    given = error.optimizer_error_input

    def run(cls: Any, params: Any, options: Any) -> Exception | None:
        try:
            cls(params, **options).step()
        except Exception as raised:
            return raised
        return None

    expected = run(info.optim_cls, given.params, given.kwargs)
    if expected is None:
        return
    found = run(ours, _same(given.params, {}), translate.value(given.kwargs))
    fine = isinstance(found, type(expected))
    verdict.add("errors", None if fine else f"{given.desc}: {found!r}, not {expected!r}"[:250])


def _same(x: Any, known: dict[int, Any]) -> Any:
    """What is translated, with a parameter that comes twice as one and the same."""
    if isinstance(x, torch.Tensor):
        if id(x) not in known:
            known[id(x)] = translate.value(x)
            if x.grad is not None:
                known[id(x)].grad = translate.tensor(x.grad)
        return known[id(x)]
    if isinstance(x, dict):
        return {k: _same(v, known) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(_same(v, known) for v in x)
    return x


def main() -> None:
    """Prints what differs, and the count."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement.optimizers")
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    verdicts = [check(info) for info in table() if not names or info.name in names]
    for v in verdicts:
        for aspect, differences in v.wrong.items():
            for one in differences:
                print(f"{v.name}: {aspect}: {one}")
    print(f"{sum(v.agrees for v in verdicts)} of {len(verdicts)} agree")


if __name__ == "__main__":
    main()
