"""What programs in the style of research code need, each in PyTorch's words, run with both."""

from __future__ import annotations

import pytest
from test_programs import agree, fill, labels, plain, wave

import flambeau

torch = pytest.importorskip("torch")

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


@program
def experts_with_renormalized_gates(torch):
    """Writes into the values of ``topk``, whose backward needs the places alone."""
    x = wave(torch, 6, 4).requires_grad_()
    gates, chosen = torch.topk(torch.softmax(x, -1), 2)
    gates /= gates.sum(-1, keepdim=True)
    seen = torch.nn.functional.one_hot(chosen, 4).permute(2, 1, 0)
    out = torch.zeros(6, 4)
    for expert in range(4):
        slot, token = torch.where(seen[expert])
        out.index_add_(0, token, x[token] * gates[token, slot, None] * (expert + 1))
    out.square().sum().backward()
    return [out, x.grad]


PICKERS = {
    "topk": lambda torch, x: torch.topk(x, 2),
    "sort": lambda torch, x: x.sort(-1),
    "max": lambda torch, x: x.max(1),
    "median": lambda torch, x: x.median(1),
    "mode": lambda torch, x: x.mode(1),
    "kthvalue": lambda torch, x: x.kthvalue(2, 1),
    "cummax": lambda torch, x: x.cummax(1),
}


@program
def writes_into_picked_values(torch):
    x = wave(torch, 3, 4).requires_grad_()
    for pick in PICKERS.values():
        values, _ = pick(torch, x)
        values.mul_(2)
        values.sum().backward()
    return [x.grad]


@pytest.mark.parametrize("lib", [torch, flambeau], ids=["torch", "flambeau"])
@pytest.mark.parametrize("name", PICKERS)
def test_writes_into_picked_places_are_noticed(name, lib):
    values, places = PICKERS[name](lib, wave(lib, 3, 4).requires_grad_())
    places.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()


@program
def step_of_ones_own_with_a_closure(torch):
    """An optimizer in an old style: its step has no ``no_grad`` and calls the closure bare."""
    from importlib import import_module

    required = import_module(f"{torch.__name__}.optim.optimizer").required

    class Momentum(torch.optim.Optimizer):
        def __init__(self, params, lr=required, momentum=0.5):
            if lr is not required and lr < 0.0:
                raise ValueError(f"Invalid learning rate: {lr}")
            super().__init__(params, {"lr": lr, "momentum": momentum})

        def step(self, closure=None):
            loss = None if closure is None else closure()
            for group in self.param_groups:
                for p in group["params"]:
                    held = self.state[p].setdefault("buffer", torch.zeros_like(p.data))
                    held.mul_(group["momentum"]).add_(p.grad.data)
                    p.data.add_(held, alpha=-group["lr"])
            return loss

    model = fill(torch, torch.nn.Linear(4, 3))
    x, y = wave(torch, 6, 4), labels(torch, 6, 3)
    optimizer = Momentum(model.parameters(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    losses = [optimizer.step(closure) for _ in range(3)]
    return [losses, model.weight, repr(required)]


@pytest.mark.parametrize("lib", [torch, flambeau], ids=["torch", "flambeau"])
def test_step_of_ones_own_runs_in_the_callers_grad_mode(lib):
    class Careless(lib.optim.Optimizer):
        def step(self, closure=None):
            for p in self.param_groups[0]["params"]:
                p -= p.grad

    p = lib.nn.Parameter(lib.ones(2))
    p.grad = lib.ones(2)
    optimizer = Careless([p], {})
    with pytest.raises(RuntimeError, match="leaf"):
        optimizer.step()
    with lib.no_grad():
        optimizer.step()
    assert p.tolist() == [0.0, 0.0]


@program
def cotangents_of_one_input(torch):
    """``vjp`` gives a tuple, for one input too."""
    _, pull = torch.func.vjp(torch.sin, wave(torch, 3))
    (found,) = pull(torch.ones(3))
    _, pull = torch.func.vjp(lambda d: d["a"].sin(), {"a": wave(torch, 3)})
    return [found, pull(torch.ones(3))[0]["a"]]


@program
def attention_with_a_chosen_kernel(torch):
    from importlib import import_module

    attention = import_module(f"{torch.__name__}.nn.attention")
    cuda, backend = torch.backends.cuda, attention.SDPBackend
    q = wave(torch, 1, 2, 4, 8)
    with attention.sdpa_kernel([backend.MATH, backend.EFFICIENT_ATTENTION]):
        out = torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)
        inside = [cuda.math_sdp_enabled(), cuda.flash_sdp_enabled()]
    return [out, inside, cuda.flash_sdp_enabled(), str(backend.MATH), int(backend.CUDNN_ATTENTION)]


@program
def frequencies_below_a_bound(torch):
    """A frequency on the bound falls on the side where PyTorch's rounding puts it."""
    kept = [torch.fft.rfftfreq(n) < 0.1 for n in (10, 20, 50, 200)]
    return [*kept, torch.fft.fftfreq(200, 0.1), torch.fft.fftfreq(7, 1 / 3)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_torchs_numbers(name):
    run = PROGRAMS[name]
    agree(plain(run(flambeau)), plain(run(torch)), name, 2e-6)


def test_nothing_is_a_compiled_module():
    model = flambeau.jit.script(flambeau.nn.Linear(2, 2))
    assert not isinstance(model, (flambeau.jit.ScriptModule, flambeau.jit.ScriptFunction))
