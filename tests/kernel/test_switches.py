"""`fb.cuda` without a device, and switches that programs set for PyTorch's sake."""

from __future__ import annotations

import pytest

import flambeau as fb


def test_switches_are_accepted():
    fb.backends.cudnn.benchmark = True
    fb.backends.cudnn.deterministic = True
    fb.backends.cuda.matmul.allow_tf32 = True
    assert not fb.backends.mps.is_available()
    fb.use_deterministic_algorithms(True)
    assert fb.are_deterministic_algorithms_enabled()
    fb.use_deterministic_algorithms(False)
    fb.set_float32_matmul_precision("high")
    assert fb.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="low"):
        fb.set_float32_matmul_precision("low")
    assert fb.get_float32_matmul_precision() == "high"
    fb.set_float32_matmul_precision("highest")


def test_threads():
    pytest.importorskip("threadpoolctl")
    before = fb.get_num_threads()
    fb.set_num_threads(1)
    assert fb.get_num_threads() == 1
    fb.set_num_threads(before)
    assert fb.get_num_threads() == before
    with pytest.raises(RuntimeError):
        fb.set_num_threads(0)
    with pytest.raises(RuntimeError):
        fb.set_num_threads("two")


@pytest.mark.skipif(fb.cuda.is_available(), reason="there is a device")
def test_cuda_without_a_device():
    assert fb.cuda.device_count() == 0
    assert not fb.cuda.is_initialized()
    assert fb.cuda.memory_allocated() == fb.cuda.max_memory_allocated() == 0
    assert fb.cuda.memory_reserved() == 0
    fb.cuda.synchronize()
    fb.cuda.empty_cache()
    fb.cuda.reset_peak_memory_stats()
    fb.cuda.manual_seed(1)
    fb.cuda.manual_seed_all(1)
    for call in (fb.cuda.current_device, fb.cuda.get_device_name, fb.nn.Linear(1, 1).cuda):
        with pytest.raises(RuntimeError, match="cuda"):
            call()


@pytest.mark.gpu
def test_cuda_with_a_device():
    assert fb.cuda.device_count() >= 1
    assert fb.cuda.get_device_name()
    assert len(fb.cuda.get_device_capability()) == 2
    fb.cuda.reset_peak_memory_stats()
    before = fb.cuda.memory_allocated()
    x = fb.zeros(1 << 20, device="cuda")
    assert fb.cuda.memory_allocated() >= before + x.nbytes
    del x
    fb.cuda.synchronize()
    assert fb.cuda.memory_allocated() == before
    assert fb.cuda.max_memory_allocated() >= before + (4 << 20)
    fb.cuda.manual_seed_all(3)
    a = fb.randn(4, device="cuda")
    fb.cuda.manual_seed_all(3)
    assert fb.equal(a, fb.randn(4, device="cuda"))
    fb.cuda.empty_cache()
