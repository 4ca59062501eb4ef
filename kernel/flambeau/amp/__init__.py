"""Automatic mixed precision: the costly operations in 16 bits, the delicate ones in 32.

>>> import flambeau as fb
>>> with fb.autocast("cpu"):
...     (fb.ones(2, 2) @ fb.ones(2, 2)).dtype
torch.bfloat16
"""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
