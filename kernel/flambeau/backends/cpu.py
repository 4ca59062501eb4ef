"""What the processor can do; mirrors ``torch.backends.cpu``."""

import numpy as np


def get_cpu_capability() -> str:
    """ "AVX512", "AVX2" or "DEFAULT": what NumPy found that it may use."""
    found = (np.show_config(mode="dicts") or {}).get("SIMD Extensions", {}).get("found", [])
    names = " ".join(found).upper()
    return next((kind for kind in ("AVX512", "AVX2") if kind in names), "DEFAULT")
