"""Recurrent layers: RNN, LSTM and GRU, over sequences or one step at a time."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..amp.state import any_autocast
from ..ops.creation import zeros
from ..ops.join import cat
from ..ops.recurrent import LAYERS
from ..ops.sequences import run_layers
from . import init
from .linear import empty
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


class RNNBase(Module):
    """What the recurrent layers share: parameters, directions, layers, packed and padded input."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = dropout, bidirectional, proj_size
        self._check_options()
        self.dropout = float(dropout)
        self._names = self._make({"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_options(self) -> None:
        p = self.dropout
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                "element being zeroed"
            )
        if p > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={p} and num_layers=1",
                stacklevel=4,
            )
        kinds = (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int))
        for name, kind in kinds:
            if not isinstance(getattr(self, name), kind):
                got = type(getattr(self, name)).__name__
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {got}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError("proj_size has to be zero or positive, and smaller than hidden_size")

    def _make(self, made: Any) -> list[list[str]]:
        """The parameters, and their names for each layer and direction."""
        gates, found = _GATES[self.mode] * self.hidden_size, []
        out = self.proj_size or self.hidden_size
        for layer in range(self.num_layers):
            size = self.input_size if layer == 0 else out * (1 + self.bidirectional)
            for suffix in ("", "_reverse") if self.bidirectional else ("",):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, size)}
                shapes["weight_hh"] = (gates, out)
                if self.bias:
                    shapes["bias_ih"] = shapes["bias_hh"] = (gates,)
                if self.proj_size:
                    shapes["weight_hr"] = (self.proj_size, self.hidden_size)
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{layer}{suffix}", empty(*shape, **made))
                found.append([f"{name}_l{layer}{suffix}" for name in shapes])
        return found

    def reset_parameters(self) -> None:
        """Draws new values: U(-k, k) with k = 1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: the parameters need no special place in memory here."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    # Forward

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The output at each step, (L, N, D·H), and the last states, (D·layers, N, H)."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        kind = type(self).__name__
        if input.dim() not in (2, 3):
            raise ValueError(f"{kind}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        single, at = input.dim() == 2, 0 if self.batch_first else 1
        if single:
            input = input.unsqueeze(at)
        if hx is not None:
            hx = self._with_batch(hx, single)
        x = input.transpose(0, 1) if self.batch_first else input
        self._check_input(x)
        steps, batch = x.shape[:2]
        data, last = self._layers(x.reshape(steps * batch, -1), (batch,) * steps, hx)
        out = data.reshape(steps, batch, -1)
        if self.batch_first:
            out = out.transpose(0, 1)
        if single:
            return out.squeeze(at), self._states(last, lambda s: s.squeeze(1))
        return out, self._states(last)

    def _run_packed(self, input: PackedSequence, hx: Any) -> tuple[Any, Any]:
        data, batch_sizes, order, back = input
        counts = tuple(int(n) for n in batch_sizes)
        self._check_input(data)
        if hx is not None and order is not None:
            hx = self._each(hx, lambda s: s.index_select(1, order))
        out, last = self._layers(data, counts, hx)
        packed = PackedSequence(out, batch_sizes, order, back)
        if back is None:
            return packed, self._states(last)
        return packed, self._states(last, lambda s: s.index_select(1, back))

    def _check_input(self, x: Any) -> None:
        weight: Any = getattr(self, self._names[0][0])
        if x.dtype != weight.dtype and not any_autocast():
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {x.shape[-1]}"
            )
        if x.shape[0] == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")

    def _each(self, hx: Any, f: Any) -> Any:
        return tuple(f(s) for s in hx) if self.mode == "LSTM" else f(hx)

    def _with_batch(self, hx: Any, single: bool) -> Any:
        """The first states with a dimension for the batch."""
        wanted = 2 if single else 3
        for s in hx if self.mode == "LSTM" else (hx,):
            if s.dim() != wanted:
                raise RuntimeError(
                    f"For {'un' if single else ''}batched {wanted}-D input, hx should also be "
                    f"{wanted}-D but got {s.dim()}-D tensor"
                )
        return self._each(hx, lambda s: s.unsqueeze(1)) if single else hx

    def _first(self, data: Any, batch: int, hx: Any) -> Any:
        """The states to begin with, (D·layers, N, S); hidden and cell side by side."""
        directions = (1 + self.bidirectional) * self.num_layers
        widths = [self.proj_size or self.hidden_size]
        if self.mode == "LSTM":
            widths.append(self.hidden_size)
        if hx is None:
            return zeros(directions, batch, sum(widths), dtype=data.dtype, device=data.device)
        states = hx if self.mode == "LSTM" else (hx,)
        for n, s in zip(widths, states, strict=True):
            if tuple(s.shape) != (directions, batch, n):
                raise RuntimeError(
                    f"Expected hidden size {(directions, batch, n)}, got {list(s.shape)}"
                )
        return cat(list(states), 2) if len(states) > 1 else states[0]

    def _layers(self, data: Any, counts: tuple[int, ...], hx: Any) -> tuple[Any, Any]:
        """All layers over packed input; the last output, and all last states (D·layers, N, S)."""
        first = self._first(data, counts[0], hx)
        weights = [self._weights(names) for names in self._names]
        dropout = self.dropout if self.training else 0.0
        return run_layers(self.mode, data, counts, first, weights, self.bidirectional, dropout)

    def _weights(self, names: list[str]) -> list[Any]:
        """Those of one layer and direction, with None for what it does without."""
        weights: list[Any] = [getattr(self, name) for name in names]
        if not self.bias:
            weights[2:2] = [None, None]
        return weights + [None] * (5 - len(weights))

    def _states(self, last: Any, change: Any = lambda s: s) -> Any:
        """The last states as they are given back."""
        if self.mode != "LSTM":
            return change(last)
        n = self.proj_size or self.hidden_size
        return change(last[..., :n].clone()), change(last[..., n:].clone())

    def extra_repr(self) -> str:
        """Its sizes and options."""
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
            "bidirectional": False,
        }  # fmt: skip
        for name, value in usual.items():
            if getattr(self, name) != value:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(RNNBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) at each step, or max(…, 0) (Elman 1990).

    >>> import flambeau as fb
    >>> out, h = fb.nn.RNN(3, 5)(fb.ones(7, 2, 3))
    >>> out.shape, h.shape
    (torch.Size([7, 2, 5]), torch.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997); the state is (h, c).

    i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b); c' = f c + i g; h' = o tanh(c').

    >>> out, (h, c) = nn.LSTM(3, 5, num_layers=2, batch_first=True)(fb.ones(4, 7, 3))
    >>> out.shape, h.shape, c.shape
    (torch.Size([4, 7, 5]), torch.Size([2, 4, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """r, z = σ(W x + U h + b); n = tanh(W x + b + r (U h + b)); h' = (1 - z) n + z h.

    >>> out, h = nn.GRU(3, 5, bidirectional=True)(fb.ones(7, 4, 3))
    >>> out.shape, h.shape
    (torch.Size([7, 4, 10]), torch.Size([2, 4, 5]))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        made, gates = {"device": device, "dtype": dtype}, num_chunks * hidden_size
        self.weight_ih = empty(gates, input_size, **made)
        self.weight_hh = empty(gates, hidden_size, **made)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty(gates, **made) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new values: U(-k, k) with k = 1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, mode: str, input: Any, states: Any) -> Any:
        """The state after one step, all of its parts side by side."""
        kind, parts = type(self).__name__, 2 if mode == "LSTM" else 1
        if input.dim() not in (1, 2):
            raise ValueError(f"{kind}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for s in states or ():
            if s.dim() not in (1, 2):
                raise ValueError(f"{kind}: Expected hidden to be 1D or 2D, got {s.dim()}D instead")
        x = input if input.dim() == 2 else input.unsqueeze(0)
        n, width = x.shape[0], self.hidden_size
        for s in states or ():
            if s.numel() != n * width or s.shape[-1] != width:
                raise RuntimeError(
                    f"{kind}: the state has shape {tuple(s.shape)}, expected {(n, width)}"
                )
        if states is None:
            state: Any = zeros(n, parts * width, dtype=x.dtype, device=x.device)
        else:
            flat = [s if s.dim() == 2 else s.reshape(n, -1) for s in states]
            state = cat(flat, 1) if len(flat) > 1 else flat[0]
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        out = LAYERS[mode](x, state, *weights, None, (n,), False)[n:].clone()
        return out if input.dim() == 2 else out.squeeze(0)

    def extra_repr(self) -> str:
        """Its sizes and options."""
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias else f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step of `RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state (N, H)."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        mode = f"RNN_{self.nonlinearity.upper()}"
        return self._step(mode, input, None if hx is None else (hx,))


class LSTMCell(RNNCellBase):
    """One step of `LSTM`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The next states (N, H): h and c."""
        if hx is not None and not isinstance(hx, (tuple, list)):
            raise TypeError(f"LSTMCell: hx is the pair (h, c), not a {type(hx).__name__}")
        out = self._step("LSTM", input, hx)
        return out[..., : self.hidden_size].clone(), out[..., self.hidden_size :].clone()


class GRUCell(RNNCellBase):
    """One step of `GRU`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state (N, H)."""
        return self._step("GRU", input, None if hx is None else (hx,))
