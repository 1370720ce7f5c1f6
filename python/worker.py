"""What a worker process is started as: `python worker.py … <file with settings>`. BRIDGE.md is the norm."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the folder of a script before all others; what lies beside this one must hide no module of the user.
    folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [*(path for path in sys.path if path != folder), folder]
    from lockstep_worker.main import main

    main(sys.argv[1:])
