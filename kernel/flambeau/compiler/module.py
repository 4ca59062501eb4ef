"""A module whose forward is compiled: a module around it, as PyTorch's ``OptimizedModule``."""

from __future__ import annotations

from typing import Any

from ..nn.module import Module
from .frontend import Compiled


class OptimizedModule(Module):
    """Calls ``_orig_mod``, replayed where that can be; its attributes are those of the module."""

    _orig_mod: Module

    def __init__(self, module: Module, options: dict[str, Any] | None = None) -> None:
        super().__init__()
        self._orig_mod = module
        self.__dict__["compiled"] = Compiled(module, options)
        self.__dict__["training"] = module.training

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The module's output."""
        return self.compiled(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's output."""
        return self.compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return super().__getattr__(name)
        module = super().__getattr__("_orig_mod")
        if name in ("reasons", "explain", "source", "programs"):
            return getattr(self.__dict__["compiled"], name)
        return getattr(module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("training", "_orig_mod") or name.startswith("_"):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __reduce__(self) -> Any:
        return OptimizedModule, (self._orig_mod, self.compiled.options_given)

    def __repr__(self) -> str:
        return f"OptimizedModule(\n  (_orig_mod): {self._orig_mod!r}\n)".replace("\n(", "\n  (")
