"""Starts the worker that is named first, with a priority that leaves the processor to others."""

import os
import runpy
import sys

os.nice(10)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
