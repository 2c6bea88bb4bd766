"""The process in front of the app: it starts the server, waits for it, and reaps every child that ends meanwhile.

    python -m core.serve PORT

`anchorlab demo` and `anchorlab app` become this process (`os.execv`), so that what they loaded is given back and the
worker they launched, a child of theirs, is no zombie when it ends.  Only the standard library is imported here.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from core.home import PROJECT


def become(port: int) -> NoReturn:
    """Put this module in the place of the process that calls it, under the same process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(PROJECT)
    os.execv(sys.executable, [sys.executable, "-m", "core.serve", str(port)])


def main(port: str) -> int:
    """Serve the app on 127.0.0.1 until it is closed; returns its exit status, 0 after Ctrl-C."""
    options = ["--server.port", port, "--server.address", "127.0.0.1", "--server.headless", "true"]
    return wait_for([sys.executable, "-m", "streamlit", "run", str(PROJECT / "app" / "main.py"), *options])


def wait_for(command: Sequence[str]) -> int:
    """Run a command to its end, reaping whatever else ends before it; SIGTERM is passed on to it.

    Returns its exit status: 0 where Ctrl-C ended it, 128 + n where another signal n did.
    """
    interrupted = []
    signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))  # the terminal sends it to the server as well
    server = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    while True:
        child, status = os.waitpid(-1, 0)  # any child: the workers launched before this process was replaced, too
        if child == server.pid:
            break
    code = os.waitstatus_to_exitcode(status)
    server.returncode = code  # it is reaped here and not by `Popen`
    return 0 if interrupted else code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
