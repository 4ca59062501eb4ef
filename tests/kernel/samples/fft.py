"""Fourier transforms, and the parts of complex numbers."""

import numpy as np
from op_table import Sample, bools, positive, randn

COMPLEX = np.array([[1 + 2j, -3 + 0.5j, 0], [2j, -1, 0.25 - 4j]])
ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")

SAMPLES = [
    *(Sample(f"fft.{name}", randn(2, 5)) for name in ONE),
    *(Sample(f"fft.{name}", randn(4, 3), 6, 0, "ortho") for name in ONE),
    *(Sample(f"fft.{name}", randn(6), 3, norm="forward") for name in ONE),
    *(Sample(f"fft.{name}2", randn(2, 4, 5)) for name in ONE),
    *(Sample(f"fft.{name}n", randn(2, 4, 5)) for name in ONE),
    *(Sample(f"fft.{name}n", randn(2, 4, 5), (3, 6), (2, 0)) for name in ONE),
    *(Sample(f"fft.{name}", COMPLEX).but(grad=False) for name in ("fft", "ifft", "irfft", "hfft")),
    Sample("fft.fftfreq", 5, 0.5),
    Sample("fft.rfftfreq", 6),
    Sample("fft.fftshift", randn(4, 5)),
    Sample("fft.fftshift", randn(4, 5), 1),
    Sample("fft.ifftshift", randn(4, 5)),
    Sample("real", COMPLEX).but(shares=True),
    Sample("real", randn(3)).but(shares=True),
    Sample("imag", COMPLEX).but(shares=True),
    Sample("complex", randn(2, 3), randn(3)).but(dtypes=("float32",)),
    Sample("polar", positive(3), randn(3)).but(dtypes=("float32",)),
    Sample("conj", COMPLEX),
    Sample("conj", randn(3)).but(shares=True),
    Sample("angle", COMPLEX),
    Sample("angle", randn(4)),
    Sample("view_as_real", COMPLEX).but(shares=True),
    Sample("view_as_complex", randn(3, 2)).but(shares=True, dtypes=("float32",)),
    Sample("sgn", randn(4)),
    Sample("sgn", COMPLEX),
    Sample("isreal", COMPLEX),
    Sample("isreal", bools(3)),
    Sample("is_conj", COMPLEX),
    Sample("is_neg", COMPLEX),
    Sample("resolve_conj", randn(3)).but(shares=True),
    Sample("resolve_neg", randn(3)).but(shares=True),
]
