"""`DataParallel`, where there is one device: code that was written for several runs unchanged."""

from __future__ import annotations

from typing import Any

from .module import Module


class DataParallel(Module):
    """Runs a module on its inputs; with one device there is nothing to split.

    The module keeps its name ``module``, so that a state_dict has the keys that PyTorch's has.

    >>> nn.DataParallel(nn.Linear(2, 1))(fb.ones(3, 2)).shape
    torch.Size([3, 1])
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if device_ids is not None and len(set(map(str, device_ids))) > 1:
            raise ValueError(
                f"DataParallel runs on one device, device_ids names {list(device_ids)}; leave "
                "device_ids out, or name one"
            )
        self.module, self.dim = module, dim
        self.device_ids = [] if device_ids is None else list(device_ids)
        self.output_device = output_device

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Runs a module on a tuple of inputs, as `DataParallel` does."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*inputs, **(module_kwargs or {}))
