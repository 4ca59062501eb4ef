"""One operation of PyTorch's table: both libraries run its samples, and differences are told."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import flambeau as fb

from . import translate
from .compare import differs

SAMPLES = 24  # of one type, spread over those that there are
VALUE_TYPES = (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64)
MORE_TYPES = (torch.uint8, torch.int32, torch.float16, torch.bfloat16, torch.complex128)
GRADIENT_TYPES = (torch.float64, torch.complex128)
ASPECTS = ("values", "gradients", "inplace", "method", "out", "errors")

# Their values are drawn at random or left as they were: shape and type alone can agree.
RANDOM = frozenset(
    [
        "bernoulli",
        "cauchy",
        "exponential",
        "geometric",
        "log_normal",
        "normal",
        "uniform",
        "rand_like",
        "randint",
        "randint_like",
        "randn",
        "randn_like",
        "multinomial",
        "empty",
        "empty_like",
        "empty_permuted",
        "empty_strided",
        "new_empty",
        "new_empty_strided",
        "resize_",
        "resize_as_",
        "nn.functional.dropout",
        "nn.functional.dropout2d",
        "nn.functional.dropout3d",
        "nn.functional.alpha_dropout",
        "nn.functional.feature_alpha_dropout",
        "nn.functional.rrelu",
        "nn.functional.fractional_max_pool2d",
        "nn.functional.fractional_max_pool3d",
        "svd_lowrank",
        "pca_lowrank",
        "hash_tensor",
    ]
)
# Determined up to signs or an order: compared as what PyTorch's table makes of their results.
GAUGED = frozenset(
    [
        "svd",
        "linalg.svd",
        "linalg.eigh",
        "linalg.eig",
        "linalg.eigvals",
        "linalg.qr",
        "qr",
        "geqrf",
        "linalg.lstsq",
    ]
)
# Which of several equal values comes first is left open: their places are compared by value.
TIED = frozenset(("sort", "argsort", "topk", "kthvalue", "mode"))
# PyTorch's own gradient is wrong, or is none because a sample hands over a slice.
GRADIENTS_ASIDE = frozenset(("as_strided_scatter", "istft", "max_pool2d_with_indices_backward"))
# PyTorch leaves `out` as it was.
OUT_ASIDE = frozenset(("fft.ihfft2", "fft.ihfftn"))
# Not what agreement is about: sparse and quantized kinds, kernels of devices, half complex.
ASIDE = frozenset(
    [
        "chalf",
        "sparse.mm",
        "sparse.sampled_addmm",
        "to_sparse",
        "jiterator_binary",
        "jiterator_unary",
        "jiterator_2inputs_2outputs",
        "jiterator_4inputs_with_extra_args",
        "jiterator_binary_return_by_ref",
        "torch._scaled_mm",
        "torch._scaled_mm_v2",
        "torch.ops.aten._efficient_attention_forward",
        "torch.ops.aten._flash_attention_forward",
    ]
)


@dataclass
class Verdict:
    """What was found for one operation."""

    name: str
    tried: dict[str, int] = field(default_factory=dict)  # aspect -> samples
    wrong: dict[str, list[str]] = field(default_factory=dict)  # aspect -> what differs

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.wrong

    def add(self, aspect: str, difference: str | None) -> None:
        """Notes one sample."""
        self.tried[aspect] = self.tried.get(aspect, 0) + 1
        if difference is not None:
            self.wrong.setdefault(aspect, []).append(difference)


def table() -> list[Any]:
    """PyTorch's table of operations on dense tensors."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [o for o in op_db if o.name not in ASIDE]


def label(info: Any) -> str:
    """An entry's name, with its variant if it has one."""
    return f"{info.name}[{info.variant_test_name}]" if info.variant_test_name else info.name


def check(info: Any, more: bool = False) -> Verdict:
    """Runs everything that PyTorch's table has of one operation."""
    verdict = Verdict(label(info))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ours = callable_of(info)
        except AttributeError:
            verdict.add("values", "there is no such name")
            return verdict
        for dtype in (*VALUE_TYPES, *(MORE_TYPES if more else ())):
            if dtype in info.dtypes:
                _check_type(info, ours, dtype, verdict)
        for dtype in GRADIENT_TYPES:
            if info.supports_autograd and dtype in info.dtypes:
                _check_gradients(info, ours, dtype, verdict)
        if info.error_inputs_func is not None:
            _check_errors(info, ours, verdict)
    return verdict


def callable_of(info: Any) -> Callable[..., Any]:
    """Flambeau's twin of an entry's operation; AttributeError if there is none."""
    overload = type(info.op).__name__.startswith("OpOverload")
    if overload or type(info.op).__name__ == "_JittedFunction":
        name = info.name.removeprefix("torch.ops.aten.").removesuffix(".default")
        return translate.find(name)
    try:
        return translate.function(info.op)
    except AttributeError:  # its function goes by another name inside PyTorch
        return translate.find(info.name)


def samples(info: Any, dtype: Any, requires_grad: bool = False) -> list[Any]:
    """Some of an entry's samples: all, or spread evenly over them."""
    torch.manual_seed(7)
    every = list(info.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    if len(every) <= SAMPLES:
        return every
    return [every[round(i)] for i in np.linspace(0, len(every) - 1, SAMPLES)]


def _check_type(info: Any, ours: Any, dtype: Any, verdict: Verdict) -> None:
    for sample in samples(info, dtype):
        told = _told(sample, dtype)
        expected, raised = _run(info.op, sample)
        if raised is not None or "complex32" in repr([t.dtype for t in _leaves(expected)]):
            continue
        try:
            twin = _twin(sample)
        except Exception as error:
            verdict.add("values", f"{told}: the sample {_said(error)}")
            continue
        verdict.add("values", _compared(info, ours, twin, expected, told))
        _check_variants(info, sample, expected, told, verdict)


def _check_variants(info: Any, sample: Any, expected: Any, told: str, verdict: Verdict) -> None:
    method = info.method_variant
    if method is not None and isinstance(sample.input, torch.Tensor):
        wanted, raised = _run(method, sample)
        if raised is None:
            run = _method(method)
            difference = (
                f"Tensor.{method.__name__} is missing"
                if run is None
                else _compared(info, run, _twin(sample), wanted, told)
            )
            verdict.add("method", difference)
    inplace = info.inplace_variant
    if inplace is not None and isinstance(sample.input, torch.Tensor):
        _check_inplace(info, inplace, sample, told, verdict)
    if info.supports_out and isinstance(expected, torch.Tensor) and info.name not in OUT_ASIDE:
        _check_out(info, sample, expected, told, verdict)


def _method(variant: Any) -> Any:
    """Flambeau's twin of a method, or of a test's helper that calls one; None if it is missing."""
    try:
        return translate.function(variant)
    except AttributeError:
        return None


def _check_inplace(info: Any, inplace: Any, sample: Any, told: str, verdict: Verdict) -> None:
    twin = _twin(sample)
    target = sample.input.clone()
    try:
        wanted = inplace(target, *sample.args, **sample.kwargs)
    except Exception:
        return
    run = _method(inplace)
    if run is None:
        verdict.add("inplace", f"{getattr(inplace, '__name__', inplace)} is missing")
        return
    given = twin[0].clone()
    try:
        made = run(given, *twin[1], **twin[2])
    except Exception as error:
        verdict.add("inplace", f"{told}: {_said(error)}")
        return
    difference = None if made is given else "does not return its input"
    if info.name not in RANDOM:
        difference = difference or differs(made, wanted)
    verdict.add("inplace", difference and f"{told}: {difference}")


def _check_out(info: Any, sample: Any, expected: Any, told: str, verdict: Verdict) -> None:
    target = torch.empty_like(expected)
    try:
        info.op(sample.input, *sample.args, **sample.kwargs, out=target)
    except Exception:
        return
    one, args, kwargs = _twin(sample)
    given = fb.empty(tuple(expected.shape), dtype=translate.value(expected.dtype))
    try:
        made = callable_of(info)(one, *args, **kwargs, out=given)
    except Exception as error:
        verdict.add("out", f"{told}: {_said(error)}")
        return
    difference = None if made is given else "does not return `out`"
    if info.name not in RANDOM:
        difference = difference or differs(given, target)
    verdict.add("out", difference and f"{told}: {difference}")


def _check_gradients(info: Any, ours: Any, dtype: Any, verdict: Verdict) -> None:
    if info.name in RANDOM | GRADIENTS_ASIDE:
        return
    for sample in samples(info, dtype, requires_grad=True):
        told = _told(sample, dtype)
        if _drops(sample.args, sample.kwargs):
            continue
        try:
            one, args, kwargs = _twin(sample)
        except Exception:
            continue
        process = sample.output_process_fn_grad or (lambda x: x)
        try:
            inputs = _wanting([sample.input, sample.args, sample.kwargs])
            outs = _differentiable(process(info.op(sample.input, *sample.args, **sample.kwargs)))
            if not inputs or not outs:
                continue
            torch.manual_seed(11)
            seeds = [torch.randn_like(o) for o in outs]
            wanted = torch.autograd.grad(outs, inputs, seeds, allow_unused=True)
        except Exception:
            continue
        try:
            mine = _wanting([one, args, kwargs])
            results = _differentiable(translate.value(process)(ours(one, *args, **kwargs)))
            if len(results) != len(outs):
                raise AssertionError(f"{len(results)} outputs have a gradient, not {len(outs)}")
            seeded = [translate.tensor(s) for s in seeds]
            made = fb.autograd.grad(results, mine, seeded, allow_unused=True)
            found = [_zeros(m, t) for m, t in zip(made, mine, strict=True)]
            asked = [_zeros(m, t) for m, t in zip(wanted, inputs, strict=True)]
            difference = differs(found, asked)
        except Exception as error:
            difference = _said(error)
        verdict.add("gradients", difference and f"{told}: {difference}")


def _check_errors(info: Any, ours: Any, verdict: Verdict) -> None:
    try:
        every = list(info.error_inputs("cpu"))
    except Exception:
        return
    for entry in every[:SAMPLES]:
        sample = entry.sample_input
        if info.name.startswith("__") and not isinstance(sample.input, torch.Tensor):
            continue  # a method called on what is no tensor
        _, raised = _run(info.op, sample)
        if raised is None or "single memory location" in str(raised):
            continue  # the latter: what shares memory there does not here, and is tested elsewhere
        told = _told(sample, None)
        try:
            twin = _twin(sample)
        except Exception:
            continue
        try:
            ours(twin[0], *twin[1], **twin[2])
        except Exception as error:
            kind = type(raised)
            # A subclass is as good: `except RuntimeError` catches it.
            fine = isinstance(error, kind)
            difference = None if fine else f"{type(error).__name__}, not {kind.__name__}: {error}"
        else:
            difference = f"nothing raised, not {type(raised).__name__}: {raised}"
        verdict.add("errors", difference and f"{told}: {difference[:300]}")


def _run(f: Any, sample: Any) -> tuple[Any, Exception | None]:
    try:
        given = _copied(sample.input)
        return f(given, *sample.args, **sample.kwargs), None
    except Exception as error:
        return None, error


def _copied(x: Any) -> Any:
    if not isinstance(x, torch.Tensor) or x.requires_grad:
        return x
    whole = x.untyped_storage().nbytes() // x.element_size()
    if not x.numel() or whole == x.numel():
        return x.clone()
    base = torch.as_strided(x, (whole,), (1,), 0).clone()  # with what lies around it
    return torch.as_strided(base, x.shape, x.stride(), x.storage_offset())


def _twin(sample: Any) -> tuple[Any, Any, Any]:
    return (
        translate.value(sample.input),
        translate.value(tuple(sample.args)),
        translate.value(dict(sample.kwargs)),
    )


def _compared(info: Any, ours: Any, twin: Any, expected: Any, told: str) -> str | None:
    one, args, kwargs = twin
    try:
        made = ours(one, *args, **kwargs)
        values = info.name not in RANDOM | GAUGED and not _drops(args, kwargs)
        if info.name in TIED and values:
            made, expected = (_taken(r, info, one, args, kwargs) for r in (made, expected))
        difference = differs(made, expected, values)
    except Exception as error:
        difference = _said(error)
    return difference and f"{told}: {difference}"


def _drops(args: Any, kwargs: Any) -> bool:
    """Whether a sample asks for dropout, which no two libraries draw alike."""
    of_attention = args[9] if len(args) > 11 else 0.0  # multi_head_attention_forward
    return max(kwargs.get("dropout_p", 0.0), of_attention) > 0


def _taken(result: Any, info: Any, one: Any, args: Any, kwargs: Any) -> Any:
    """A result with indices, each replaced by the value that it points at."""
    lib = torch if isinstance(next(_leaves(result)), torch.Tensor) else fb
    values = result[0] if isinstance(result, tuple) else None
    indices = result[1] if isinstance(result, tuple) else result
    given = one if lib is fb else _as_torch(one)
    place = 1 if info.name in ("topk", "kthvalue") else 0  # of dim among the arguments
    dim = kwargs.get("dim", args[place] if len(args) > place else -1)
    if not given.ndim or indices.ndim != given.ndim:
        return (values, indices.dtype)
    return (values, lib.gather(given, dim, indices), str(indices.dtype))


def _as_torch(t: Any) -> Any:
    if t.dtype is fb.bfloat16:
        return torch.from_numpy(t.detach().float().numpy().copy()).bfloat16()
    return torch.from_numpy(t.detach().numpy().copy())


def _zeros(g: Any, like: Any) -> Any:
    if g is not None:
        return g
    return torch.zeros_like(like) if isinstance(like, torch.Tensor) else fb.zeros_like(like)


def _leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, torch.Tensor | fb.Tensor):
        yield x
    elif isinstance(x, dict):
        for v in x.values():
            yield from _leaves(v)
    elif isinstance(x, list | tuple):
        for v in x:
            yield from _leaves(v)


def _wanting(x: Any) -> list[Any]:
    return [t for t in _leaves(x) if t.requires_grad]


def _differentiable(x: Any) -> list[Any]:
    return [t for t in _leaves(x) if t.requires_grad]


def _said(error: BaseException) -> str:
    text = str(error).split("\n")[0]
    return f"raises {type(error).__name__}: {text[:220]}"


def _told(sample: Any, dtype: Any) -> str:
    """A sample in short."""

    def short(x: Any) -> str:
        if isinstance(x, torch.Tensor):
            return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
        if isinstance(x, list | tuple):
            return "(" + ", ".join(map(short, x)) + ")"
        return repr(x)

    given = [short(sample.input), *map(short, sample.args)]
    given += [f"{k}={short(v)}" for k, v in sample.kwargs.items()]
    return "(" + ", ".join(given)[:160] + ")"
