"""How a batch travels from a worker's process: small things pickled, large arrays in memory that
both processes map.

The memory has no name: its descriptor is sent through the connection, so nothing is left behind
whichever process dies when, and nothing has to be tracked. A piece of it is a `Room`. When nobody
uses the batch in it any more, on either side, the worker puts another one there: memory that was
used before costs nothing, where the system must find and clear what is new.
"""

from __future__ import annotations

import array
import mmap
import os
import pickle
import socket
import sys
import tempfile
import weakref
from math import prod
from typing import Any

import numpy as np

LARGE = 1 << 16  # bytes from which an array is shared rather than sent
CAN_SHARE = hasattr(socket, "AF_UNIX") and hasattr(socket.socket, "sendmsg")
SPARE = 512  # so many descriptors may be open before batches are copied instead
ROOMS = 8  # so many a worker keeps for further batches
_ALIGNED = 64


class Room:
    """Memory that both processes map. What lies in it hangs on a lease, which says when it ends."""

    def __init__(self, number: int, descriptor: int, size: int) -> None:
        self.number, self.size = number, size
        if sys.version_info >= (3, 13):
            self.memory = mmap.mmap(descriptor, size, trackfd=False)
        else:
            self.memory = mmap.mmap(descriptor, size)  # which keeps a descriptor open
        self.ended: Any = None

    def lease(self, at_end: Any = None) -> np.ndarray:
        """All of it as bytes; ``at_end`` is called when nothing made of them is left."""
        made = np.frombuffer(self.memory, np.uint8)
        self.ended = weakref.ref(made, at_end)
        return made

    @property
    def vacant(self) -> bool:
        """Whether nothing of the last lease is left."""
        return self.ended is None or self.ended() is None


class Sender:
    """The worker's end: makes batches in rooms, and sends them."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.rooms: dict[int, Room] = {}
        self.free: list[int] = []  # rooms that the parent does not use
        self.gone: list[int] = []  # rooms that were given up
        self.count = 0
        self.room: Room | None = None  # where the batch at hand is made
        self.lease: Any = None
        self.used = 0  # how full it is

    def begin(self, returned: list[int]) -> None:
        """Another batch begins; the parent is done with some rooms (below 0: has let go of)."""
        for number in returned:
            if self.rooms.get(abs(number)) is None:
                continue
            if number < 0:
                del self.rooms[-number]
            else:
                self.free.append(number)
        self.room = self.lease = None
        for number in reversed(self.free):
            if self.rooms[number].vacant:
                self.free.remove(number)
                self._enter(self.rooms[number])
                return

    def _enter(self, room: Room) -> None:
        self.room, self.lease, self.used = room, room.lease(), 0

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """An array in the room of the batch at hand; None where there is no place for it."""
        size = prod(shape) * dtype.itemsize
        if self.room is None or size < LARGE or self.used + size > self.room.size:
            return None
        made: np.ndarray = self.lease[self.used : self.used + size].view(dtype).reshape(shape)
        self.used = _rounded(self.used + size)
        return made

    def send(self, message: Any) -> None:
        """Sends a message. Its large arrays lie in a room, whose descriptor is sent once."""
        large: list[memoryview] = []

        def inside(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if view.nbytes < LARGE or not CAN_SHARE:
                return True
            large.append(view)
            return False

        data = pickle.dumps(message, protocol=5, buffer_callback=inside)
        descriptor, places = self._put(large) if large else (None, [])
        room = self.room if large else None
        if self.room is not None and room is None:  # nothing of it is sent
            self.free.append(self.room.number)
        known = (room.number, room.size) if room else (0, 0)
        head = (*known, descriptor is not None, places, self.gone)
        self.room, self.lease, self.gone = None, None, []
        try:
            self.connection.send_bytes(pickle.dumps(head))
            self.connection.send_bytes(data)
            if descriptor is not None:
                _send_descriptor(self.connection, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _put(self, views: list[memoryview]) -> tuple[int | None, list[tuple[int, int]]]:
        """Brings arrays into one room: its descriptor if it is new, and where each array lies."""
        found = [self._place_of(view) for view in views]
        missing = sum(_rounded(v.nbytes) for v, at in zip(views, found, strict=True) if at < 0)
        descriptor = None
        if self.room is None or self.used + missing > self.room.size:
            descriptor = self._grow(sum(_rounded(view.nbytes) for view in views))
            found = [-1] * len(views)
        for i, view in enumerate(views):
            if found[i] < 0:
                found[i] = self.used
                self.lease[self.used : self.used + view.nbytes] = view.cast("B")
                self.used = _rounded(self.used + view.nbytes)
        return descriptor, [(at, v.nbytes) for at, v in zip(found, views, strict=True)]

    def _place_of(self, view: memoryview) -> int:
        """Where an array lies in the room at hand; -1 for one that lies elsewhere."""
        if self.room is None:
            return -1
        at = int(np.frombuffer(view, np.uint8).ctypes.data - self.lease.ctypes.data)
        return at if 0 <= at < self.room.size else -1

    def _grow(self, size: int) -> int:
        """Goes to a new room that is large enough; one that was too small is given up."""
        if self.room is not None:
            del self.rooms[self.room.number]
            self.gone.append(self.room.number)
        descriptor = _nameless(size)
        self.count += 1
        if len(self.rooms) < ROOMS:
            self._enter(self.rooms.setdefault(self.count, Room(self.count, descriptor, size)))
        else:  # for this batch alone
            self._enter(Room(0, descriptor, size))
        return descriptor


class Receiver:
    """The parent's end: it takes batches, and tells which rooms may be used again."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.rooms: dict[int, Room] = {}
        self.left: list[int] = []  # filled as batches go, whichever thread lets go of them

    def receive(self) -> Any:
        """Receives a message; its large arrays lie in the memory that was sent."""
        number, size, new, places, gone = pickle.loads(self.connection.recv_bytes())
        for one in gone:
            self.rooms.pop(one, None)
        data = self.connection.recv_bytes()
        if not places:
            return pickle.loads(data)
        whole = self._enter(number, size) if new else self._lease(self.rooms[number])
        return pickle.loads(data, buffers=[whole[at : at + n] for at, n in places])

    def returned(self) -> list[int]:
        """The rooms that are no longer used, each told once; below 0 those that are not kept."""
        return [self.left.pop() for _ in range(len(self.left))]

    def _lease(self, room: Room) -> memoryview:
        number, left = room.number, self.left
        return memoryview(room.lease(lambda _: left.append(number)))  # type: ignore[arg-type]

    def _enter(self, number: int, size: int) -> memoryview:
        """The memory of a new room, for as long as something uses it."""
        descriptor = _receive_descriptor(self.connection)
        try:
            if descriptor >= SPARE and sys.version_info < (3, 13):
                self.left.append(-number)
                with mmap.mmap(descriptor, size) as memory:
                    return memoryview(bytearray(memory))
            room = Room(number, descriptor, size)
        finally:
            os.close(descriptor)
        if not number:
            return memoryview(room.lease())  # type: ignore[arg-type]
        self.rooms[number] = room
        return self._lease(room)


def _rounded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


def _nameless(size: int) -> int:
    """A descriptor of so many bytes of memory that has no name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("flambeau-batch", os.MFD_CLOEXEC)
    else:
        descriptor, path = tempfile.mkstemp(prefix="flambeau-batch-")
        os.unlink(path)
    os.ftruncate(descriptor, size)
    return descriptor


def _send_descriptor(connection: Any, descriptor: int) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        line.sendmsg([b"m"], rights)


def _receive_descriptor(connection: Any) -> int:
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        room = socket.CMSG_SPACE(array.array("i", [0]).itemsize)
        data, ancillary, *_ = line.recvmsg(1, room)
    if not data or not ancillary:
        raise EOFError("the worker ended before its memory arrived")
    found = array.array("i")
    found.frombytes(ancillary[0][2][: found.itemsize])
    return found[0]
