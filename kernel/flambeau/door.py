"""`flambeau.view`: the widgets package, found when it is first touched.

The library knows no Jupyter package; whatever is registered under the entry point group
``flambeau.view`` is shown here, so ``fb.view.graph(model)`` needs no second import.
"""

from __future__ import annotations

import functools
from importlib.metadata import entry_points
from typing import Any


@functools.cache
def view() -> Any:
    """The package of views; ImportError that says what to install when there is none."""
    for found in entry_points(group="flambeau.view"):
        try:
            return found.load()
        except ImportError as error:
            raise ImportError(
                f"the views need {error.name or error}, which is not installed: "
                "pip install flambeau jupyterlab anywidget"
            ) from error
    raise ImportError("the views are not installed: pip install flambeau jupyterlab anywidget")
