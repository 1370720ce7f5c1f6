"""A worker as it is with a grpcio that does not know how to call a handler with a function to send by."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))
    from lockstep_worker import server
    from lockstep_worker.main import main

    server.NON_BLOCKING = False
    main(sys.argv[1:])
