"""Mixed precision under the old names of ``torch.cpu.amp``; `flambeau.amp` has the new ones."""

from ..amp.old_names import autocast_for, scaler_for

__all__ = ["GradScaler", "autocast"]

autocast, GradScaler = autocast_for("cpu"), scaler_for("cpu")
