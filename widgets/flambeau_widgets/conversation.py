"""What a view in the browser and the kernel say to each other (docs/trace-format.md, Messages)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from flambeau.record.feed import Feed, Still
from flambeau.record.live import Live
from flambeau.record.statistics import statistics_of

WINDOW = 4096  # values sent of one tensor at most

Send = Callable[[dict[str, Any], list[bytes]], None]


class Conversation:
    """One view's side of things in the kernel: answers it, and sends it what is new."""

    def __init__(self, source: Live | Still, send: Send) -> None:
        self.source, self.send = source, send
        self.feed = Feed(source)
        self.greeted = False
        self.on_select: Callable[[dict[str, Any]], None] | None = None

    def receive(self, content: Any) -> None:
        """Answers a message; nonsense gets an error message and changes nothing."""
        try:
            kind = content["type"]
            answer = self._answers[kind]
        except (TypeError, KeyError):
            self._complain(f"a message needs a type, one of {', '.join(self._answers)}")
            return
        try:
            answer(self, content)
        except (TypeError, LookupError, ValueError, ArithmeticError, AttributeError) as error:
            self._complain(f"the message {kind!r} is malformed: {error}")

    def _complain(self, text: str) -> None:
        self.send({"type": "error", "message": text}, [])

    def _everything(self, content: Any) -> None:
        self.greeted = True
        self.feed.restart()
        self.news()

    def news(self) -> None:
        """Sends what is new, once the view has said hello."""
        if self.greeted:
            self.send({"type": "frame"}, [self.feed.frame()])
            self.send(status(self.source), [])

    def _tensor(self, content: Any) -> None:
        request, row, kind = int(content["request"]), int(content["tensor"]), content["kind"]
        answer: dict[str, Any] = {"type": "tensor", "request": request}
        array, gone = find_array(self.source, int(content["segment"]), row, kind)
        if array is None:
            self.send({**answer, "gone": gone}, [])
            return
        window = window_of(array)
        answer |= {
            "shape": list(array.shape),
            "dtype": str(array.dtype),
            "window": list(window.shape),
            "statistics": readable(statistics_of(array)),
        }
        self.send(answer, [window.tobytes()])

    def _select(self, content: Any) -> None:
        ops, path = [int(op) for op in content["ops"]], content.get("path")
        if not (path is None or isinstance(path, str)):
            raise TypeError("path must be a string or null")
        if self.on_select is not None:
            self.on_select({"ops": ops, "path": path})

    _answers: ClassVar = {
        "hello": _everything,
        "resync": _everything,
        "tensor": _tensor,
        "select": _select,
    }


def find_array(
    source: Live | Still, segment: int, row: int, kind: str
) -> tuple[np.ndarray | None, str]:
    """The array behind a row of the tensors table, or why there is none any more."""
    if kind not in ("value", "gradient"):
        raise ValueError(f"kind is 'value' or 'gradient', not {kind!r}")
    if not isinstance(source, Live):
        return None, "a saved trace keeps only what was sampled"
    with source.lock:
        array = source.array_of(row, segment)
        if array is None:
            known = segment == source.trace.segment or segment in source.recent
            why = "it has been freed" if known else "newer iterations have taken its place"
            return None, why
        if kind == "gradient":
            array = source.names.gradient_of(array)
            if array is None:
                return None, "its gradient was not kept; only parameters and retain_grad() keep it"
        return (array if isinstance(array, np.ndarray) else array.get()), ""


def window_of(array: np.ndarray) -> np.ndarray:
    """At most 4,096 values as float32: the leading matrix, thinned evenly where it is larger."""
    while array.ndim > 2:
        array = array[0] if len(array) else array.reshape(0, 0)
    if array.dtype.kind == "c":
        array = np.abs(array)
    side = math.isqrt(WINDOW)
    if array.ndim == 2 and array.size > WINDOW:
        rows, columns = (max(1, math.ceil(n / side)) for n in array.shape)
        array = array[::rows, ::columns]
    elif array.size > WINDOW:
        array = array[:: math.ceil(array.size / WINDOW)]
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype="<f4")


def readable(values: Any) -> dict[str, Any]:
    """Statistics as JSON; what is not finite becomes null, which JSON can say."""
    found = values._asdict()
    out: dict[str, Any] = {"preview_shape": found.pop("preview_shape")}
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            out[name] = [float(v) if np.isfinite(v) else None for v in value]
        else:
            out[name] = value if math.isfinite(value) else None
    return out


def status(source: Live | Still) -> dict[str, Any]:
    """What the status bar shows."""
    message: dict[str, Any] = {"type": "status", "recording": isinstance(source, Live)}
    if isinstance(source, Live):
        message |= {
            "device": source.device,
            "live": source.total,
            "peak": max(source.peak, source.last_peak),
            "iteration": source.iteration,
            "recording": not source.stopping.is_set(),
        }
    return message
