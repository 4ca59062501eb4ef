"""One module of PyTorch's table: both libraries make it, run its samples, and are compared.

``python -m tests.agreement.modules [-v] [name ...]`` tells what differs: ``nn.Conv2d`` or
patterns. The weights of PyTorch's module are loaded into ours, so that all else can be equal.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import warnings
from collections.abc import Iterator
from typing import Any

import torch

import flambeau as fb

from . import translate
from .ops import Verdict, _leaves, _said, _zeros, differs

SAMPLES = 120  # of one type and mode
DTYPES = (torch.float64, torch.float32, torch.complex128, torch.complex64)
ASPECTS = ("state", "repr", "outputs", "gradients", "buffers", "errors")
# Their values are drawn at random: shape and type alone can agree.
RANDOM = frozenset(["nn.FractionalMaxPool2d", "nn.FractionalMaxPool3d"])


def table() -> list[Any]:
    """PyTorch's table of modules."""
    from torch.testing._internal.common_modules import module_db

    return list(module_db)


def label(info: Any) -> str:
    """An entry's name."""
    return str(info.name)


def check(info: Any) -> Verdict:
    """Runs everything that PyTorch's table has of one module."""
    verdict = Verdict(label(info))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours = translate.find(info.name)
        except AttributeError:
            verdict.add("outputs", "there is no such name")
            return verdict
        for dtype in DTYPES:
            for training in (True, False) if dtype in info.dtypes else ():
                for sample in samples(info, dtype, training, info.module_inputs_func):
                    _check_sample(info, ours, sample, dtype, training, verdict)
        if info.module_error_inputs_func is not None:
            for entry in samples(info, torch.float64, True, info.module_error_inputs_func):
                _check_error(info, ours, entry, verdict)
    return verdict


def samples(info: Any, dtype: Any, training: bool, source: Any) -> list[Any]:
    """An entry's samples, the same at each call: all, or some spread evenly over them."""
    torch.manual_seed(7)
    every = list(source(info, device="cpu", dtype=dtype, requires_grad=True, training=training))
    step = -(-len(every) // SAMPLES)
    return every[:: max(1, step)]


class Pair:
    """One sample's module in both libraries, with the same weights, and its inputs."""

    def __init__(self, info: Any, ours: Any, sample: Any, dtype: Any, training: bool) -> None:
        made, given = sample.constructor_input, sample.forward_input
        # Twins first: a module among the arguments must not be changed by PyTorch's run.
        args, kwargs = values([made.args, made.kwargs])
        self.mine = ours(*args, **kwargs).to(translate.value(dtype)).train(training)
        self.theirs = info.module_cls(*made.args, **made.kwargs).to(dtype).train(training)
        self.inputs = (given.args, given.kwargs)
        self.twins = values([given.args, given.kwargs])
        if info.is_lazy:
            with torch.no_grad(), fb.no_grad():
                self.theirs(*given.args, **given.kwargs)
                self.mine(*self.twins[0], **self.twins[1])
        state = self.theirs.state_dict()
        self.mine.load_state_dict({k: translate.tensor(v) for k, v in state.items()})

    def state(self) -> Iterator[str | None]:
        """How names, order, shapes and values of the state differ, before or after a run."""
        mine, theirs = self.mine.state_dict(), self.theirs.state_dict()
        yield _unequal("state_dict has", list(mine), list(theirs))
        for what in ("parameters", "buffers", "modules"):
            found = [n for n, _ in getattr(self.mine, f"named_{what}")()]
            wanted = [n for n, _ in getattr(self.theirs, f"named_{what}")()]
            yield _unequal(f"named_{what} has", found, wanted)
        for name, value in theirs.items():
            found = differs(mine.get(name), value)
            yield found and f"{name}: {found}"

    def run(self) -> tuple[Any, Any]:
        """What the two give: ours and PyTorch's."""
        args, kwargs = self.twins
        return self.mine(*args, **kwargs), self.theirs(*self.inputs[0], **self.inputs[1])

    def gradients(self, made: Any, expected: Any) -> str | None:
        """How the gradients of inputs and parameters differ."""
        torch.manual_seed(11)
        outs = [o for o in _leaves(expected) if o.requires_grad]
        results = [o for o in _leaves(made) if o.requires_grad]
        if len(outs) != len(results):
            return f"{len(results)} outputs have a gradient, not {len(outs)}"
        seeds = [torch.randn_like(o) for o in outs]
        wanted = _wanting([*self.inputs, *self.theirs.parameters()])
        mine = _wanting([*self.twins, *self.mine.parameters()])
        if not outs or not wanted:
            return None
        asked = torch.autograd.grad(outs, wanted, seeds, allow_unused=True)
        seeded = [translate.tensor(s) for s in seeds]
        found = fb.autograd.grad(results, mine, seeded, allow_unused=True)
        return differs(
            [_zeros(g, t) for g, t in zip(found, mine, strict=True)],
            [_zeros(g, t) for g, t in zip(asked, wanted, strict=True)],
        )


def _wanting(x: Any) -> list[Any]:
    return [t for t in _leaves(x) if t.requires_grad]


def _unequal(what: str, found: Any, wanted: Any) -> str | None:
    return None if found == wanted else f"{what} {found}, not {wanted}"


def values(x: Any, seen: Any = None) -> Any:
    """A module's arguments as Flambeau's; what is one tensor there is one here."""
    seen = {} if seen is None else seen
    if isinstance(x, torch.Tensor):
        return seen.setdefault(id(x), translate.value(x))
    if isinstance(x, dict):
        return {k: values(v, seen) for k, v in x.items()}
    if isinstance(x, torch.nn.utils.rnn.PackedSequence):
        return fb.nn.utils.rnn.PackedSequence(*(translate.value(v) for v in x))
    if isinstance(x, torch.nn.TransformerEncoderLayer):
        return _encoder_layer(x)
    if isinstance(x, tuple | list) and not hasattr(x, "_fields"):
        return type(x)(values(v, seen) for v in x)
    if type(x).__module__.endswith("linear_cross_entropy_options"):
        return fb.nn.LinearCrossEntropyOptions(**translate.value(dataclasses.asdict(x)))
    return translate.value(x)


def _encoder_layer(m: Any) -> Any:
    return fb.nn.TransformerEncoderLayer(
        *(m.linear1.in_features, m.self_attn.num_heads, m.linear1.out_features, m.dropout.p),
        *(translate.value(m.activation), m.norm1.eps, m.self_attn.batch_first, m.norm_first),
        bias=m.linear1.bias is not None,
    )


def _check_sample(
    info: Any, ours: Any, sample: Any, dtype: Any, training: bool, verdict: Verdict
) -> None:
    mode = "training" if training else "evaluation"
    told = f"{_told(sample)} {str(dtype).removeprefix('torch.')}, {mode}"

    def note(aspect: str, difference: str | None) -> None:
        verdict.add(aspect, difference and f"{told}: {difference}")

    try:
        pair = Pair(info, ours, sample, dtype, training)
        note("repr", _unequal("is", repr(pair.mine), repr(pair.theirs)))
        note("state", next(filter(None, pair.state()), None))
        made, expected = pair.run()
        note("outputs", differs(made, expected, values=info.name not in RANDOM))
        if info.name not in RANDOM:
            note("gradients", pair.gradients(made, expected))
        note("buffers", next(filter(None, pair.state()), None))
    except Exception as error:
        note("outputs", _said(error))


def _check_error(info: Any, ours: Any, entry: Any, verdict: Verdict) -> None:
    sample = entry.module_error_input
    told = _told(sample)
    made, given = sample.constructor_input, sample.forward_input
    args, kwargs = values(made.args), values(made.kwargs)
    forward = "FORWARD" in entry.error_on.name
    twins = (values(given.args), values(given.kwargs)) if forward else ((), {})
    try:
        module = ours(*args, **kwargs)
        if forward:
            module(*twins[0], **twins[1])
    except Exception as error:
        fine = isinstance(error, entry.error_type)
        kinds = f"{type(error).__name__}, not {entry.error_type.__name__}: {error}"
        verdict.add("errors", None if fine else f"{told}: {kinds[:300]}")
    else:
        verdict.add("errors", f"{told}: nothing raised, not {entry.error_type.__name__}")


def _told(sample: Any) -> str:
    """A sample in short."""

    def short(x: Any) -> str:
        if isinstance(x, torch.Tensor):
            return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
        if isinstance(x, list | tuple):
            return "(" + ", ".join(map(short, x)) + ")"
        return type(x).__name__ if isinstance(x, torch.nn.Module) else repr(x)

    def listed(call: Any) -> str:
        if call is None:
            return ""
        given = [*map(short, call.args), *(f"{k}={short(v)}" for k, v in call.kwargs.items())]
        return "(" + ", ".join(given)[:120] + ")"

    return f"{listed(sample.constructor_input)}{listed(sample.forward_input)}"


def main() -> None:
    """Prints a line for each module that differs, and the count."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement.modules", description=__doc__)
    parser.add_argument("names", nargs="*", help="names or patterns; none: all")
    parser.add_argument("-v", "--verbose", action="store_true", help="every difference")
    given = parser.parse_args()
    wanted = given.names or ["*"]
    chosen = [i for i in table() if any(fnmatch.fnmatch(label(i), n) for n in wanted)]
    good = 0
    for info in chosen:
        verdict = check(info)
        good += verdict.agrees
        if verdict.agrees and given.names:
            print(f"{verdict.name}: agrees {verdict.tried}")
        for aspect, differences in verdict.wrong.items():
            tried = verdict.tried[aspect]
            print(f"{verdict.name}: {aspect} {len(differences)} of {tried}: {differences[0]}")
            for one in differences[1:] if given.verbose else ():
                print(f"    {one}")
    print(f"{good} of {len(chosen)} agree")


if __name__ == "__main__":
    main()
