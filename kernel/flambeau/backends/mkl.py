"""Intel's library for linear algebra; mirrors ``torch.backends.mkl``."""

import numpy as np


def is_available() -> bool:
    """Whether NumPy was built with it."""
    built = np.show_config(mode="dicts")
    return "mkl" in str((built or {}).get("Build Dependencies", "")).lower()
