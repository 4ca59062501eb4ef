"""`save` and `load`: objects in files that hold no code; mirrors ``torch.save`` and ``torch.load``.

A file is a safetensors file: its tensors are the values, its metadata says in JSON how they were
nested. Other programs can read it, and reading it never runs anything.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import Any

import safetensors.numpy

from ..left_out import explain_all
from .content import Placer, describe, restore
from .torch_files import is_zip, read_pickled, read_zip

__all__ = ["load", "save"]


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2, **_: Any) -> None:
    """Writes tensors and plain containers of them to a path or a file object.

    It may hold dicts, lists, tuples, sets, numbers, strings, bytes, tensors, NumPy arrays, dtypes
    and devices; TypeError for anything else, before anything is written. A file is written whole
    or not at all. Tensors that share memory still do after `load`.

    >>> import io
    >>> import flambeau as fb
    >>> file = io.BytesIO()
    >>> fb.save({"weight": fb.ones(2), "epoch": 3}, file)
    >>> fb.load(io.BytesIO(file.getvalue()))
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    arrays, metadata = describe(obj)
    if hasattr(f, "write"):
        f.write(safetensors.numpy.save(arrays, metadata))
        return
    path = os.path.realpath(os.fspath(f))
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if os.path.exists(path) and not os.path.isfile(path):  # such as /dev/stdout
        with open(path, "wb") as file:
            file.write(safetensors.numpy.save(arrays, metadata))
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{name[:200]}.", suffix=".part", dir=folder)
    os.close(handle)
    try:
        safetensors.numpy.save_file(arrays, temporary, metadata)
        os.chmod(temporary, _mode(path))
        _to_disk(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, safetensors.SafetensorError):  # the disk is full
            raise OSError(f"{path} could not be written, and is as before: {error}") from None
        raise
    with suppress(OSError):  # not every system can do this with a folder
        _to_disk(folder)


def _mode(path: str) -> int:
    """The permissions for the new file: those of the old one, else what is usual here."""
    if os.path.exists(path):
        return os.stat(path).st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _to_disk(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **_: Any,
) -> Any:
    """Reads what `save` wrote, any safetensors file, or a file that PyTorch saved.

    ``map_location``: the device to put tensors on (or a dict or function from the saved device).
    Nothing in the file is ever run, whatever ``weights_only`` says: a pickle that asks for more
    than tensors and containers raises ``pickle.UnpicklingError`` that names what it asked for.
    A file that is cut off or damaged raises RuntimeError; nothing is returned in part.

    >>> import io
    >>> file = io.BytesIO()
    >>> fb.save(nn.Linear(2, 1).state_dict(), file)
    >>> list(fb.load(io.BytesIO(file.getvalue()), map_location="cpu"))
    ['weight', 'bias']
    """
    if hasattr(f, "read"):
        data, name = f.read(), str(getattr(f, "name", "the file object"))
    else:
        name = os.fspath(f)
        with open(f, "rb") as file:
            data = file.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError("load: the file must be opened in binary mode ('rb')")
    data = bytes(data)
    if not data:
        raise EOFError(f"{name}: the file is empty")
    place = Placer(map_location)
    if is_zip(data):
        return read_zip(data, name, place)
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 1 << 40:
        return restore(data, name, place)
    return read_pickled(data, name, place)


explain_all(__name__)
