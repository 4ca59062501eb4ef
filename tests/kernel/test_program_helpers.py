"""What programs call around the network: compile, jit, testing, multiprocessing, TensorBoard."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import flambeau as fb


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_compile_takes_functions_modules_and_pytorchs_options() -> None:
    model = fb.nn.Linear(2, 2)
    for made in (fb.compile(model), fb.compile(model, mode="max-autotune", fullgraph=True)):
        assert fb.equal(made(fb.ones(1, 2)), model(fb.ones(1, 2)))
        assert made._orig_mod is model
    assert fb.compile(model, disable=True) is model
    assert fb.compile(model, backend="eager") is model
    function = fb.compiler.disable(lambda x: x)
    assert fb.compile(function) is function
    with pytest.raises(RuntimeError, match="mode or options"):
        fb.compile(model, mode="default", options={})
    with pytest.raises(RuntimeError, match="not int"):
        fb.compile(3)


def test_compile_and_script_are_decorators(quiet) -> None:
    @fb.compile(dynamic=True)
    def doubled(x):
        return x * 2

    @fb.jit.script
    def tripled(x: fb.Tensor) -> fb.Tensor:
        return x * 3

    @fb.jit.ignore
    def halved(x):
        return x / 2

    x = fb.ones(1)
    assert (doubled(x), tripled(x), halved(x)) == (2, 3, 0.5)


def test_trace_runs_the_example_and_gives_the_module(quiet) -> None:
    model = fb.nn.Linear(3, 2)
    assert fb.jit.trace(model, fb.ones(1, 3)) is model
    with pytest.raises(RuntimeError):
        fb.jit.trace(model, fb.ones(1, 4))
    assert not fb.jit.is_scripting()
    with pytest.raises(AttributeError, match="state_dict"):
        fb.jit.save(model, "model.pt")


def _both(compare):
    """The outcome in Flambeau and in PyTorch: None, or the kind of the error and its text."""
    torch = pytest.importorskip("torch")
    outcomes = []
    for lib in (fb, torch):
        try:
            compare(lib)
            outcomes.append(None)
        except Exception as error:
            outcomes.append((type(error), str(error)))
    return outcomes


CASES = {
    "equal": lambda t: t.testing.assert_close(t.ones(3), t.ones(3)),
    "rounding": lambda t: t.testing.assert_close(t.ones(3), t.ones(3) + 1e-6),
    "far": lambda t: t.testing.assert_close(t.ones(2, 2), t.zeros(2, 2)),
    "numbers": lambda t: t.testing.assert_close(1.0, 1.5),
    "lengths": lambda t: t.testing.assert_close([t.ones(1)], []),
    "nested": lambda t: t.testing.assert_close({"a": [t.ones(1)]}, {"a": [t.zeros(1)]}),
    "shapes": lambda t: t.testing.assert_close(t.ones(2), t.ones(3)),
    "types": lambda t: t.testing.assert_close(t.ones(2), t.ones(2, dtype=t.float64)),
    "types ignored": lambda t: t.testing.assert_close(
        t.ones(2), t.ones(2, dtype=t.float64), check_dtype=False
    ),
    "integers": lambda t: t.testing.assert_close(t.tensor([1, 2]), t.tensor([1, 4])),
    "nan": lambda t: t.testing.assert_close(t.tensor(float("nan")), t.tensor(float("nan"))),
    "equal nan": lambda t: t.testing.assert_close(
        t.tensor(float("nan")), t.tensor(float("nan")), equal_nan=True
    ),
    "one tolerance": lambda t: t.testing.assert_close(t.ones(2), t.ones(2), rtol=1.0),
    "own message": lambda t: t.testing.assert_close(t.ones(1), t.zeros(1), msg="mine"),
    "empty": lambda t: t.testing.assert_close(t.ones(0), t.zeros(0)),
    "tensor and number": lambda t: t.testing.assert_close(t.ones(1), 1.0),
}


@pytest.mark.parametrize("name", CASES)
def test_assert_close_is_pytorchs(name: str) -> None:
    ours, theirs = _both(CASES[name])
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None:
        assert ours[0] is theirs[0]


def test_the_message_counts_and_places_what_differs() -> None:
    with pytest.raises(AssertionError, match=r"1 / 4 \(25\.0%\)(.|\n)*at index \(1, 0\)"):
        fb.testing.assert_close(fb.tensor([[1.0, 2], [3, 4]]), fb.tensor([[1.0, 2], [9, 4]]))


@pytest.mark.parametrize("dtype", [fb.float32, fb.int8, fb.uint8, fb.bool, fb.complex64])
def test_make_tensor_draws_in_the_range(dtype) -> None:
    made = fb.testing.make_tensor(4, 50, dtype=dtype, noncontiguous=True)
    assert made.shape == (4, 50)
    assert made.dtype is dtype
    assert not made.is_contiguous()
    bounded = fb.testing.make_tensor((100,), dtype=fb.float64, low=2, high=3)
    assert 2 <= float(bounded.min()) <= float(bounded.max()) < 3


def _square(rank: int, folder: str) -> None:
    Path(folder, f"{rank}").write_text(str(float((fb.ones(2) * rank).sum())))


def _fail(rank: int) -> None:
    if rank == 1:
        raise ValueError("wrong on purpose")


def test_spawn_runs_every_process(tmp_path: Path) -> None:
    fb.multiprocessing.spawn(_square, args=(str(tmp_path),), nprocs=2)
    assert [Path(tmp_path, str(i)).read_text() for i in (0, 1)] == ["0.0", "2.0"]


def test_an_error_in_a_spawned_process_comes_with_its_traceback() -> None:
    with pytest.raises(fb.multiprocessing.ProcessRaisedException, match="wrong on purpose"):
        fb.multiprocessing.spawn(_fail, nprocs=2)


def test_summaries_are_written_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from flambeau.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", fb.tensor(0.5), 1)
        writer.add_scalars("rates", {"a": fb.tensor(1.0)}, 1)
        writer.add_histogram("weights", fb.randn(10))
        writer.add_image("picture", fb.rand(3, 4, 4))
        writer.add_graph(fb.nn.Linear(2, 1), fb.ones(1, 2))
    sizes = [f.stat().st_size for f in tmp_path.rglob("events*")]
    assert sizes
    assert max(sizes) > 200


def test_packages_that_few_programs_need_are_imported_when_touched() -> None:
    code = (
        "import sys, flambeau as fb; late = [m for m in ('testing', 'jit', 'multiprocessing') "
        "if f'flambeau.{m}' in sys.modules]; assert not late, late; fb.testing.assert_close; "
        "assert 'flambeau.testing' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_arrays_of_numpy_beside_tensors() -> None:
    x = fb.ones(3)
    assert (x + np.ones(3)).dtype is fb.float64
    assert (np.ones(3) * x).dtype is fb.float64
    assert (x < np.full(3, 2)).all()
    x += np.ones(3, np.float32)
    assert x.tolist() == [2.0] * 3
