"""The random numbers of CUDA devices."""

from __future__ import annotations

from typing import Any

from ..device import cuda_count, device, usable
from ..random import Generator, _on_cuda
from ..tensor import Tensor
from .numbering import current_device, number_of


def _generator(number: int) -> Generator:
    which = device("cuda", number)
    if which not in _on_cuda:
        _on_cuda[which] = Generator(which)
    return _on_cuda[which]


def manual_seed(seed: int) -> None:
    """Seeds the random numbers of the current device; nothing without one."""
    if cuda_count():
        _generator(current_device()).manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the random numbers of all devices; nothing without one."""
    for number in range(cuda_count()):
        _generator(number).manual_seed(seed)


def seed() -> None:
    """Seeds the random numbers of the current device with something unforeseen."""
    if cuda_count():
        _generator(current_device()).seed()


def seed_all() -> None:
    """Seeds the random numbers of all devices with something unforeseen."""
    if cuda_count():
        manual_seed_all(_generator(0).seed())


def initial_seed() -> int:
    """The seed of the current device's random numbers."""
    return _generator(current_device()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Tensor:
    """The state of a device's random numbers."""
    usable("cuda")
    return _generator(number_of(device)).get_state()


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Puts a device's random numbers into a state; nothing without one."""
    if cuda_count():
        _generator(number_of(device)).set_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """The states of all devices."""
    return [get_rng_state(number) for number in range(cuda_count())]


def set_rng_state_all(new_states: Any) -> None:
    """Puts all devices into states."""
    for number, state in enumerate(new_states):
        set_rng_state(state, number)
