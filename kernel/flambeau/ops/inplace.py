"""In-place twins of composites: computed aside, then written into the tensor."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .gather import index_add, index_copy, index_fill, scatter, scatter_add
from .index import copy_
from .registry import show


def _twin(body: Any) -> None:
    name = body.__name__

    def written(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return copy_(self, body(self, *args, **kwargs))

    written.__name__ = f"{name}_"
    written.__doc__ = f"In-place version of ``{name}``: writes into the tensor, returns it."
    show(f"{name}_", written, "Tensor")


for _body in (scatter, scatter_add, index_add, index_copy, index_fill):
    _twin(_body)
