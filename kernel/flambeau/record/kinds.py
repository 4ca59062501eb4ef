"""What a note of the recorder is about: the first item of its tuple.

Plain numbers, because looking up an enum's member takes longer than all else that a note needs.
"""

(
    FORWARD,
    BACKWARD,
    FAILED,
    ENTER,
    LEAVE,
    TAKEN,
    FREED,
    CATEGORY,
    STATISTICS,
    GRADIENT_OF,
    PARAMETER,
    STEP,
    SUMMARY,
    ITERATION,
    MARK,
    ERROR,
) = range(16)
