"""What this is a version of; mirrors ``torch.version``."""

from . import __version__

__all__ = ["__version__", "cuda", "hip"]

cuda: str | None = None  # the CUDA release that CuPy was built for, where CuPy is installed
hip: str | None = None  # AMD devices are not supported

try:
    from importlib.metadata import distributions as _distributions

    _found = next((d.name for d in _distributions() if d.name.startswith("cupy-cuda")), "cupy-cuda")
    cuda = _found.removeprefix("cupy-cuda").removesuffix("x") or None
except Exception:  # metadata of some other package is broken
    cuda = None
