"""The one live recording of this kernel, and the views that follow it."""

from __future__ import annotations

from typing import Any

from flambeau.record.live import Live
from flambeau.switches import spare_a_core

from .conversation import Conversation, status

LIVE, HELLO = "flambeau.live", "flambeau.hello"


class Hub:
    """Passes news of a recording on to the conversations that are open."""

    def __init__(self, source: Any) -> None:
        self.source = source  # a `Live` recording, or a `Still` trace
        self.conversations: list[Conversation] = []
        if isinstance(source, Live):
            source.on_news.append(self.news)

    def open(self, send: Any) -> Conversation:
        """A conversation with one more view."""
        made = Conversation(self.source, send)
        self.conversations.append(made)
        return made

    def close(self, conversation: Conversation) -> None:
        """Ends a conversation."""
        if conversation in self.conversations:
            self.conversations.remove(conversation)

    def news(self) -> None:
        """Sends every view what is new; one that cannot be reached is let go."""
        for conversation in list(self.conversations):
            try:
                conversation.news()
            except Exception:  # a broken connection must not stop the training that runs
                self.close(conversation)


_hub: Hub | None = None


def live_hub(rate: float = 10.0, statistics: float = 0.1) -> Hub:
    """The hub of this kernel's live recording, begun when it is first asked for."""
    global _hub
    if _hub is None or (isinstance(_hub.source, Live) and _hub.source.stopping.is_set()):
        spare_a_core()
        source = Live(rate, statistics)
        _hub = Hub(source)
        source.begin()
        _open_door(_hub)
    return _hub


def running_hub() -> Hub | None:
    """The hub if there is a live recording, else None."""
    return _hub


def stop() -> None:
    """Ends the live recording; the views keep the last picture."""
    if _hub is not None and isinstance(_hub.source, Live):
        _hub.source.end()


def _in_kernel() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def _open_door(hub: Hub) -> None:
    """Lets JupyterLab's panel connect, and tells it that it can."""
    if not _in_kernel():
        return
    from comm import create_comm, get_comm_manager

    get_comm_manager().register_target(LIVE, lambda comm, message: _welcome(hub, comm))
    create_comm(target_name=HELLO, data={"protocol": 1})


def hear_while_busy(comm: Any) -> None:
    """Lets what a view says reach the subshell that it names.

    ipykernel 7.4 takes it to where the kernel last spoke to the view instead: to the cell that
    trains, which has no time to listen.
    """
    comm._reply_subshell_for = lambda data, named: named


def _welcome(hub: Hub, comm: Any) -> None:
    """A panel has opened a comm."""
    hear_while_busy(comm)
    conversation = hub.open(lambda message, buffers: comm.send(message, buffers=buffers))
    comm.on_msg(lambda message: conversation.receive(message["content"]["data"]))
    comm.on_close(lambda message: hub.close(conversation))
    comm.send(status(hub.source))
