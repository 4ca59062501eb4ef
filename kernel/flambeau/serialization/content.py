"""How objects become the tensors and the JSON of a safetensors file, and objects again.

In the JSON, None, booleans, strings and finite numbers stand for themselves, and everything else
is a list that begins with its kind: ``["tuple", [1, 2]]``, ``["tensor", 0]``. Checksums cover
every tensor and the JSON itself.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import safetensors

from .. import dtypes
from ..device import CPU, cuda_count, device, move, usable
from ..nn.parameter import Buffer, Parameter
from ..tensor import Size, Tensor, wrap_as

_SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "size": Size}
_MAPPINGS = {"dict": dict, "ordered": OrderedDict, "counter": Counter}
_KINDS: dict[type, str] = {kind: name for name, kind in (_SEQUENCES | _MAPPINGS).items()}
_TENSORS: dict[str, Any] = {"Tensor": Tensor, "Parameter": Parameter, "Buffer": Buffer}
# The names of element types in safetensors files.
_STORED = {f"{k}{8 * n}": f"{k.lower()}{n}" for k in "IUF" for n in (1, 2, 4, 8)}
_STORED |= {"BOOL": "?", "C64": "c8"}


class Damaged(RuntimeError):
    """A file that is not whole; nothing of it is returned."""


class Placer:
    """Puts arrays on the devices that ``map_location`` says."""

    def __init__(self, map_location: Any) -> None:
        self.wanted = map_location
        self.done: dict[Any, Any] = {}  # so that what was one array stays one
        if isinstance(map_location, (str, device)):
            usable(map_location)

    def __call__(self, array: Any, location: str) -> Any:
        """The array on its device, given the device that it was saved from."""
        wanted = self.wanted
        if isinstance(wanted, dict):
            wanted = wanted.get(location, location)
        elif callable(wanted) and not isinstance(wanted, device):
            wanted = wanted(wrap_as(Tensor, array), location)
            if isinstance(wanted, Tensor):
                return wanted.array
        where = device(location if wanted is None else wanted)
        if where.type == "cpu":
            return array
        if not cuda_count():
            raise RuntimeError(
                f"the file holds tensors of device '{location}', and no CUDA device can be used "
                "here: load(..., map_location='cpu') puts them on the CPU"
            )
        key = (array.ctypes.data, array.shape, array.strides, array.dtype, str(where))
        if key not in self.done:
            self.done[key] = (move(array, usable(where)), array)
        return self.done[key][0]


# Writing


def describe(obj: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of the file that holds ``obj``."""
    writer = _Writer()
    tree = writer.node(obj, ())
    writer.store()
    sums = {name: zlib.crc32(_bytes(a)) for name, a in writer.stored.items()}
    text = json.dumps({"tree": tree, "tensors": writer.entries, "sums": sums}, allow_nan=False)
    metadata = {
        "format": "flambeau",
        "version": "1",
        "content": text,
        "sum": str(zlib.crc32(text.encode())),
    }
    return writer.stored, metadata


def _bytes(array: np.ndarray) -> Any:
    return array.reshape(-1).view(np.uint8)


class _Writer:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.arrays: list[tuple[str, Any]] = []  # (name, array) of each entry
        self.stored: dict[str, np.ndarray] = {}
        self.numbers: dict[int, int] = {}  # id of an object -> its entry
        self.alive: list[Any] = []  # so that no id is used twice
        self.inside: set[int] = set()

    def node(self, value: Any, path: tuple[str, ...]) -> Any:
        """The JSON of one value; ``path`` is where it stands, for names and messages."""
        kind = type(value)
        if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
            return value
        if kind is float:
            return ["float", repr(value)]
        if kind is complex:
            return ["complex", repr(value.real), repr(value.imag)]
        if kind is bytes:
            return ["bytes", base64.b85encode(value).decode()]
        if kind is dtypes.dtype:
            return ["dtype", value.name]
        if kind is device:
            return ["device", str(value)]
        if isinstance(value, (Tensor, np.ndarray, np.generic)):
            return self.tensor(value, path)
        if kind in _KINDS:
            return self.container(value, path)
        raise _cannot(value, path)

    def container(self, value: Any, path: tuple[str, ...]) -> Any:
        """The JSON of a list, a dict, and so on."""
        if id(value) in self.inside:
            raise ValueError(f"save: {_at(path)} contains itself")
        self.inside.add(id(value))
        name = _KINDS[type(value)]
        if name in _MAPPINGS:
            made = [
                [self.node(k, (*path, "key")), self.node(v, (*path, str(k)))]
                for k, v in value.items()
            ]
        else:
            made = [self.node(v, (*path, str(i))) for i, v in enumerate(value)]
        self.inside.discard(id(value))
        return [name, made]

    def tensor(self, value: Any, path: tuple[str, ...]) -> Any:
        """The number of a tensor's entry, the same for the same object."""
        if id(value) not in self.numbers:
            array = value.array if isinstance(value, Tensor) else np.asarray(value)
            kind = type(value).__name__ if isinstance(value, Tensor) else "array"
            if isinstance(value, np.generic):
                kind = "scalar"
            if not dtypes.is_number(array.dtype) or kind not in (*_TENSORS, "array", "scalar"):
                raise _cannot(value, path)
            entry = {"kind": kind, "dtype": array.dtype.name, "shape": list(array.shape)}
            if isinstance(value, Tensor):
                entry["device"] = str(value.device)
                entry["requires_grad"] = bool(value.requires_grad)
            self.numbers[id(value)] = len(self.entries)
            self.alive.append(value)
            self.entries.append(entry)
            self.arrays.append((".".join(path) or "tensor", array))
        return ["tensor", self.numbers[id(value)]]

    def store(self) -> None:
        """Puts every array into the file, those that share memory once."""
        groups: dict[int, list[int]] = {}
        for i, (_, array) in enumerate(self.arrays):
            groups.setdefault(id(_owner(array)), []).append(i)
        for members in groups.values():
            first = self.arrays[members[0]][1]
            if all(_same_memory(self.arrays[i][1], first) for i in members):
                name = self._add(*self.arrays[members[0]])
                for i in members:
                    self.entries[i]["data"] = name
            elif isinstance(first, np.ndarray) and _owner(first).flags.forc:
                self._add_views(members)
            else:
                for i in members:
                    self.entries[i]["data"] = self._add(*self.arrays[i])

    def _add_views(self, members: list[int]) -> None:
        """Stores the memory that several views share, and how each looks at it."""
        owner = _owner(self.arrays[members[0]][1])
        flat = owner.ravel(order="K").view(np.uint8)
        start = owner.ctypes.data
        bounds = [np.lib.array_utils.byte_bounds(self.arrays[i][1]) for i in members]
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        name = self._add(self.arrays[members[0]][0] + ".memory", flat[low - start : high - start])
        for i in members:
            array = self.arrays[i][1]
            offset, strides = array.ctypes.data - low, list(array.strides)
            self.entries[i].update(data=name, offset=offset, strides=strides)

    def _add(self, name: str, array: Any) -> str:
        array = move(array, CPU)
        plain = np.ascontiguousarray(array).reshape(array.shape)
        plain = plain.astype(plain.dtype.newbyteorder("="), copy=False)
        if plain.dtype.kind == "c":  # older readers know no complex numbers
            plain = plain.reshape(-1).view(plain.real.dtype).reshape(*plain.shape, 2)
        unique, n = name, 1
        while unique in self.stored or unique == "__metadata__":
            unique, n = f"{name}.{n}", n + 1
        self.stored[unique] = plain
        return unique


def _owner(array: Any) -> Any:
    """The array whose memory it is a view of."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array


def _same_memory(a: Any, b: Any) -> bool:
    def where(x: Any) -> Any:
        return x.ctypes.data if isinstance(x, np.ndarray) else x.data.ptr

    return where(a) == where(b) and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)


def _at(path: tuple[str, ...]) -> str:
    return f"the value at {'.'.join(path)!r}" if path else "the object"


def _cannot(value: Any, path: tuple[str, ...]) -> TypeError:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    hint = "It holds tensors, numbers, strings and plain containers of them."
    if hasattr(value, "state_dict"):
        hint = "Save its state_dict() and load that into a new one: obj.load_state_dict(load(f))."
    return TypeError(f"save: {_at(path)} is of type {name}, which a file cannot hold. {hint}")


# Reading


def restore(data: bytes, name: str, place: Placer) -> Any:
    """The object in a safetensors file; a dict of its tensors if no `save` wrote it."""
    try:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        stored = {key: _array(view) for key, view in safetensors.deserialize(data)}
    except (ValueError, KeyError, TypeError, RecursionError, safetensors.SafetensorError) as error:
        raise Damaged(f"{name}: the file is cut off or damaged ({error})") from None
    metadata = header.get("__metadata__") or {}
    if not metadata.keys() & {"content", "sum"} and metadata.get("format") != "flambeau":
        return {key: wrap_as(Tensor, place(array, "cpu")) for key, array in stored.items()}
    version = metadata.get("version", "1")
    if version != "1":
        raise RuntimeError(f"{name}: version {version} of the format needs a newer Flambeau")
    try:
        return _Reader(metadata, stored, place).object()
    except Damaged as error:
        raise Damaged(f"{name}: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Damaged(f"{name}: the file is damaged ({error!r})") from None


def _array(view: dict[str, Any]) -> np.ndarray:
    kind = dtypes.bfloat16.numpy if view["dtype"] == "BF16" else _STORED[view["dtype"]]
    return np.frombuffer(view["data"], kind).reshape(view["shape"])


class _Reader:
    def __init__(self, metadata: Any, stored: dict[str, np.ndarray], place: Placer) -> None:
        text = metadata["content"]
        if str(zlib.crc32(text.encode())) != metadata.get("sum"):
            raise Damaged("the file is damaged: its description does not match its checksum")
        content = json.loads(text)
        for key, array in stored.items():
            if zlib.crc32(_bytes(array)) != content["sums"][key]:
                raise Damaged(f"the file is damaged: {key!r} does not match its checksum")
        self.content, self.stored, self.place = content, stored, place
        self.made: dict[int, Any] = {}

    def object(self) -> Any:
        """The whole object."""
        return self.value(self.content["tree"])

    def value(self, node: Any) -> Any:
        """The value of a node."""
        if not isinstance(node, list):
            return node
        kind, *rest = node
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](self.value(v) for v in rest[0])
        if kind in _MAPPINGS:
            pairs = [(self.value(k), self.value(v)) for k, v in rest[0]]
            return _MAPPINGS[kind](dict(pairs) if kind == "counter" else pairs)
        simple = {
            "float": float,
            "complex": lambda a, b: complex(float(a), float(b)),
            "bytes": base64.b85decode,
            "dtype": dtypes.of_name,
            "device": device,
            "tensor": self.tensor,
        }
        if kind not in simple:
            raise Damaged(f"the file is damaged: it names a kind {kind!r} of value")
        return simple[kind](*rest)  # type: ignore[operator]

    def tensor(self, number: int) -> Any:
        """The tensor of an entry, made once."""
        if number not in self.made:
            self.made[number] = self._make(self.content["tensors"][number])
        return self.made[number]

    def _make(self, entry: dict[str, Any]) -> Any:
        array, name = self.stored[entry["data"]], entry["dtype"]
        dtype = dtypes.bfloat16.numpy if name == "bfloat16" else np.dtype(name)
        if not dtypes.is_number(dtype):
            raise Damaged(f"the file is damaged: it names the element type {dtype}")
        if "strides" in entry:
            array = np.ndarray(
                tuple(entry["shape"]), dtype, array.data, entry["offset"], entry["strides"]
            )
        else:
            array = array.reshape(-1).view(dtype)
            if min(entry["shape"], default=0) < 0:
                raise Damaged("the file is damaged: it names a negative size")
            array = array.reshape(entry["shape"])
        if entry["kind"] == "array":
            return array
        if entry["kind"] == "scalar":
            return array[()]
        made = wrap_as(_TENSORS[entry["kind"]], self.place(array, entry["device"]))
        if entry["kind"] == "Buffer":
            made.persistent = True
        return made.requires_grad_(entry["requires_grad"])
