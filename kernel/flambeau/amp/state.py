"""What a thread has been told about autocast."""

from __future__ import annotations

import threading

from ..dtypes import bfloat16, float16


class State(threading.local):
    """What this thread is inside of, for each type of device."""

    def __init__(self) -> None:
        self.enabled = {"cpu": False, "cuda": False}
        self.types = {"cpu": bfloat16, "cuda": float16}
        self.cache = True


state = State()


def any_autocast() -> bool:
    """Whether autocast is on for some type of device."""
    return any(state.enabled.values())
