"""What the rest of the library tells the compiler, and asks it: two numbers without imports."""

from __future__ import annotations

tracing = False  # whether a call is being traced: asked by functions that work past the operations
changes = 0  # how often an attribute of some module was set: programs look again when it grows
