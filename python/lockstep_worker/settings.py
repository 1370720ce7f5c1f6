"""What a worker is told when it is started: the file that its last argument names, as BRIDGE.md describes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from .errors import SettingsError

PROTOCOL: Final = 1
"""The version of BRIDGE.md that this package keeps to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Paths of PEM files."""

    certificate: str
    key: str
    authority: str | None
    """Of the certificates of clients; None: clients need none, their token is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one worker is to serve."""

    worker: str
    """The id of this incarnation."""
    token: str
    address: str
    """`unix:<path>` or `<host>:0`."""
    ready_file: str
    tls: TlsFiles | None
    paths: tuple[str, ...]
    preload: tuple[str, ...]
    max_concurrent_calls: int
    max_value_bytes: int
    shared_folder: str | None
    shared_from_bytes: int


class _Entries:
    """The entries of a JSON object, each asked for with its type."""

    def __init__(self, entries: dict[str, Any]) -> None:
        self._entries = entries

    def text(self, name: str) -> str:
        value = self._entries.get(name)
        if type(value) is not str or not value:
            self._refuse(name, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._entries.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._entries.get(name)
        if type(value) is not list or not all(type(item) is str for item in value):
            self._refuse(name, "a list of texts")
        return tuple(value)

    def count(self, name: str) -> int:
        value = self._entries.get(name)
        if type(value) is not int or value < 1:
            self._refuse(name, "a number from 1 on")
        return value

    def tls(self) -> TlsFiles | None:
        value = self._entries.get("tls")
        if value is None:
            return None
        if type(value) is not dict:
            self._refuse("tls", "an object, or null")
        files = _Entries(value)
        return TlsFiles(
            certificate=files.text("certificate"), key=files.text("key"), authority=files.text_or_none("authority")
        )

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        raise SettingsError(f"The settings need {name}: {wanted}.", setting=name)


def read_settings(path: str) -> tuple[Settings | SettingsError, str | None]:
    """Return the settings that a file holds, or what is wrong with them, and the ready file as far as it is known."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        return SettingsError(f"The settings in {path} cannot be read: {error}."), None
    if type(found) is not dict:
        return SettingsError(f"The settings in {path} are no JSON object."), None
    ready = found.get("readyFile")
    try:
        return settings_of(found), ready
    except SettingsError as error:
        return error, ready if type(ready) is str else None


def settings_of(found: dict[str, Any]) -> Settings:
    """Return checked settings. Raises SettingsError naming what is wrong."""
    if found.get("protocol") != PROTOCOL:
        theirs = json.dumps(found.get("protocol"))
        raise SettingsError(f"This worker keeps to version {PROTOCOL} of the protocol, not to {theirs}.")
    entries = _Entries(found)
    settings = Settings(
        worker=entries.text("worker"),
        token=entries.text("token"),
        address=entries.text("address"),
        ready_file=entries.text("readyFile"),
        tls=entries.tls(),
        paths=entries.texts("paths"),
        preload=entries.texts("preload"),
        max_concurrent_calls=entries.count("maxConcurrentCalls"),
        max_value_bytes=entries.count("maxValueBytes"),
        shared_folder=entries.text_or_none("sharedFolder"),
        shared_from_bytes=entries.count("sharedFromBytes"),
    )
    if settings.tls is None and not settings.address.startswith("unix:"):
        raise SettingsError("A worker that is not on a unix socket needs tls in its settings.", setting="tls")
    return settings
