import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "python"))
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # It tells of every connection that a test breaks off.

from worker_process import Host, WorkerProcess  # noqa: E402


def golden(name: str) -> Any:
    """The examples that all implementations share."""
    return json.loads((REPOSITORY / "proto" / "golden" / name).read_text("utf-8"))


HANDLERS = {
    "hook": REPOSITORY / "python" / "worker.py",
    "iterator": Path(__file__).parent / "iterator_worker.py",
}


@pytest.fixture(scope="session", params=HANDLERS)
def handler(request: pytest.FixtureRequest) -> str:
    """Both ways in which messages may reach the host."""
    return str(request.param)


@pytest.fixture(scope="session")
def script(handler: str) -> Path:
    return HANDLERS[handler]


@pytest.fixture(scope="session")
def worker(script: Path) -> Iterator[WorkerProcess]:
    """One that many tests share."""
    with WorkerProcess(script, preload=["worker_tools"]) as started:
        yield started


@pytest.fixture(scope="session")
def host(worker: WorkerProcess) -> Host:
    return worker.host()
