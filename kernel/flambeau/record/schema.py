"""The tables of a trace: the one data model that recorder, files and views share.

The format on disk and on the wire is described in ``docs/trace-format.md``. The TypeScript
twin is ``lab_extension/src/trace/schema.ts``; a test compares the two.

Column types are NumPy's: ``u1 u4 i4 f4 f8``; ``s`` is a ``u4`` index into the string table;
a number after ``*`` is the width of a column that holds several values a row.
"""

VERSION = 1
MAGIC = b"FLB1"
HISTOGRAM_BINS = 32
PREVIEW_VALUES = 64

PHASES = ("forward", "backward")
ROLES = ("input", "output", "kept")
CATEGORIES = (
    "other",
    "data",
    "parameter",
    "buffer",
    "activation",  # kept for the backward pass
    "gradient",
    "optimizer",
)
STATISTICS = ("value", "gradient")

# Tables that describe one segment of the recording: a live view drops them when a new segment
# begins (a saved trace is one segment). Row numbers below mean rows of these tables.
SEGMENT_TABLES: dict[str, dict[str, str]] = {
    # One row for each operation that ran, forward or backward.
    "ops": {
        "tick": "u4",  # place on the one time line that all events share
        "time": "f8",  # seconds since the recording began
        "duration": "f4",  # seconds
        "phase": "u1",  # index into PHASES
        "name": "s",
        "call": "i4",  # row of `calls` it ran in, -1 outside any module
        "line": "i4",  # row of `lines`, -1 unknown
        "forward": "i4",  # a backward op's forward op, else -1
        "iteration": "u4",  # number of the iteration, counted from 0
        "arguments": "s",  # the other arguments, as "dim=1, keepdim=True"
    },
    # Which tensors an op touched; forward edges run output -> tensor -> input.
    "uses": {"op": "i4", "tensor": "i4", "role": "u1"},
    "tensors": {
        "tick": "u4",  # made, or first seen
        "block": "i4",  # row of `blocks`; views share one; -1 unknown
        "shape": "s",  # "32,1,8,8", "" for a scalar
        "dtype": "s",
        "name": "s",  # a parameter's or buffer's path, else ""
    },
    # One row for each piece of memory.
    "blocks": {
        "tick": "u4",
        "time": "f8",
        "bytes": "f8",
        "device": "s",
        "category": "u1",  # index into CATEGORIES
        "op": "i4",  # the op that made it, -1 made elsewhere
    },
    "frees": {"block": "i4", "tick": "u4", "time": "f8"},
    # A block that turned out to be something else (kept for the backward, a parameter, ...).
    "categories": {"block": "i4", "category": "u1", "tick": "u4"},
    "modules": {"path": "s", "kind": "s"},  # "net.conv1", "Conv2d(1, 16, ...)"
    "calls": {"module": "i4", "parent": "i4", "tick": "u4", "time": "f8"},
    "leaves": {"call": "i4", "tick": "u4", "time": "f8"},
    # Source lines of the user; `cell` is the notebook's execution count, 0 outside a notebook.
    "lines": {"file": "s", "line": "u4", "cell": "u4", "function": "s", "text": "s"},
    "iterations": {"number": "u4", "tick": "u4", "time": "f8"},
    "steps": {"tick": "u4", "time": "f8", "optimizer": "s", "rate": "f8"},
    "statistics": {
        "tensor": "i4",
        "tick": "u4",
        "kind": "u1",  # index into STATISTICS
        "mean": "f4",
        "std": "f4",
        "min": "f4",
        "max": "f4",
        "norm": "f4",
        "zeros": "f4",  # share of elements, 0 to 1
        "nans": "f8",  # count
        "infs": "f8",  # count
        "histogram": f"f4*{HISTOGRAM_BINS}",  # counts of finite values, equal bins from min to max
        "preview": f"f4*{PREVIEW_VALUES}",  # a few values, NaN where there are fewer
        "preview_shape": "s",  # "8,8": how to arrange them
    },
    "marks": {"tick": "u4", "time": "f8", "text": "s"},
    "errors": {
        "tick": "u4",
        "time": "f8",
        "op": "i4",  # the op that failed (it has no outputs), -1 none
        "kind": "s",  # "RuntimeError"
        "message": "s",
        "call": "i4",
        "line": "i4",
    },
}

# Tables that run on through all segments: one row an iteration, or one a parameter in it.
RUNNING_TABLES: dict[str, dict[str, str]] = {
    "summaries": {
        "iteration": "u4",
        "time": "f8",
        "duration": "f8",
        "loss": "f8",  # the scalar that backward was called on, NaN when there was none
        "peak": "f8",  # most bytes alive at once in this iteration
        "live": "f8",  # bytes alive at its end
        "at_peak": f"f8*{len(CATEGORIES)}",  # bytes by category at the peak
        "pool_used": "f8",  # CuPy's memory pool, 0 on the CPU
        "pool_held": "f8",
    },
    "gradients": {
        "iteration": "u4",
        "name": "s",  # the parameter's path
        "norm": "f4",  # of the gradient
        "weight": "f4",  # norm of the parameter
        "update": "f4",  # norm of what the step added, NaN unknown
        "zeros": "f4",  # share of zeros in the gradient
        "nans": "f8",  # NaN and Inf in the gradient
        "min": "f4",
        "max": "f4",
        "histogram": f"f4*{HISTOGRAM_BINS}",
    },
}

TABLES = SEGMENT_TABLES | RUNNING_TABLES
