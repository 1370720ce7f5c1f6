import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "python"))


def golden(name: str) -> Any:
    """The examples that all implementations share."""
    return json.loads((REPOSITORY / "proto" / "golden" / name).read_text("utf-8"))
