"""Positional and keyword arguments of a call, put into the order that an operation has them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .signature import MISSING

# NumPy's names for two arguments, which PyTorch takes as well.
ALIASES = {"axis": "dim", "keepdims": "keepdim"}


def order_of(op: Any, count: int, keys: tuple[str, ...]) -> Callable[[Any, Any], tuple[Any, ...]]:
    """What puts a call with ``count`` positional arguments and these keywords in order.

    ``lambda a, k: (a[0], k["dim"], defaults[2],)``, written for each kind of call that occurs: it
    costs a fifth of what a loop over names does. TypeError for arguments that do not fit.
    """
    names, defaults = op.names, op.defaults
    packed = op.packs and count > len(names)  # x.view(2, 3) is x.view((2, 3))
    if count > len(names) and not packed:
        raise TypeError(
            f"{op.name}() takes {len(names)} arguments ({', '.join(names)}), {count} were given"
        )
    places = [f"a[{i}]" if i < count else f"defaults[{i}]" for i in range(len(names))]
    if packed:
        places[-1] = f"a[{len(names) - 1}:]"
    for key in keys:
        name = key if key in names else ALIASES.get(key, key)
        if name not in names:
            raise TypeError(f"{op.name}() has no argument {key!r}; it takes {', '.join(names)}")
        places[names.index(name)] = f"k[{key!r}]"
    for name, place, default in zip(names, places, defaults, strict=True):
        if default is MISSING and place[0] == "d":
            raise TypeError(f"{op.name}() is missing its argument {name!r}")
    return eval(
        f"lambda a, k: ({''.join(f'{place}, ' for place in places)})", {"defaults": defaults}
    )
