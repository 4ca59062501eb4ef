"""``SummaryWriter``: figures for TensorBoard, written by tensorboardX.

Mirrors ``torch.utils.tensorboard``; ``pip install flambeau[tensorboard]`` brings what it needs.
"""

from __future__ import annotations

import functools
from typing import Any

from ..left_out import explain_all
from ..tensor import Tensor

try:
    import tensorboardX as _writer
except ImportError:
    raise ImportError(
        "SummaryWriter needs tensorboardX: pip install tensorboardX (and tensorboard, to look at "
        "what it writes)"
    ) from None

__all__ = ["SummaryWriter"]


def _plain(value: Any) -> Any:
    """Tensors as NumPy arrays, inside dicts, lists and tuples too."""
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value


class SummaryWriter(_writer.SummaryWriter):
    """Writes event files into ``log_dir`` ("runs/..." unless told); its methods take tensors.

    All that is written comes from tensorboardX: ``add_scalar``, ``add_scalars``,
    ``add_histogram``, ``add_image``, ``add_images``, ``add_figure``, ``add_text``,
    ``add_embedding``, ``add_pr_curve``, ``add_hparams``, ``flush``, ``close``.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        super().__init__(
            logdir=None if log_dir is None else str(log_dir),
            comment=comment,
            purge_step=purge_step,
            max_queue=max_queue,
            flush_secs=flush_secs,
            filename_suffix=filename_suffix,
        )

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith("add_") or name == "add_graph":
            return found

        @functools.wraps(found)
        def called(*args: Any, **kwargs: Any) -> Any:
            return found(*map(_plain, args), **{k: _plain(v) for k, v in kwargs.items()})

        return called

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, **_: Any
    ) -> None:
        """Writes the graph of one forward as text; ``view.graph`` shows it whole."""
        from ..autograd.grad_mode import no_grad
        from ..record import record

        given = input_to_model if isinstance(input_to_model, tuple) else (input_to_model,)
        with record(statistics=0) as trace, no_grad():
            model(*given)
        if verbose:
            print(trace.to_dot())
        self.add_text("graph", f"```\n{trace.to_dot()}\n```")


explain_all(__name__)
