"""In-place twins of composites: computed aside, then written into the tensor."""

from __future__ import annotations

from typing import Any

from ..autograd.grad_mode import is_grad_enabled
from ..tensor import Tensor
from .arrange import masked_scatter, renorm
from .convert import can_cast
from .pairs import ldexp
from .registry import SPACES, show
from .scatter import scatter, scatter_add, scatter_reduce
from .slices import index_add, index_copy, index_fill, index_reduce, put
from .special import multigamma, polygamma_of
from .write import copy_


def _twin(body: Any) -> None:
    name = body.__name__

    def written(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # What the gradient rules keep of the tensor must outlast the write.
        before = self.clone() if self.requires_grad and is_grad_enabled() else self
        made = body(before, *args, **kwargs)
        if not can_cast(made.dtype, self.dtype):
            raise RuntimeError(
                f"{name}_(): result type {made.dtype} can't be cast to {self.dtype}, the type of "
                "the tensor to be written to"
            )
        return copy_(self, made)

    written.__name__ = f"{name}_"
    written.__doc__ = f"In-place version of ``{name}``: writes into the tensor, returns it."
    show(f"{name}_", written, "Tensor")


for _body in (
    scatter, scatter_add, scatter_reduce, masked_scatter,
    index_add, index_copy, index_fill, index_reduce, put,
    renorm, ldexp, multigamma, polygamma_of,
):  # fmt: skip
    _twin(_body)
show("ldexp_", SPACES["Tensor"]["ldexp_"], "fb")
