"""The guest answers one request after another: ``[operation, argument, ...]`` in, a reply out.

A reply is ``["v", value]`` or ``["x", error]``. Nothing it says is trusted: whatever the learner's
code does to this process, the host only ever reads values.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

from .. import protocol
from .channel import Channel
from .operations import Objects, Operations, error_form


class GuestEncoder(protocol.Encoder):
    """What cannot cross by value stays here and crosses as a handle."""

    def __init__(self, objects: Objects) -> None:
        super().__init__()
        self.objects = objects

    def reference(self, value: Any) -> Any:
        """The handle of an object."""
        return {"h": self.objects.hold(value)}


def make_server(channel: Channel, clock: Callable[..., None]) -> Callable[[], NoReturn]:
    """The function that answers requests until the host hangs up, and then ends the process."""
    own = Operations()
    operations, objects = {**own.operations(), "clock": clock}, own.objects
    header, parse, budget, leave = protocol.HEADER, protocol.parse, protocol.Budget, os._exit
    gave_up = protocol.GAVE_UP

    def answer(operation: str, *arguments: Any) -> bytes:
        encoder = GuestEncoder(objects)
        try:
            return encoder.frame(["v", encoder.value(operations[operation](*arguments))])
        except BaseException as error:  # SystemExit too: a learner's exit() is an answer
            encoder = GuestEncoder(objects)
            return encoder.frame(["x", encoder.value(error_form(error))])

    def serve() -> NoReturn:
        try:
            while True:
                text, body = map(channel.take, header.unpack(channel.take(header.size)))
                request = parse(text, body, objects.by_handle.__getitem__, budget())
                channel.send(answer(*request))
        except EOFError:
            leave(0)
        except BaseException:
            leave(gave_up)

    return serve
