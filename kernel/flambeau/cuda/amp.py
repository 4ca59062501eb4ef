"""Mixed precision under the old names of ``torch.cuda.amp``; `flambeau.amp` has the new ones."""

from ..amp import custom_bwd as _custom_bwd
from ..amp import custom_fwd as _custom_fwd
from ..amp.old_names import autocast_for, decorator_for, scaler_for

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

autocast, GradScaler = autocast_for("cuda"), scaler_for("cuda")
custom_fwd = decorator_for("cuda", _custom_fwd)
custom_bwd = decorator_for("cuda", _custom_bwd)
