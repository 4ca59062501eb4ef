"""How a batch travels from a worker's process: small things pickled, large arrays in memory
that both processes map.

The memory has no name: its descriptor is sent through the connection, so nothing is left behind
whichever process dies when, and nothing has to be tracked.
"""

from __future__ import annotations

import array
import mmap
import os
import pickle
import socket
import sys
import tempfile
from typing import Any

LARGE = 1 << 16  # bytes from which an array is shared rather than sent
CAN_SHARE = hasattr(socket, "AF_UNIX") and hasattr(socket.socket, "sendmsg")
SPARE = 512  # so many descriptors may be open before batches are copied instead
_ALIGNED = 64


def send(connection: Any, message: Any) -> None:
    """Sends a message; the memory of its large arrays follows as one descriptor."""
    large: list[memoryview] = []

    def inside(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < LARGE or not CAN_SHARE:
            return True
        large.append(view)
        return False

    data = pickle.dumps(message, protocol=5, buffer_callback=inside)
    places, size = [], 0
    for view in large:
        places.append((size, view.nbytes))
        size += -(-view.nbytes // _ALIGNED) * _ALIGNED
    connection.send_bytes(pickle.dumps((places, size)))
    connection.send_bytes(data)
    if large:
        _send_memory(connection, large, places, size)


def receive(connection: Any) -> Any:
    """Receives a message; its large arrays lie in the memory that was sent."""
    places, size = pickle.loads(connection.recv_bytes())
    data = connection.recv_bytes()
    if not places:
        return pickle.loads(data)
    descriptor = _receive_descriptor(connection)
    try:
        memory = _mapped(descriptor, size)
    finally:
        os.close(descriptor)
    return pickle.loads(data, buffers=[memory[at : at + n] for at, n in places])


def _mapped(descriptor: int, size: int) -> memoryview:
    """The memory behind a descriptor, for as long as something uses it."""
    if sys.version_info >= (3, 13):
        return memoryview(mmap.mmap(descriptor, size, trackfd=False))
    memory = mmap.mmap(descriptor, size)  # which keeps a descriptor open
    if descriptor < SPARE:
        return memoryview(memory)
    with memory:
        return memoryview(bytearray(memory))


def _nameless(size: int) -> int:
    """A descriptor of so many bytes of memory that has no name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("flambeau-batch", os.MFD_CLOEXEC)
    else:
        descriptor, path = tempfile.mkstemp(prefix="flambeau-batch-")
        os.unlink(path)
    os.ftruncate(descriptor, size)
    return descriptor


def _send_memory(connection: Any, views: list[memoryview], places: Any, size: int) -> None:
    descriptor = _nameless(size)
    try:
        with mmap.mmap(descriptor, size) as memory:
            for view, (at, count) in zip(views, places, strict=True):
                memory[at : at + count] = view
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            line.sendmsg([b"m"], rights)
    finally:
        os.close(descriptor)


def _receive_descriptor(connection: Any) -> int:
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        room = socket.CMSG_SPACE(array.array("i", [0]).itemsize)
        data, ancillary, *_ = line.recvmsg(1, room)
    if not data or not ancillary:
        raise EOFError("the worker ended before its memory arrived")
    found = array.array("i")
    found.frombytes(ancillary[0][2][: found.itemsize])
    return found[0]
