"""Windows, spectra over time and Fourier transforms against PyTorch, with their errors."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
RNG = np.random.default_rng(2)
REAL = RNG.standard_normal((2, 40))
COMPLEX = REAL + 1j * RNG.standard_normal((2, 40))


def outcome(f: Any, lib: Any) -> Any:
    """What a function gives as an array, or the type of the error that it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(lib).detach().resolve_conj().numpy()
        except Exception as error:
            return type(error)


def same(f: Any) -> None:
    """Both libraries give the same, or raise errors of one kind."""
    ours, theirs = outcome(f, fb), outcome(f, torch)
    if isinstance(theirs, type):
        assert isinstance(ours, type), f"nothing raised, not {theirs.__name__}"
        assert issubclass(ours, theirs)
    else:
        assert not isinstance(ours, type), f"raised {ours.__name__}"
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", torch.signal.windows.__all__)
def test_windows_are_torchs(name: str) -> None:
    own = {"a": [0.3, 0.4, 0.3]} if name == "general_cosine" else {}
    for M in (0, 1, 2, 5, 8, -1):
        for sym in (True, False):
            options = {"M": M, "sym": sym, **own}
            same(lambda lib, o=options: getattr(lib.signal.windows, name)(**o))
    same(lambda lib: getattr(lib.signal.windows, name)(4, dtype=lib.float16, **own))
    same(lambda lib: getattr(lib.signal.windows, name)(4, dtype=lib.float64, **own))


@pytest.mark.parametrize("name", torch.signal.windows.__all__)
def test_windows_take_torchs_arguments(name: str) -> None:
    def told(lib: Any) -> list[Any]:
        found = inspect.signature(getattr(lib.signal.windows, name)).parameters.values()
        return [(p.name, p.kind, str(p.default).removeprefix("torch.")) for p in found]

    assert told(fb) == told(torch)


def test_windows_refuse_what_makes_no_sense() -> None:
    for f in (
        lambda w: w.kaiser(4, beta=-1),
        lambda w: w.gaussian(4, std=0),
        lambda w: w.exponential(4, tau=0),
        lambda w: w.exponential(4, center=1.0),
        lambda w: w.general_cosine(4, a=[]),
        lambda w: w.general_cosine(4, a=2),
    ):
        same(lambda lib, f=f: f(lib.signal.windows))
    for name in ("hann", "hamming", "blackman", "bartlett", "kaiser"):
        for wrong in ({"window_length": -1}, {"window_length": 4.0}):
            same(lambda lib, n=name, w=wrong: getattr(lib, f"{n}_window")(**w))
        same(lambda lib, n=name: getattr(lib, f"{n}_window")(4, dtype=lib.int64))


STFT = {
    "plain": {},
    "hop": {"hop_length": 3},
    "odd": {"n_fft": 9},
    "short window": {"win_length": 6},
    "not centred": {"center": False},
    "aligned": {"center": False, "win_length": 5, "align_to_window": True},
    "zeros around": {"pad_mode": "constant"},
    "normalized": {"normalized": True},
    "two-sided": {"onesided": False},
    "one-sided": {"onesided": True},
    "no hop": {"hop_length": 0},
    "too long": {"n_fft": 100},
    "window too long": {"win_length": 9},
    "odd mode": {"pad_mode": "odd"},
    "aligned and centred": {"align_to_window": True},
}


@pytest.mark.parametrize("case", STFT)
def test_stft_is_torchs(case: str) -> None:
    options = {"n_fft": 8, **STFT[case]}
    points = options.get("win_length", options["n_fft"])
    for signal in (REAL, REAL[0], COMPLEX):
        for window in (None, np.hanning(points), np.hanning(points) + 0.5j, np.ones(3)):
            for return_complex in (None, True, False):
                same(
                    lambda lib, s=signal, w=window, r=return_complex: lib.stft(
                        lib.from_numpy(s),
                        window=None if w is None else lib.from_numpy(w),
                        return_complex=r,
                        **options,
                    )
                )


ISTFT = {
    "plain": {},
    "hop": {"hop_length": 3},
    "longer": {"length": 50},
    "shorter": {"length": 20},
    "not centred": {"center": False},
    "normalized": {"normalized": True},
    "two-sided": {"onesided": False},
    "complex": {"return_complex": True},
    "hop too long": {"hop_length": 9},
    "short window": {"win_length": 6},
}


@pytest.mark.parametrize("case", ISTFT)
def test_istft_is_torchs(case: str) -> None:
    one = torch.from_numpy(REAL).stft(8, window=torch.hann_window(8).double(), return_complex=True)
    two = torch.fft.fft(torch.fft.irfft(one, 8, -2), dim=-2).resolve_conj()
    points = ISTFT[case].get("win_length", 8)
    for spectra in (one.numpy(), two.numpy(), one[0].numpy(), REAL):
        for window in (None, np.hanning(points) + 0.1, np.hanning(points) + 0.5j):
            same(
                lambda lib, s=spectra, w=window: lib.istft(
                    lib.from_numpy(s),
                    8,
                    window=None if w is None else lib.from_numpy(w),
                    **ISTFT[case],
                )
            )


def test_istft_undoes_stft_and_both_have_torchs_gradients() -> None:
    found = []
    for lib in (fb, torch):
        x = lib.from_numpy(REAL.copy()).requires_grad_()
        window = lib.hann_window(8, dtype=lib.float64).requires_grad_()
        spectra = lib.stft(x, 8, 3, window=window, return_complex=True)
        back = lib.istft(spectra, 8, 3, window=window)
        np.testing.assert_allclose(back.detach().numpy(), REAL[:, : back.shape[1]], atol=1e-10)
        loud = lib.istft(spectra * lib.abs(spectra), 8, 3, window=window)
        found.append(lib.autograd.grad((loud**2).sum(), (x, window)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_transforms_refuse_what_torch_refuses(name: str) -> None:
    for shape in ((), (5,), (2, 3, 4)):
        for options in (
            {"n": 0}, {"n": 2.5}, {"dim": 5}, {"norm": "x"}, {"s": (3, 2)}, {"dim": (0, 0)},
            {"dim": ()}, {"s": (2,), "dim": (0, 1)}, {"s": 3},
        ):  # fmt: skip
            suffix = "" if not {"s"} & set(options) and options.get("dim", 5) == 5 else "n"
            same(lambda lib, o=options, s=suffix, h=shape: getattr(lib.fft, name + s)(
                lib.ones(h), **o
            ))  # fmt: skip
    same(lambda lib: getattr(lib.fft, name)(lib.ones(4).half()))
    same(lambda lib: lib.fft.fftfreq(4, dtype=lib.int64))
    same(lambda lib: lib.fft.fftfreq(0))
