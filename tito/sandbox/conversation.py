"""Talking with a guest. Apart from starting one, which needs no NumPy and so begins earlier."""

from tito.sandbox.host.client import Client, RemoteError, is_remote
from tito.sandbox.host.deadline import host_deadline
from tito.sandbox.host.loss import GuestLost
from tito.sandbox.host.process import GuestProcess
from tito.sandbox.host.proxy import Proxy, UnusableResult

__all__ = [
    "Client",
    "GuestLost",
    "GuestProcess",
    "Proxy",
    "RemoteError",
    "UnusableResult",
    "host_deadline",
    "is_remote",
]
