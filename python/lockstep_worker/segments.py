"""Bytes beside the text of a frame: in the message, or, if there are many, in files that both sides reach."""

from __future__ import annotations

import itertools
import mmap
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from .errors import FrameUnreadableError
from .frames import SharedFile
from .typed_arrays import BytesLike

_LOOK_FROM: Final = 64
"""From how many files on it is looked which of them the host has fetched."""


class SharedFiles:
    """The files of one worker in the folder that it shares with its host."""

    def __init__(self, folder: str | None, from_bytes: int, name: str) -> None:
        """`folder`: None: there is none, all bytes travel in messages. `name`: begins the names of files."""
        self._folder = None if folder is None else os.path.realpath(folder)
        self._from_bytes = from_bytes
        self._name = name
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._reserved: dict[int, SharedFile] = {}
        """Files that an array of `reserve` is mapped to and that were not sent, by the address of the memory."""

    def send(self, segments: Sequence[BytesLike]) -> list[BytesLike | SharedFile]:
        """Return segments as they travel; the host removes the files."""
        if not segments:
            return []
        return [self._placed(one) if len(one) >= self._from_bytes else one for one in segments]

    def receive(self, segments: Iterable[BytesLike | SharedFile]) -> list[BytesLike]:
        """Return the bytes of segments; files are removed and mapped, to be read and changed by this process alone.

        Raises FrameUnreadableError for a file that cannot be had.
        """
        return [self._fetched(one) if isinstance(one, SharedFile) else one for one in segments]

    def discard(self, segments: Iterable[BytesLike | SharedFile]) -> None:
        """Remove the files of segments that nobody reads any more."""
        for one in segments:
            if isinstance(one, SharedFile) and self._is_inside(one.path):
                _remove(one.path)

    def reserve(self, size: int) -> tuple[mmap.mmap, str] | None:
        """Return memory that is a file, and its path; None where there is no place, or it is not worth a file."""
        if size < self._from_bytes:
            return None
        made = self._made()
        if made is None:
            return None
        descriptor, path = made
        try:
            # What is not reserved would be found missing by the first write into the memory, which kills the process.
            os.posix_fallocate(descriptor, 0, size)
            memory = mmap.mmap(descriptor, size)
        except (OSError, AttributeError):
            _remove(path)
            return None
        finally:
            os.close(descriptor)
        with self._lock:
            self._reserved[_address_of(memory)] = SharedFile(path, size)
        return memory, path

    def release(self, paths: Sequence[str]) -> None:
        """Remove those of the reserved files that were not sent."""
        with self._lock:
            unsent = [(address, file) for address, file in self._reserved.items() if file.path in paths]
            for address, _ in unsent:
                del self._reserved[address]
        for _, file in unsent:
            _remove(file.path)

    def end(self) -> None:
        """Remove all files that nobody fetched."""
        with self._lock:
            left = [*self._sent, *(file.path for file in self._reserved.values())]
            self._sent.clear()
            self._reserved.clear()
        for path in left:
            _remove(path)

    def _placed(self, data: BytesLike) -> BytesLike | SharedFile:
        if self._folder is None:
            return data
        file = self._taken_reserved(data)
        if file is None:
            made = self._made()
            if made is None:
                return data
            descriptor, path = made
            try:
                _write_all(descriptor, data)
            except OSError:  # The folder is full.
                _remove(path)
                return data
            finally:
                os.close(descriptor)
            file = SharedFile(path, len(data))
        with self._lock:
            self._sent.add(file.path)
            if len(self._sent) >= _LOOK_FROM:
                self._sent = {path for path in self._sent if os.path.exists(path)}
        return file

    def _taken_reserved(self, data: BytesLike) -> SharedFile | None:
        """Return the file that the bytes are already in, if they are all of it, once: the host removes it."""
        if not self._reserved or not isinstance(data, memoryview):
            return None
        with self._lock:
            address = _address_of(data)
            file = self._reserved.get(address)
            if file is None or file.size != len(data):
                return None
            return self._reserved.pop(address)

    def _made(self) -> tuple[int, str] | None:
        if self._folder is None:
            return None
        path = os.path.join(self._folder, f"{self._name}-{next(self._numbers)}")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), path
        except OSError:
            return None

    def _fetched(self, file: SharedFile) -> BytesLike:
        if not self._is_inside(file.path):
            raise FrameUnreadableError(f"A segment is outside of the shared folder: {file.path}.")
        try:
            descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise FrameUnreadableError(f"A segment cannot be opened: {error}.") from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
                raise FrameUnreadableError(f"A segment has {found.st_size} bytes instead of {file.size}.")
            return mmap.mmap(descriptor, file.size, access=mmap.ACCESS_COPY) if file.size > 0 else b""
        finally:
            os.close(descriptor)
            _remove(file.path)

    def _is_inside(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return self._folder is not None and name not in ("", ".", "..") and os.path.realpath(folder) == self._folder


def size_of(segments: Iterable[BytesLike | SharedFile]) -> int:
    """Return how many bytes segments hold."""
    return sum(one.size if isinstance(one, SharedFile) else len(one) for one in segments)


def _write_all(descriptor: int, data: BytesLike) -> None:
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def _address_of(memory: Any) -> int:
    import numpy  # noqa: PLC0415  # Only arrays of numpy are made in shared memory.

    return int(numpy.frombuffer(memory, dtype="uint8").__array_interface__["data"][0])


def _remove(path: str) -> None:
    with suppress(OSError):  # The other side was first.
        os.unlink(path)
