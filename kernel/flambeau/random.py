"""Random numbers: generators, their seeds and their states."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from .device import cupy, usable
from .device import device as Device
from .tensor import Tensor, wrap

_CPU_STATE = struct.Struct("<Q16s16sBI")
_CUDA_STATE = struct.Struct("<QQ")


class Generator:
    """A stream of random numbers for one device; mirrors ``torch.Generator``.

    The numbers are NumPy's (PCG64) and CuPy's (Philox): the same seed gives the same numbers every
    time, though not PyTorch's.

    >>> a, b = fb.Generator().manual_seed(7), fb.Generator().manual_seed(7)
    >>> fb.equal(fb.randn(3, generator=a), fb.randn(3, generator=b))
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = usable(device)
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to a seed."""
        self._seed = int(seed) % 2**64
        self._restarts = 0
        self._start()
        return self

    def _start(self) -> None:
        vars(self).pop("stream", None)

    @cached_property
    def stream(self) -> Any:
        """NumPy's or CuPy's generator, made when it is first drawn from."""
        key = self._seed if not self._restarts else [self._seed, self._restarts]
        if self.device.type == "cpu":
            return np.random.Generator(np.random.PCG64(key))
        module = cupy()
        number = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)
        with module.cuda.Device(self.device.index):
            return module.random.Generator(module.random.Philox4x3210(number))

    def seed(self) -> int:
        """Starts a stream that nobody knows beforehand, and returns its seed."""
        self.manual_seed(_unforeseen())
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream was started with."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes, for `set_state`.

        CuPy does not tell its state, so on CUDA the stream starts anew, from a place that the
        bytes name.
        """
        if self.device.type != "cpu":
            self._restarts += 1
            self._start()
            return _bytes(_CUDA_STATE.pack(self._seed, self._restarts))
        state = self.stream.bit_generator.state
        inner = (state["state"][k].to_bytes(16, "little") for k in ("state", "inc"))
        return _bytes(_CPU_STATE.pack(self._seed, *inner, state["has_uint32"], state["uinteger"]))

    def set_state(self, new_state: Tensor) -> Generator:
        """Goes on from a state that `get_state` gave."""
        data = bytes(new_state.array.astype(np.uint8).tobytes())
        layout = _CPU_STATE if self.device.type == "cpu" else _CUDA_STATE
        if len(data) != layout.size:
            raise RuntimeError(
                f"a generator's state on {self.device.type} has {layout.size} bytes, "
                f"not {len(data)}"
            )
        self._seed, *rest = layout.unpack(data)
        if self.device.type != "cpu":
            (self._restarts,) = rest
            self._start()
            return self
        state, inc, has, left = rest
        self.stream.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {
                "state": int.from_bytes(state, "little"),
                "inc": int.from_bytes(inc, "little"),
            },
            "has_uint32": has,
            "uinteger": left,
        }
        return self

    def get_offset(self) -> int:
        """Where the stream is, on CUDA; RuntimeError on the CPU, which does not count."""
        self._needs_offset()
        return self._restarts

    def set_offset(self, offset: int) -> Generator:
        """Moves the stream to a place, on CUDA; RuntimeError on the CPU, which does not count."""
        self._needs_offset()
        self._restarts = int(offset)
        self._start()
        return self

    def _needs_offset(self) -> None:
        if self.device.type == "cpu":
            raise RuntimeError("CPU Generator does not use offset; get_state() has its state")

    def graphsafe_get_state(self) -> Generator:
        """A generator in the same state, for `graphsafe_set_state`."""
        return self.clone_state()

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Goes on from the state of another generator."""
        return self.set_state(state.get_state())

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        return Generator(self.device).set_state(self.get_state())

    def __getstate__(self) -> tuple[str, bytes]:
        return str(self.device), self.get_state().array.tobytes()

    def __setstate__(self, state: tuple[str, bytes]) -> None:
        self.__init__(state[0])  # type: ignore[misc]
        self.set_state(_bytes(state[1]))


def _unforeseen() -> int:
    return int.from_bytes(os.urandom(8), "little") >> 1


def _bytes(data: bytes) -> Tensor:
    return wrap(np.frombuffer(data, np.uint8).copy())


default_generator = Generator()
_on_cuda: dict[Device, Generator] = {}
_seed = default_generator.initial_seed()
# Called before numbers are drawn; empty unless a vmap is running.
watchers: list[Callable[[], None]] = []


def generator_for(device: Device, generator: Generator | None = None) -> Any:
    """The stream to draw from on a device: the generator given, or the device's own."""
    for watch in watchers:
        watch()
    if device.type == "meta":  # what is drawn goes nowhere
        return np.random.Generator(np.random.PCG64(0))
    if generator is None:
        generator = default_generator
        if device.type != "cpu":
            generator = _on_cuda.get(device)
            if generator is None:
                generator = _on_cuda[device] = Generator(device).manual_seed(_seed)
    elif generator.device.type != device.type:
        raise RuntimeError(
            f"Expected a '{device.type}' device type for generator but found "
            f"'{generator.device.type}'"
        )
    return generator.stream


def manual_seed(seed: int) -> Generator:
    """Seeds the generators of all devices; returns the CPU's.

    >>> a, b = (fb.rand(3, generator=fb.manual_seed(1)) for _ in range(2))
    >>> fb.equal(a, b)
    True
    """
    global _seed
    if not -(2**63) <= int(seed) < 2**64:
        raise ValueError(f"a seed has at most 64 bits; {seed} has more")
    _seed = int(seed) % 2**64
    for generator in _on_cuda.values():
        generator.manual_seed(_seed)
    return default_generator.manual_seed(_seed)


def seed() -> int:
    """Seeds the generators of all devices with something unforeseen, and returns it."""
    chosen = _unforeseen()
    manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """The seed of the CPU's generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the CPU's generator, as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Puts the CPU's generator into a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Whatever is drawn inside leaves the generators as they were.

    >>> with fb.random.fork_rng():
    ...     first = fb.rand(1)
    >>> fb.equal(first, fb.rand(1))
    True
    """
    generators = [default_generator, *_on_cuda.values()] if enabled else []
    before = [g.get_state() for g in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)
