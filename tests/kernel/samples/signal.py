"""Windows, and spectra over time."""

import numpy as np
from op_table import Sample, randn

WINDOW = np.hanning(8)
SPECTRA = (np.arange(30).reshape(5, 6) % 7 - 3) * (1 + 0.5j)
NAMES = ("hann", "hamming", "blackman", "bartlett", "kaiser")

SAMPLES = [
    *(Sample(f"{name}_window", n) for name in NAMES for n in (0, 1, 6)),
    *(Sample(f"{name}_window", 6, False) for name in NAMES),
    Sample("hamming_window", 6, True, 0.6, 0.3),
    Sample("kaiser_window", 6, True, 5.0),
    Sample("stft", randn(30), 8, return_complex=True),
    Sample("stft", randn(2, 30), 8, 3, window=WINDOW, center=False, return_complex=True).but(
        dtypes=()
    ),
    Sample("stft", randn(2, 30), 8, 3, 6, pad_mode="constant", normalized=True, onesided=False,
           return_complex=True),
    Sample("istft", SPECTRA, 8).but(grad=False),
    Sample("istft", SPECTRA, 8, 3, normalized=True, length=20).but(grad=False),
]  # fmt: skip
