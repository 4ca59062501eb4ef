"""Statistics of whatever an array may hold."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau.record.schema import HISTOGRAM_BINS, PREVIEW_VALUES
from flambeau.record.statistics import statistics_of
from flambeau.record.trace import Trace, readable_bytes


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4, 5), (300_000,)])
def test_statistics(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7
    array = array.astype(dtype)
    found = statistics_of(array)
    values = array.astype(float)
    assert found.mean == pytest.approx(values.mean(), rel=1e-3)
    assert found.std == pytest.approx(values.std(), rel=1e-3, abs=1e-6)
    assert (found.min, found.max) == (values.min(), values.max())
    assert found.norm == pytest.approx(np.sqrt((values**2).sum()), rel=1e-3)
    assert found.zeros == pytest.approx((values == 0).mean(), abs=1e-6)
    assert found.nans == found.infs == 0
    assert found.histogram.shape == (HISTOGRAM_BINS,)
    assert found.histogram.sum() > 0
    assert found.preview.shape == (PREVIEW_VALUES,)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4), (0, 0)])
def test_statistics_of_nothing(shape: tuple[int, ...]) -> None:
    found = statistics_of(np.zeros(shape, np.float32))
    assert np.isnan([found.mean, found.min, found.norm]).all()
    assert found.histogram.sum() == found.nans == found.infs == 0


def test_statistics_of_what_is_not_finite() -> None:
    found = statistics_of(np.array([np.nan, np.inf, -np.inf, 0, 2, np.nan]))
    assert (found.nans, found.infs, found.min, found.max) == (2, 2, 0, 2)
    assert found.zeros == pytest.approx(1 / 6)
    assert found.histogram.sum() == 2
    assert np.isnan(found.norm)
    nothing = statistics_of(np.full(5, np.nan))
    assert (nothing.nans, nothing.infs) == (5, 0)
    assert statistics_of(np.full((2, 2), np.inf)).infs == 4


@pytest.mark.parametrize(
    "array",
    [
        np.array([1 + 1j, 3 - 4j], np.complex64),
        np.array([65504, -65504], np.float16),
        np.array([3e38, -3e38], np.float32),
        np.array([1e308, -1e308]),
        np.array([1e-45], np.float32),
        np.full(100_000, 1e20, np.float32),
        np.array([2**63 - 1, -(2**63)]),
        np.array(np.nan),
        np.array(True),
        np.ones((5, 4, 3))[::2, ::-1, 1:],
        np.broadcast_to(np.float32(1), (1000, 1000)),
    ],
    ids=repr,
)
def test_statistics_of_odd_arrays(array: np.ndarray) -> None:
    before = array.copy()
    with np.errstate(all="raise"):
        found = statistics_of(array)
    assert np.array_equal(array, before, equal_nan=array.dtype.kind == "f")
    assert found.histogram.sum() + found.nans > 0
    assert found.infs == 0
    with fb.record() as trace:
        pass
    row = (0, 0, 0, *found[:-1], 0)
    trace.tables["statistics"].add(*row)  # fits the columns
    assert len(trace["statistics"]["mean"]) == 1


def test_a_recording_with_statistics_of_odd_tensors() -> None:
    with fb.record(statistics=1) as trace, np.errstate(all="ignore"):
        fb.zeros(0).exp()
        fb.zeros(3).log()
        fb.tensor(True).logical_not()
        fb.arange(3).neg()
        fb.tensor([1 + 2j]).neg()
        fb.ones(3, dtype=fb.float16).exp()
        (fb.full((3,), 3e38) * 10).exp()
    assert len(trace["statistics"]) >= 7
    Trace.from_bytes(trace.to_bytes())


def test_readable_bytes() -> None:
    sizes = (0, 1023, 1536, 200 * 1024, 1.5 * 2**20, 3 * 2**40)
    assert [readable_bytes(s) for s in sizes] == [
        "0 B",
        "1023 B",
        "1.5 KB",
        "200 KB",
        "1.5 MB",
        "3072 GB",
    ]
