"""Hooks of optimizers, optimizers of one's own, rates that are tensors."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from flambeau.record.slot import slot


def make(**options):
    p = fb.nn.Parameter(fb.tensor([3.0]))
    p.grad = fb.ones(1)
    return p, fb.optim.SGD([p], lr=1.0, **options)


class Half(fb.optim.Optimizer):
    """One written as PyTorch's documentation shows, with a step of its own."""

    def __init__(self, params, share=0.5):
        super().__init__(params, {"share": share})

    @fb.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with fb.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["seen"] = True
                p.mul_(group["share"])
        return loss


def test_an_optimizer_of_ones_own(monkeypatch):
    seen = []

    class Watcher:
        def before_step(self, optimizer):
            seen.append("before")

        def step(self, optimizer):
            seen.append("after")

        def finish(self, *args):
            pass  # operations are no matter here

    p = fb.nn.Parameter(fb.tensor([3.0]))
    optimizer = Half([p])
    optimizer.register_step_post_hook(lambda *a: seen.append(p.item()))
    monkeypatch.setattr(slot, "recorder", Watcher())
    assert optimizer.step(lambda: 5) == 5
    assert seen == ["before", "after", 1.5]
    assert optimizer._opt_called
    assert optimizer.state_dict()["state"] == {0: {"seen": True}}


def test_super_step_calls_hooks_once():
    class Twice(fb.optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            return super().step(closure)

    p = fb.nn.Parameter(fb.tensor([3.0]))
    p.grad = fb.ones(1)
    optimizer, seen = Twice([p], lr=1.0), []
    optimizer.register_step_pre_hook(lambda *a: seen.append(1))
    optimizer.step()
    assert p.item() == 1
    assert seen == [1]


def test_pre_hooks_may_replace_arguments():
    p, optimizer = make()
    handle = optimizer.register_step_pre_hook(lambda o, a, k: ((o, lambda: 7), k))
    assert optimizer.step() == 7
    handle.remove()
    optimizer.register_step_pre_hook(lambda o, a, k: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()
    assert p.item() == 2


def test_hooks_of_all_optimizers():
    seen = []
    before = register_optimizer_step_pre_hook(lambda o, a, k: seen.append(("pre", o)))
    after = register_optimizer_step_post_hook(lambda o, a, k: seen.append(("post", o)))
    with before, after:
        _, optimizer = make()
        optimizer.step()
    optimizer.step()
    assert seen == [("pre", optimizer), ("post", optimizer)]


def test_hooks_of_state_dicts():
    _, optimizer = make()
    seen = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "note": 1})
    optimizer.register_state_dict_post_hook(lambda o, s: seen.append(s.get("note")), prepend=True)
    optimizer.register_load_state_dict_pre_hook(lambda o, s: seen.append("load"))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    state = optimizer.state_dict()
    assert state["note"] == 1
    optimizer.load_state_dict(state)
    assert seen == ["save", None, "load", "loaded"]


def test_a_rate_may_be_a_tensor():
    p, optimizer = make()
    rate = fb.tensor(1.0)
    optimizer.param_groups[0]["lr"] = rate
    scheduler = fb.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    first = scheduler.get_last_lr()
    optimizer.step()
    scheduler.step()
    optimizer.step()
    assert rate.item() == 0.5
    assert first[0].item() == 1.0
    assert np.isclose(p.item(), 1.5)
    assert optimizer.param_groups[0]["initial_lr"].item() == 1.0


def test_what_is_left_out_says_so():
    with pytest.raises(AttributeError, match="sparse gradients only"):
        _ = fb.optim.SparseAdam
    with pytest.raises(AttributeError, match="no attribute"):
        _ = fb.optim.Adamm
    p = fb.nn.Parameter(fb.ones(1))
    p.grad = fb.ones(1)
    with pytest.raises(NotImplementedError):
        fb.optim.Optimizer([p], {}).step()
