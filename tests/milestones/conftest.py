"""A little web server, data sets of a few bytes, and a tree of milestones to run."""

from __future__ import annotations

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from milestone_kit import make_tree

# -- a web server that can misbehave ---------------------------------------------------------------


@dataclass
class Behaviour:
    """How the server treats one path."""

    content: bytes = b""
    status: int = 200
    ranges: bool = True  # honours "Range: bytes=N-"
    cuts: list[int] = field(default_factory=list)  # break off after so many bytes, once each
    says_length: bool = True
    silent: bool = False


class Server:
    """Serves `files` on 127.0.0.1; `requests` lists (path, Range header) in order."""

    def __init__(self) -> None:
        self.files: dict[str, Behaviour] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.closing = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}/{path}"

    def serve(self, path: str, content: bytes, **behaviour: object) -> str:
        self.files["/" + path] = Behaviour(content, **behaviour)  # type: ignore[arg-type]
        return self.url(path)

    def stop(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                server.requests.append((self.path, wanted))
                behaviour = server.files.get(self.path, Behaviour(status=404))
                if behaviour.silent:
                    server.closing.wait(30)
                    return
                self._answer(behaviour, wanted)

            def _answer(self, behaviour: Behaviour, wanted: str | None) -> None:
                content, status, start = behaviour.content, behaviour.status, 0
                if wanted and behaviour.ranges and status == 200:
                    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                    status = 206 if start < len(content) else 416
                body = b"" if status in (404, 416) else content[start:]
                self.send_response(status)
                if status == 206:
                    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                    self.send_header("Content-Range", span)
                if behaviour.says_length:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if behaviour.cuts:
                    self.wfile.write(body[: behaviour.cuts.pop(0)])
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                else:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test output quiet."""

        return Handler


@pytest.fixture(autouse=True)
def no_real_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies on this computer, only tests that ask for real data see it."""
    if "real_data" not in request.keywords:
        monkeypatch.delenv("TINYTORCH_DATA_DIR", raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    started = Server()
    yield started
    started.stop()


# -- a data set in MNIST's format, a few bytes long ------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    """The array as a gzip'd IDX file."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


@dataclass
class Made:
    """File contents by name, their checksums, and the arrays in them."""

    arrays: dict[str, np.ndarray]
    contents: dict[str, bytes]

    @property
    def checksums(self) -> dict[str, str]:
        return {name: hashlib.sha256(text).hexdigest() for name, text in self.contents.items()}

    def source(self, *mirrors: Callable[[str], str]):
        """The data set as the data manager describes one, with these mirrors."""
        from milestones.fetch import Published, Source

        files = tuple(
            Published(name, 2000, tuple(mirror(name) for mirror in mirrors))
            for name in self.contents
        )
        return Source("Made Up", "mnist", files)


@pytest.fixture
def made() -> Made:
    random = np.random.RandomState(0)
    arrays = {
        "train-images.gz": random.randint(0, 256, (6, 4, 4)),
        "train-labels.gz": np.arange(6),
        "test-images.gz": random.randint(0, 256, (2, 4, 4)),
        "test-labels.gz": np.array([9, 0]),
    }
    return Made(arrays, {name: idx(array) for name, array in arrays.items()})


# -- trees in which milestones run -----------------------------------------------------------------


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """`trees(6)`: a tree as a learner has it after Module 06."""
    made: dict[int, Path] = {}

    def tree(upto: int) -> Path:
        if upto not in made:
            made[upto] = make_tree(tmp_path_factory.mktemp(f"upto{upto:02d}"), upto)
        return made[upto]

    return tree
