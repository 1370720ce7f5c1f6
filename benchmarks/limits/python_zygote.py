"""A Python process that has imported grpc and forks one that serves for each line it reads: a path of a unix socket.

Usage: python python_zygote.py; the child prints a line once it serves, and ends when it is killed.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


def serve(path: str) -> None:
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    print(os.getpid(), flush=True)
    server.wait_for_termination()


for line in sys.stdin:
    if os.fork() == 0:
        serve(line.strip())
