"""What programs take from PyTorch's C module by its private name; mirrors that of ``torch._C``."""

from .left_out import explain_all
from .random import Generator
from .subclasses import DisableTorchFunction, DisableTorchFunctionSubclass
from .subclasses import disabled_torch_function as _disabled_torch_function_impl

__all__ = [
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "Generator",
    "_disabled_torch_function_impl",
]

explain_all(__name__)
