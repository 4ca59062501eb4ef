"""PyTorch's values as Flambeau's, and the other way round where results are compared."""

from __future__ import annotations

import functools
import types
from typing import Any

import torch

import flambeau as fb


def tensor(t: torch.Tensor) -> Any:
    """The same numbers in the same layout; a leaf if it was one."""
    base = t.detach().resolve_conj().resolve_neg()
    dtype = getattr(fb, str(t.dtype).removeprefix("torch."))
    if t.device.type == "meta":
        return fb.empty(tuple(t.shape), dtype=dtype, device="meta")
    if t.layout is not torch.strided:
        raise NotImplementedError("only dense tensors")
    made = _laid_out(base, dtype)
    if t.requires_grad:
        made.requires_grad_()
    return made


def _laid_out(t: torch.Tensor, dtype: Any) -> Any:
    whole = t.untyped_storage().nbytes() // t.element_size()
    if t.numel() == 0 or (t.is_contiguous() and whole == t.numel()):
        return _dense(t, dtype)
    flat = _dense(torch.as_strided(t, (whole,), (1,), 0), dtype)  # what lies around it, too
    return fb.as_strided(flat, tuple(t.shape), t.stride(), t.storage_offset())


def _dense(t: torch.Tensor, dtype: Any) -> Any:
    if t.dtype is torch.bfloat16:
        return fb.tensor(t.float().numpy().copy()).to(dtype)
    return fb.from_numpy(t.numpy().copy())


def value(x: Any) -> Any:
    """Anything that stands among an operation's arguments."""
    if isinstance(x, torch.nn.Parameter):
        return fb.nn.Parameter(tensor(x.detach()), requires_grad=x.requires_grad)
    if isinstance(x, torch.Tensor):
        return tensor(x)
    if isinstance(x, torch.Size):
        return fb.Size(x)
    if isinstance(x, torch.dtype):
        return getattr(fb, str(x).removeprefix("torch."))
    if isinstance(x, torch.device):
        return fb.device(x.type)
    if isinstance(x, torch.layout | torch.memory_format):
        return getattr(fb, str(x).removeprefix("torch."))
    if isinstance(x, dict):
        return {k: value(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        if hasattr(x, "_fields"):
            return type(x)(*(value(v) for v in x))
        return type(x)(value(v) for v in x)
    if isinstance(x, slice):
        return slice(value(x.start), value(x.stop), value(x.step))
    if isinstance(x, types.FunctionType | types.LambdaType | types.BuiltinFunctionType):
        return function(x)
    if isinstance(x, torch.nn.Module):
        return module(x)
    return x


def module(m: torch.nn.Module) -> Any:
    """A module given as an argument, such as the distance of a triplet loss."""
    names = {k: v for k, v in vars(m).items() if not k.startswith("_") and k != "training"}
    names = {"p" if k == "norm" else k: v for k, v in names.items()}
    return getattr(fb.nn, type(m).__name__)(**names)


def function(f: Any) -> Any:
    """The function of the same name; a test's own helper runs with ``torch`` meaning Flambeau."""
    if isinstance(f, functools.partial):
        return functools.partial(function(f.func), *value(f.args), **value(f.keywords))
    module = getattr(f, "__module__", "") or ""
    if isinstance(f, types.FunctionType) and module.startswith("torch.testing"):
        return rebound(f)
    if isinstance(f, types.MethodDescriptorType | types.WrapperDescriptorType):
        return getattr(fb.Tensor, f.__name__)
    place = {"torch._C._nn": "nn.functional", "torch.functional": "", "torch._tensor": "Tensor"}
    path = place.get(module, module.removeprefix("torch").strip("."))
    path = path.replace("_C._", "").replace("masked._ops", "masked")
    path = path.replace("signal.windows.windows", "signal.windows")
    name = f.__name__
    prefix = f"{path}_"
    if path in ("linalg", "fft", "special") and name.startswith(prefix):
        name = name.removeprefix(prefix)
    return find(f"{path}.{name}".strip("."))


def find(path: str) -> Any:
    """What stands under a dotted path in Flambeau; AttributeError if nothing does."""
    found: Any = fb
    for name in path.split("."):
        found = getattr(found, name)
    return found


class _Aten:
    """PyTorch's inner names of operations, for helpers that call them: ``torch.ops.aten.add``."""

    def __getattr__(self, name: str) -> Any:
        found = functools.partial(getattr(fb, name))
        found.default = found
        return found


class _AsTorch(types.ModuleType):
    ops = types.SimpleNamespace(aten=_Aten())

    def __getattr__(self, name: str) -> Any:
        return getattr(fb, name)


_as_torch = _AsTorch("torch")


def rebound(f: types.FunctionType) -> Any:
    """A helper of PyTorch's tests in whose body ``torch`` is Flambeau."""
    names = dict(f.__globals__)
    names["torch"] = _as_torch
    names["np"] = __import__("numpy")
    if "wrapper_set_seed" in f.__code__.co_names:
        names["wrapper_set_seed"] = lambda op, *args, **kwargs: op(*args, **kwargs)
    cells = None
    if f.__closure__:
        cells = tuple(types.CellType(_cell(c.cell_contents)) for c in f.__closure__)
    made = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
    made.__kwdefaults__ = f.__kwdefaults__
    return made


def _cell(held: Any) -> Any:
    try:
        return value(held)
    except AttributeError:
        return held
