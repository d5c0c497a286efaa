"""The host's end of the conversation: requests in Python values, remote errors as exceptions."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from tito.messages import Message
from tito.messages.text import clean_text
from tito.sandbox.host.process import GuestProcess
from tito.sandbox.host.proxy import Proxy, UnusableResult, handle_of
from tito.sandbox.protocol import Budget, Encoder, Malformed, TooLarge, parse

MESSAGE_LIMIT = 4000
NAME_LIMIT = 100
TOO_LARGE = re.compile(r"(\d{1,15}) (items|MB)")
CELL_PLACE = re.compile(r"<cell (\d{1,6})>")
Frame = tuple[int, int]


class RemoteError:
    """Mixed into every exception that was raised in the guest; see ``is_remote``.

    ``type_name``: the class its author gave it; ``frames``: (cell index, line) of the learner's
    cells it passed through, outermost first; ``importing``: the module of the package whose import
    it ended, if any.
    """

    type_name = "Exception"
    frames: tuple[Frame, ...] = ()
    classes: tuple[str, ...] = ()  # names of its classes, nearest first
    message = ""
    importing = ""
    explained: Message | None = None  # what we say ourselves of an error of our own machinery

    def __init__(self, *nothing: object) -> None:
        """What the builtin class would demand is not known here, and not needed."""

    def __str__(self) -> str:
        return self.message


def is_remote(error: BaseException) -> bool:
    """Whether an exception was raised by the learner's code, in the guest, and not on our side."""
    return isinstance(error, RemoteError)


class HostEncoder(Encoder):
    """Proxies travel as their handles; nothing else of the host's crosses by reference."""

    def reference(self, value: Any) -> Any:
        """The handle of a proxy."""
        if type(value) is Proxy:
            return {"h": handle_of(value)}
        if type(value) is range:
            return {"r": [value.start, value.stop, value.step]}
        raise UnusableResult(
            f"a {type(value).__name__} of the test cannot be handed to the learner's code; "
            "write a @probe that makes it there"
        )


class Client:
    """Asks one guest; keeps one proxy per remote object, so that identity means identity."""

    def __init__(self, guest: GuestProcess) -> None:
        self.guest = guest
        self.proxies: dict[int, Proxy] = {}
        self.before_request: Callable[[], None] | None = None
        self.requests = 0
        self.budget = Budget()

    def clock(self, seconds: float, cpu_seconds: float) -> None:
        """Everything asked from now on must be done within so much time, of either kind."""
        self.guest.limit(seconds, cpu_seconds)
        self.request("clock", seconds, cpu_seconds)

    def fresh(self, homes: Sequence[str]) -> None:
        """Empty namespaces, one for each home; a new life as far as budgets are concerned."""
        self.budget = Budget()
        self.request("fresh", list(homes))

    def ask(self, operation: str, *arguments: Any) -> Any:
        """The value of an operation. Raises the guest's error, or GuestLost."""
        if self.before_request:
            self.before_request()
        return self.request(operation, *arguments)

    def request(self, operation: str, *arguments: Any) -> Any:
        """``ask`` without letting the test's random numbers catch up first."""
        self.requests += 1
        encoder = HostEncoder()
        frame = encoder.frame([operation, *encoder.items(arguments, 0)])
        text, body = self.guest.exchange(frame)
        try:
            outcome, value = _reply(parse(text, body, self._proxy, self.budget))
        except Malformed:
            raise self.guest.malformed() from None
        if outcome == "v":
            return value
        raise value

    def _proxy(self, handle: Any) -> Proxy:
        if type(handle) is not int:
            raise Malformed("handle")
        if handle not in self.proxies:
            self.proxies[handle] = Proxy(self, handle)
        return self.proxies[handle]

    def forget(self) -> None:
        """Drop every proxy, as the guest drops its objects when a test begins."""
        self.proxies = {}


def _reply(reply: Any) -> tuple[str, Any]:
    """("v", value) or ("x", exception)."""
    if type(reply) is not list or len(reply) != 2 or reply[0] not in ("v", "x"):
        raise Malformed("reply")
    return ("v", reply[1]) if reply[0] == "v" else ("x", decode_error(reply[1]))


def decode_error(form: Any) -> Exception:
    """The exception that a guest's error form describes, as the nearest builtin class."""
    if type(form) is not dict:
        raise Malformed("error")
    names, message, frames = form.get("classes"), form.get("message"), form.get("frames")
    if type(names) is not list or type(message) is not str or type(frames) is not list:
        raise Malformed("error")
    error = _build(names, message)
    error.frames = tuple(place for frame in frames if (place := _place(frame)))
    importing = form.get("importing")
    error.importing = clean_text(importing[:NAME_LIMIT]) if type(importing) is str else ""
    assert isinstance(error, Exception)
    return error


def _build(names: list[Any], message: str) -> RemoteError:
    error = _instance(_nearest(names))
    assert isinstance(error, RemoteError)
    error.classes = tuple(n[:NAME_LIMIT] for n in names if type(n) is str and n.isidentifier())
    error.type_name = error.classes[0] if error.classes else "Exception"
    error.message = clean_text(message[:MESSAGE_LIMIT])
    error.explained = _explained(error)
    return error


def _explained(error: RemoteError) -> Message | None:
    found = TOO_LARGE.fullmatch(error.message) if error.type_name == TooLarge.__name__ else None
    return Message("sandbox.too_large", number=int(found[1]), unit=found[2]) if found else None


def _instance(name: str) -> Exception:
    kind = _remote_class(name)
    if issubclass(kind, ExceptionGroup):  # its class checks what it is made of
        return kind("", [RuntimeError()])
    return kind()


def _place(frame: Any) -> Frame | None:
    if type(frame) is not list or len(frame) != 2 or type(frame[1]) is not int:
        return None
    match = CELL_PLACE.fullmatch(frame[0]) if type(frame[0]) is str else None
    return (int(match[1]), frame[1]) if match else None


def _nearest(names: list[Any]) -> str:
    """The first of the class names that is a builtin Exception: sys.exit() must not end us."""
    for name in names:
        kind = getattr(builtins, name, None) if type(name) is str else None
        if isinstance(kind, type) and issubclass(kind, Exception):
            return str(name)
    return "RuntimeError"


@cache
def _remote_class(name: str) -> type[Exception]:
    return type(name, (RemoteError, getattr(builtins, name)), {"__module__": "builtins"})
