"""Spectra over time: the Fourier transform of one windowed stretch of a signal after the other."""

from __future__ import annotations

import warnings
from typing import Any

from ..tensor import Tensor
from .complex import real
from .registry import FUNCTIONS, OPS, function

_RECTANGLE = (
    "A window was not provided. A rectangular window will be applied, which is known to cause "
    "spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are "
    "recommended to reduce spectral leakage. To suppress this warning and use a rectangular "
    "window, explicitly set `window=torch.ones(n_fft, device=<device>)`."
)


def _fft(name: str, x: Tensor, n: int, normalized: bool) -> Tensor:
    """One of the transforms along the last dimension; divided by √n where asked for."""
    return FUNCTIONS[name](x, n, -1, "ortho" if normalized else None)


def _whole_window(window: Tensor | None, n_fft: int, win_length: int, like: Tensor) -> Tensor:
    """The window with zeros on both sides, of n_fft points; of ones where there is none."""
    if window is None:
        numbers = real(like).detach()
        window = numbers.new_ones((win_length,))
    left = (n_fft - win_length) // 2
    return FUNCTIONS["pad"](window, [left, n_fft - win_length - left])


def _require(fine: bool, said: str) -> None:
    if not fine:
        raise RuntimeError(said)


@function
def stft(
    input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect",
    normalized=False, onesided=None, return_complex=None, align_to_window=None,
):  # fmt: skip
    """The spectra of overlapping stretches: (..., L) gives (..., frequencies, frames), complex.

    Every ``hop_length`` points (n_fft // 4) a stretch of ``n_fft`` begins, times the window (of
    ``win_length`` points, n_fft). ``center`` pads so that a frame's time is its middle;
    ``onesided`` leaves away what follows from the rest. RuntimeError for sizes that do not fit.

    >>> fb.stft(fb.ones(100), n_fft=16, window=fb.hann_window(16), return_complex=True).shape
    torch.Size([9, 26])
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    of_complex = input.is_complex() or (window is not None and window.is_complex())
    _check_input(input, center, align_to_window)
    margin = n_fft // 2 if center else (n_fft - win_length) // 2 if align_to_window else 0
    signal = input if input.ndim == 2 else input.unsqueeze(0)
    signal = _around(signal, margin, pad_mode) if margin else signal
    return_complex = _checked_return(return_complex, of_complex)
    if window is None:
        warnings.warn(_RECTANGLE, stacklevel=3)
    _check_sizes("stft", signal.shape[-1], n_fft, hop_length, win_length, window)
    frames = OPS["unfold"](signal, -1, n_fft, hop_length)
    frames = frames * _whole_window(window, n_fft, win_length, signal)
    onesided = _checked_side(onesided, of_complex)
    spectra = _fft("rfft" if onesided else "fft", frames, n_fft, normalized).transpose(1, 2)
    spectra = spectra if input.ndim == 2 else spectra.squeeze(0)
    return spectra if return_complex else OPS["view_as_real"](spectra)


def _check_input(x: Tensor, center: bool, align_to_window: Any) -> None:
    _require(
        x.ndim in (1, 2) and (x.is_floating_point() or x.is_complex()),
        f"stft: expected a 1D or 2D tensor of floating point or complex values, got {x.dtype} of "
        f"shape {tuple(x.shape)}",
    )
    _require(
        not center or align_to_window is None,
        "stft: align_to_window should only be set when center = false.",
    )


def _checked_side(onesided: Any, of_complex: bool) -> bool:
    onesided = not of_complex if onesided is None else onesided
    _require(
        not (onesided and of_complex),
        "Cannot have onesided output if window or input is complex",
    )
    return bool(onesided)


def _checked_return(return_complex: Any, of_complex: bool) -> bool:
    if return_complex is None:
        _require(
            of_complex,
            "stft requires the return_complex parameter be given for real inputs, and will "
            "further require that return_complex=True in a future PyTorch release.",
        )
        return True
    if not return_complex:
        warnings.warn(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will "
            "return complex tensors for all inputs, and return_complex=False will raise an error.\n"
            "Note: you can still call torch.view_as_real on the complex output to recover the old "
            "return format.",
            stacklevel=4,
        )
    return bool(return_complex)


def _around(x: Tensor, margin: int, mode: str) -> Tensor:
    """The signal with as many points more on both sides."""
    return FUNCTIONS["pad"](x.unsqueeze(0), [margin, margin], mode).squeeze(0)


def _check_sizes(
    name: str, length: int | None, n_fft: int, hop: int, win: int, window: Tensor | None
) -> None:
    if length is not None:
        _require(0 < n_fft <= length, f"{name}: expected 0 < n_fft <= {length}, but got {n_fft}")
    _require(hop > 0, f"{name}: expected hop_length > 0, but got hop_length={hop}")
    _require(0 < win <= n_fft, f"{name}: expected 0 < win_length <= n_fft, got {win} and {n_fft}")
    if window is not None:
        _require(
            tuple(window.shape) == (win,),
            f"{name}: expected a 1D window tensor of size equal to win_length={win}, but got "
            f"window with size {tuple(window.shape)}",
        )


# The way back


@function
def istft(
    input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False,
    onesided=None, length=None, return_complex=False,
):  # fmt: skip
    """The signal whose `stft` is the input: stretches added up, divided by the windows' squares.

    ``length`` cuts it, or fills it up with zeros. RuntimeError where sizes do not fit or where the
    windows leave a point of the signal out.
    """
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    _check_spectra(input, n_fft, onesided, return_complex, window)
    if window is None:
        warnings.warn(
            "A window was not provided. A rectangular window will be applied. Please provide the "
            "same window used by stft to make the inversion lossless. To suppress this warning "
            "and use a rectangular window, explicitly set `window=torch.ones(n_fft)`.",
            stacklevel=3,
        )
    _check_sizes("istft", None, n_fft, hop_length, win_length, window)
    _require(hop_length <= win_length, "istft: expected 0 < hop_length <= win_length")
    spectra = (input if input.ndim == 3 else input.unsqueeze(0)).transpose(1, 2)
    if not return_complex:  # of a real signal's spectrum the first half says all
        spectra = spectra[..., : n_fft // 2 + 1]
    frames = _fft("ifft" if return_complex else "irfft", spectra, n_fft, normalized)
    whole = _whole_window(window, n_fft, win_length, frames)
    total = n_fft + hop_length * (frames.shape[1] - 1)
    start = n_fft // 2 if center else 0
    end = total - start if length is None else start + length
    signal = _filled(_unwindowed(frames, whole, hop_length, slice(start, end)), end - total)
    return signal if input.ndim == 3 else signal.squeeze(0)


def _unwindowed(frames: Any, window: Any, hop: int, part: slice) -> Any:
    """A part of the signal whose stretches, times the window, the frames are."""
    squares = (window * window).expand(1, *frames.shape[1:])
    envelope = _added_up(squares, hop)[:, part]
    smallest = float(envelope.detach().abs().min()) if envelope.numel() else 1.0
    _require(smallest > 1e-11, f"istft: window overlap add min: {smallest}, and it must be above 0")
    return _added_up(frames * window, hop)[:, part] / envelope


def _added_up(frames: Tensor, hop: int) -> Any:
    """Overlapping stretches (B, count, n) as one signal, where they overlap the sum."""
    many, count, n = frames.shape
    return OPS["windows_put"](frames, (many, n + hop * (count - 1)), 1, n, hop)


def _filled(signal: Tensor, missing: int) -> Tensor:
    if missing <= 0:
        return signal
    warnings.warn(
        "The length of signal is shorter than the length parameter. Result is being padded with "
        "zeros in the tail. Please check your center and hop_length settings.",
        stacklevel=4,
    )
    return FUNCTIONS["pad"](signal, [0, missing])


def _check_spectra(
    x: Tensor, n_fft: int, onesided: Any, return_complex: bool, window: Tensor | None
) -> None:
    """RuntimeError where these cannot be the spectra that `stft` gives."""
    _require(
        x.is_complex(),
        "istft requires a complex-valued input tensor matching the output from stft with "
        "return_complex=True.",
    )
    _require(
        x.numel() > 0 and x.ndim in (2, 3),
        f"istft: expected 2 or 3 dimensions and at least one number, got {tuple(x.shape)}",
    )
    bins = x.shape[-2]
    onesided = bins != n_fft if onesided is None else onesided
    wanted = n_fft // 2 + 1 if onesided else n_fft
    _require(
        bins == wanted,
        f"istft: expected the frequency dimension (2nd to the last) of the input tensor to be "
        f"{wanted} when onesided={onesided} and n_fft={n_fft}, but got {bins}",
    )
    of_complex = window is not None and window.is_complex()
    if return_complex:
        _require(not onesided, "Cannot have onesided output if window or input is complex")
    else:
        _require(not of_complex, "Complex windows are incompatible with return_complex=False")
