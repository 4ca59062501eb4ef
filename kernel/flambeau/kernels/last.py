"""Windows of images as rows of a matrix, with the channels last.

So what a window has in one line of the image is one run of memory. Images are (N, D, H, W·C);
fewer dimensions of space have a D, or a D and an H, of 1.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32 = np.float32


@kernel
def columns(x, out):
    """out[p, c] = x[c, p]. Eight channels at a time, so that stores fill half a cache line."""
    whole = len(x) // 8 * 8
    for c in range(0, whole, 8):
        y = x[c : c + 8]
        for p in range(len(out)):
            to = out[p, c:]
            to[0], to[1], to[2], to[3] = y[0, p], y[1, p], y[2, p], y[3, p]
            to[4], to[5], to[6], to[7] = y[4, p], y[5, p], y[6, p], y[7, p]
    for c in range(whole, len(x)):
        line = x[c]
        for p in range(len(out)):
            out[p, c] = line[p]


@kernel
def lines(x, bias, out):
    """out[c, p] = x[p, c] + bias[c]. Sixteen rows at a time stay in the cache."""
    for begin in range(0, len(x), 16):
        some = x[begin : begin + 16]
        for c in range(len(out)):
            line, more = out[c, begin:], bias[c]
            for p in range(len(some)):
                line[p] = some[p, c] + more


@kernel
def to_last(x, out, before):
    """Copies (N, C, D, H, W) into the middle of (N, D', H', W', C), zeros around it.

    ``before`` says how far the middle is from the edge; what does not fit is left out.
    """
    d0, h0, w0 = before
    begin, end = max(0, -w0), min(x.shape[4], out.shape[3] - w0)
    for n in range(len(x)):
        for d in range(out.shape[1]):
            for h in range(out.shape[2]):
                to = out[n, d, h]
                if 0 <= d - d0 < x.shape[2] and 0 <= h - h0 < x.shape[3]:
                    to[: begin + w0] = f32(0)
                    to[end + w0 :] = f32(0)
                    columns(x[n, :, d - d0, h - h0, begin:end], to[begin + w0 : end + w0])
                else:
                    to[:] = f32(0)


@kernel
def to_first(x, bias, out, before):
    """Copies what lies ``before`` from the edge of (N, D', H', W', C) to (N, C, D, H, W)."""
    d0, h0, w0 = before
    for n in range(len(out)):
        for d in range(out.shape[2]):
            for h in range(out.shape[3]):
                row = x[n, d + d0, h + h0, w0 : w0 + out.shape[4]]
                lines(row, bias, out[n, :, d, h])


@kernel
def rows_to_first(rows, bias, out, first):
    """out[n, c, p] = rows[i, c] + bias[c], where row i is place p of image n, from ``first`` on."""
    size, i = out.shape[2], 0
    while i < len(rows):
        n, p = (first + i) // size, (first + i) % size
        some = rows[i : i + size - p]
        lines(some, bias, out[n, :, p : p + len(some)])
        i += len(some)


@kernel
def first_to_rows(x, rows, first):
    """The reverse: rows[i, c] = x[n, c, p]."""
    size, i = x.shape[2], 0
    while i < len(rows):
        n, p = (first + i) // size, (first + i) % size
        some = rows[i : i + size - p]
        columns(x[n, :, p : p + len(some)], some)
        i += len(some)


@kernel
def _line_of(at, space, stride):
    """Image, depth and height at which the windows of output line ``at`` begin."""
    n, d, h = at // (space[0] * space[1]), at // space[1] % space[0], at % space[1]
    return n, d * stride[0], h * stride[1]


@kernel
def gather(x, out, first, space, stride, dilation):
    """The windows of some lines as rows: out (lines, OW, KD, KH, pieces, length).

    A piece is what lies side by side: the whole width of the kernel, or one of its places where
    it is dilated. ``space`` is (OD, OH); strides and dilations along the line count numbers.
    """
    for line in range(len(out)):
        n, front, top = _line_of(first + line, space, stride)
        for d in range(out.shape[2]):
            for h in range(out.shape[3]):
                source = x[n, front + d * dilation[0], top + h * dilation[1]]
                for w in range(out.shape[1]):
                    for piece in range(out.shape[4]):
                        to = out[line, w, d, h, piece]
                        run = source[w * stride[2] + piece * dilation[2] :]
                        for i in range(len(to)):
                            to[i] = run[i]


@kernel
def scatter(rows, x, first, space, stride, dilation):
    """Adds rows, as `gather` lays them out, up at the places in x that they come from."""
    for line in range(len(rows)):
        n, front, top = _line_of(first + line, space, stride)
        for d in range(rows.shape[2]):
            for h in range(rows.shape[3]):
                target = x[n, front + d * dilation[0], top + h * dilation[1]]
                for w in range(rows.shape[1]):
                    for piece in range(rows.shape[4]):
                        given = rows[line, w, d, h, piece]
                        run = target[w * stride[2] + piece * dilation[2] :]
                        for i in range(len(given)):
                            run[i] += given[i]


@kernel
def filters_last(w, out):
    """(O, C, K) as the matrix (K, C, O)."""
    for begin in range(0, len(w), 16):
        some = w[begin : begin + 16]
        for c in range(w.shape[1]):
            for k in range(w.shape[2]):
                line = out[k, c, begin:]
                for o in range(len(some)):
                    line[o] = some[o, c, k]


@kernel
def filters_first(x, out):
    """(K, C, O) as (O, C, K)."""
    for begin in range(0, len(out), 16):
        some = out[begin : begin + 16]
        for c in range(x.shape[1]):
            for k in range(x.shape[0]):
                line = x[k, c, begin:]
                for o in range(len(some)):
                    some[o, c, k] = line[o]
