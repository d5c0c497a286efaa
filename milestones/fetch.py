"""Get a published file: from a folder of yours, from the cache, or from one of its mirrors.

A file counts only if `read` accepts it (its checksum is right), wherever it came from. Downloads
go on where they were interrupted, and a file appears in the cache whole or not at all.
"""

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from datasets import DatasetError
from milestones.live import Live

ENVIRONMENT = "TINYTORCH_DATA_DIR"
TIMEOUT = 20  # seconds without a byte before a mirror is given up
ATTEMPTS = 4  # on one mirror, as long as each brings something
CHUNK = 1 << 16
PARTIAL_CONTENT, NOTHING_LEFT = 206, 416  # HTTP's answers to "only the rest, please"


class Damaged(Exception):
    """A file is not the published one. The message says in what way."""


class _NoLuck(Exception):
    """This mirror did not give the file. The message says why."""


@dataclass(frozen=True)
class Published:
    """A file that others publish: its name, the most bytes it may have, and where it is."""

    name: str
    limit: int
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A data set: its title, the name of its folder, and its files."""

    title: str
    folder: str
    files: tuple[Published, ...]


def obtain(source, file, cache, read):
    """Return `read(path)` of the first good copy of `file`.

    Looked for in this order: the folder named by TINYTORCH_DATA_DIR (used in place, never
    written to), `cache`/<folder of the source>, then the mirrors, which fill the cache.

    Args:
        source: the Source that `file` belongs to.
        file: the Published file wanted.
        cache: the folder that holds one folder for each data set.
        read: takes a path, returns the content; raises Damaged for a file that is not right.

    Raises:
        DatasetError: no good copy can be had. The message lists what was tried and what to do.
    """
    home = Path(cache) / source.folder / file.name
    tried = []
    for path in [*_own_copies(source, file, tried), home]:
        try:
            return read(path)
        except FileNotFoundError:
            tried.append(f"{path}: not there")
        except (Damaged, OSError) as error:
            tried.append(f"{path}: {error}")
    for url in file.urls:
        try:
            return _download(url, home, file, read)
        except _NoLuck as error:
            tried.append(f"{url}: {error}")
    raise DatasetError(_advice(source, file, home, tried))


def _own_copies(source, file, tried):
    """The place below TINYTORCH_DATA_DIR where the file should be, if that is set."""
    named = os.environ.get(ENVIRONMENT, "").strip()
    if not named:
        return []
    local = named
    if named.startswith("file:"):
        local = urllib.request.url2pathname(urllib.parse.urlsplit(named).path)
    folder = Path(local).expanduser()
    if not folder.is_dir():
        tried.append(f"{ENVIRONMENT}={named}: not a folder")
        return []
    return [folder / source.folder / file.name]


def _download(url, home, file, read):
    """Bring `url` into the cache and return its content.

    The unfinished file ends in `.part` and stays when a download breaks off: another attempt,
    another mirror or another day goes on from there. If that yields a wrong file, it is fetched
    once more from the start.
    """
    part = home.with_name(home.name + ".part")
    for _ in range(ATTEMPTS):
        have = _size(part)
        try:
            _transfer(url, part, have, file)
            content = read(part)
            os.replace(part, home)
            return content
        except Damaged as error:
            part.unlink(missing_ok=True)
            reason, hopeless = str(error), have == 0
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason, hopeless = _explain(error), _size(part) <= have
        if hopeless:
            break
    raise _NoLuck(reason)


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _transfer(url, part, have, file):
    """Complete `part`, which holds the first `have` bytes of the file at `url`."""
    part.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(url, headers={"User-Agent": "TinyTorch"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == NOTHING_LEFT:
            return  # whether what we have is right, the checksum decides
        raise
    with answer:
        start = have if _continues(answer, have) else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        if (total or 0) > file.limit:
            raise Damaged(f"{total:,} bytes long, but the file has at most {file.limit:,}")
        with open(part, "r+b" if start else "wb") as target:
            target.seek(start)
            _copy(answer, target, start, total, file)


def _continues(answer, have):
    """True when the server sends the rest from byte `have`, not the whole file again."""
    span = answer.headers.get("Content-Range", "")
    return answer.status == PARTIAL_CONTENT and span.startswith(f"bytes {have}-")


def _copy(answer, target, done, total, file):
    """Write the answer's body behind the `done` bytes of `target`, showing how far it is."""
    shown_total = total or file.limit
    live = Live()
    while chunk := answer.read(CHUNK):
        done += len(chunk)
        if done > file.limit:
            raise Damaged(f"more than the {file.limit:,} bytes that the file has at most")
        target.write(chunk)
        text = f"{done / 1e6:.1f} of {shown_total / 1e6:.1f} MB"
        live.update(f"fetching {file.name}", done, shown_total, text)
    if total is not None and done < total:
        raise OSError(f"the connection broke off after {done:,} of {total:,} bytes")


def _explain(error):
    """One line for a person: an HTTP status, or the operating system's words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return str(error) or type(error).__name__


def _advice(source, file, home, tried):
    tried_lines = "\n".join(f"    {line}" for line in tried)
    addresses = "\n".join(f"    {(entry.urls or (entry.name,))[0]}" for entry in source.files)
    return (
        f"{source.title} cannot be loaded: there is no good copy of {file.name}.\n"
        f"  Tried:\n{tried_lines}\n"
        "  With a network: run this again; a download goes on where it stopped.\n"
        f"  Without one: fetch on another computer\n{addresses}\n"
        f"  and put it into {home.parent}\n"
        f"  or into DIR/{source.folder}, and set the environment variable {ENVIRONMENT} to DIR."
    )
