"""Functions of tensors that networks are made of; mirrors ``torch.nn.functional``.

They are the operations of `flambeau.ops`, shown here by their PyTorch names.

>>> import flambeau as fb
>>> fb.nn.functional.relu(fb.tensor([-1.0, 2.0]))
tensor([0., 2.])
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ..ops import SPACES
from ..ops.registry import InPlace

_SHOWN = SPACES["F"]
# What PyTorch shows on the package and, for old code's sake, here.
for _name in ("sigmoid", "tanh"):
    _SHOWN[_name] = SPACES["fb"][_name]


def _with_inplace(op: Any, twin: Any) -> Any:
    """The operation with PyTorch's argument ``inplace``, which comes last."""
    count = len(op.names)

    def called(*args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if len(args) > count:
            args, inplace = args[:count], args[count]
        return (twin if inplace else op)(*args, **kwargs)

    functools.update_wrapper(called, op, ("__name__", "__doc__"), ())
    last = inspect.Parameter("inplace", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)
    found = inspect.signature(op).parameters.values()
    called.__signature__ = inspect.Signature([*found, last])  # type: ignore[attr-defined]
    return called


for _name in [n for n in _SHOWN if isinstance(_SHOWN.get(f"{n}_"), InPlace)]:
    _SHOWN[_name] = _with_inplace(_SHOWN[_name], _SHOWN[f"{_name}_"])

globals().update(_SHOWN)
__all__ = sorted(_SHOWN)

if TYPE_CHECKING:  # what is gathered above is not to be seen by reading

    def __getattr__(name: str) -> Any: ...
