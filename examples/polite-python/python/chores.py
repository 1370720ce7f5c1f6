import os

from lockstep_worker import tool


@tool
def priority() -> int:
    return os.nice(0)
