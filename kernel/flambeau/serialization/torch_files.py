"""Files that PyTorch saved: zip archives, and the format from before 1.6."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import numpy as np

from .. import dtypes
from ..device import device
from ..nn.parameter import Parameter
from ..tensor import Size, Tensor, wrap_as
from .content import Damaged, Placer
from .pickles import Known, Machine, named

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "bfloat16", "Bool": "?"}
_STORAGES |= {"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"}
_STORAGES |= {"ComplexFloat": "c8", "ComplexDouble": "c16"}


class Storage:
    """The memory of tensors: one flat array, and the device it was saved from."""

    def __init__(self, kind: str, location: str, count: int) -> None:
        self.stored = dtypes.bfloat16.numpy if kind == "bfloat16" else np.dtype(kind)
        self.location, self.count = location, count
        self.array = np.zeros(0, self.stored)

    def allocate(self, limit: int) -> None:
        """Makes room, to be filled later; ``limit``: the size of the whole file."""
        if not 0 <= self.count * self.stored.itemsize <= limit:
            raise UnpicklingError("the pickle names a storage larger than the file")
        self.array = np.zeros(self.count, self.stored)

    def fill(self, data: Any, order: str = "<") -> None:
        """Takes the bytes of the file."""
        size = self.count * self.stored.itemsize
        if not 0 <= size <= len(data):
            raise Damaged(f"a tensor's data has {len(data)} bytes in place of {size}")
        raw = np.dtype("u2") if self.stored.kind == "V" else self.stored  # bfloat16 is "V"
        found = np.frombuffer(data, raw.newbyteorder(order), self.count)  # type: ignore[arg-type]
        self.array.view(raw)[...] = found


class _Builder:
    """Makes tensors of storages, for the machine that reads the pickle."""

    def __init__(self, place: Placer) -> None:
        self.place = place
        self.pending: list[tuple[Tensor, Storage]] = []
        self.known: dict[Any, Any] = {
            **{("torch", name): d for name, d in dtypes.PUBLIC.items()},
            **{("torch", f"{n}Storage"): kind for n, kind in _STORAGES.items()},
            ("torch.storage", "UntypedStorage"): "u1",
            ("torch", "Size"): Known(lambda sizes: Size(int(n) for n in sizes)),
            ("torch", "device"): Known(_device),
            ("torch.serialization", "_get_layout"): Known(lambda name: None),
            ("torch._utils", "_rebuild_tensor"): Known(self.tensor),
            ("torch._utils", "_rebuild_tensor_v2"): Known(self.tensor),
            ("torch._utils", "_rebuild_tensor_v3"): Known(self.typed_tensor),
            ("torch._utils", "_rebuild_parameter"): Known(self.parameter),
        }

    def tensor(
        self, storage: Any, offset: int, size: Any, stride: Any, requires_grad: Any = False, *_: Any
    ) -> Tensor:
        """A view of a storage, in its type."""
        return self._view(storage, None, offset, size, stride, requires_grad)

    def typed_tensor(
        self,
        storage: Any,
        offset: int,
        size: Any,
        stride: Any,
        grad: Any,
        hooks: Any,
        dtype: Any,
        *_: Any,
    ) -> Tensor:
        """A view of a storage of bytes, in a type that is said."""
        if not isinstance(dtype, dtypes.dtype):
            raise UnpicklingError("the pickle names a type that is none")
        return self._view(storage, dtype.numpy, offset, size, stride, grad)

    def _view(
        self, storage: Any, kind: Any, offset: int, size: Any, stride: Any, requires_grad: Any
    ) -> Tensor:
        """NumPy checks that it lies inside."""
        if not isinstance(storage, Storage):
            raise UnpicklingError("the pickle makes a tensor of something that is no storage")
        kind = storage.array.dtype if kind is None else kind
        width = kind.itemsize
        array = np.ndarray(
            tuple(size),
            kind,
            storage.array.view(np.uint8).data,
            offset * width,
            tuple(s * width for s in stride),
        )
        made = wrap_as(Tensor, array)
        self.pending.append((made, storage))
        return made.requires_grad_(bool(requires_grad))

    def parameter(self, data: Any, requires_grad: Any, *_: Any) -> Parameter:
        """A parameter over a tensor."""
        made = Parameter(data, bool(requires_grad))
        self.pending += [(made, storage) for t, storage in self.pending if t is data]
        return made

    def finish(self) -> None:
        """Puts everything on its device, once the data is there."""
        for tensor, storage in self.pending:
            tensor.array = self.place(tensor.array, storage.location)


def _device(name: Any, number: Any = None) -> device:
    if type(name) is not str or type(number) not in (int, type(None)):
        raise UnpicklingError("the pickle names a device by something that is no string")
    return device(name, number)


def _storage_id(pid: Any) -> tuple[str, str, str, int]:
    """The kind, key, location and length in a persistent id."""
    if type(pid) is not tuple or len(pid) < 5 or pid[0] != "storage":
        what = named(pid[0] if type(pid) is tuple and pid else pid)
        raise UnpicklingError(f"the pickle refers to {what} outside itself")
    _, kind, key, location, count, *rest = pid
    if kind not in _STORAGES.values() or type(count) is not int:
        raise UnpicklingError("the pickle names a storage of a type that there is not")
    if type(key) is not str or type(location) is not str:
        raise UnpicklingError("the pickle names a storage by something that is no string")
    if rest and rest[0] is not None:
        raise UnpicklingError("the pickle has views of storages, as only very old files do")
    return kind, key, location, count


def is_zip(data: bytes) -> bool:
    """Whether the bytes are a zip archive."""
    return data[:4] == b"PK\x03\x04"


def read_zip(data: bytes, name: str, place: Placer) -> Any:
    """The object in a file of PyTorch 1.6 or later."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _Archive(archive, place).read()
    except UnpicklingError as error:
        raise UnpicklingError(f"{name}: {error}") from None
    except (Damaged, zipfile.BadZipFile, KeyError, EOFError, zlib.error) as error:
        raise Damaged(f"{name}: the file is cut off or damaged ({error})") from None
    except (NotImplementedError, ValueError, OSError, struct.error, OverflowError) as error:
        raise Damaged(f"{name}: the file is damaged ({error!r})") from None


class _Archive:
    def __init__(self, archive: zipfile.ZipFile, place: Placer) -> None:
        self.archive = archive
        self.builder = _Builder(place)
        self.storages: dict[Any, Storage] = {}
        names = archive.namelist()
        found = [n for n in names if n.endswith("/data.pkl") and n.count("/") == 1]
        if not found:
            raise Damaged("the zip archive holds no data.pkl: PyTorch did not write it")
        self.root = found[0][: -len("data.pkl")]
        if f"{self.root}constants.pkl" in names:
            raise UnpicklingError(
                "the file holds a TorchScript program rather than tensors: save its state_dict()"
            )
        order = "little"
        if f"{self.root}byteorder" in names:
            order = self.entry("byteorder").decode()
        self.order = ">" if order == "big" else "<"

    def entry(self, name: str) -> bytes:
        """The bytes of one file in the archive, its checksum verified."""
        info = self.archive.getinfo(self.root + name)
        if info.compress_type != zipfile.ZIP_STORED:  # a small file could unpack to a huge one
            raise Damaged(f"its entry {info.filename} is compressed, as PyTorch never writes them")
        return self.archive.read(info)

    def read(self) -> Any:
        """The object."""
        pickled = io.BytesIO(self.entry("data.pkl"))
        made = Machine(pickled, self.builder.known, self.storage).run()
        self.builder.finish()
        return made

    def storage(self, pid: Any) -> Storage:
        """The storage of a persistent id, read once."""
        kind, key, location, count = _storage_id(pid)
        if key not in self.storages:
            data = self.entry(f"data/{key}")
            storage = Storage(kind, location, count)
            storage.allocate(len(data))
            storage.fill(data, self.order)
            self.storages[key] = storage
        return self.storages[key]


def read_pickled(data: bytes, name: str, place: Placer) -> Any:
    """The object in a file of PyTorch before 1.6, or in a plain pickle of containers."""
    try:
        return _Legacy(data, place).read()
    except UnpicklingError as error:
        raise UnpicklingError(
            f"{name}: not a whole file of Flambeau, safetensors or PyTorch: {error}"
        ) from None
    except (Damaged, AttributeError, TypeError, KeyError, struct.error) as error:
        raise Damaged(f"{name}: the file is cut off or damaged ({error})") from None


class _Legacy:
    """Several pickles one after the other, and then the data of the storages they name."""

    def __init__(self, data: bytes, place: Placer) -> None:
        self.file, self.size = io.BytesIO(data), len(data)
        self.builder = _Builder(place)
        self.storages: dict[Any, Storage] = {}

    def pickled(self, persistent: Callable[[Any], Any] | None = None) -> Any:
        """The object of the next pickle."""
        return Machine(self.file, self.builder.known, persistent or _no_storages).run()

    def storage(self, pid: Any) -> Storage:
        """The storage of a persistent id, to be filled later."""
        kind, key, location, count = _storage_id(pid)
        if key not in self.storages:
            self.storages[key] = Storage(kind, location, count)
            self.storages[key].allocate(self.size)
        return self.storages[key]

    def read(self) -> Any:
        """The object."""
        first = self.pickled()
        if type(first) is not int or first != _MAGIC:
            return first
        self.pickled()  # the protocol's version
        system = self.pickled()
        made = self.pickled(self.storage)
        self.fill(self.pickled(), "<" if system.get("little_endian", True) else ">")
        self.builder.finish()
        return made

    def fill(self, keys: Any, order: str) -> None:
        """Reads the data of each storage."""
        if type(keys) is not list or any(type(key) is not str for key in keys):
            raise Damaged("its list of storages is not one")
        if set(self.storages) != set(keys):
            raise Damaged("its list of storages does not match its tensors")
        for key in keys:
            storage = self.storages[key]
            (count,) = struct.unpack("<q", self.file.read(8))
            if count != storage.count:
                raise Damaged(f"storage {key} has {count} elements in place of {storage.count}")
            storage.fill(self.file.read(count * storage.stored.itemsize), order)


def _no_storages(pid: Any) -> Any:
    raise UnpicklingError("the pickle refers to something outside itself")
