"""Whether a call is being traced: what library functions ask that work past the operations."""

tracing = False
