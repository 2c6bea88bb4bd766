"""Commands of the lab, each in a process of its own, forked from one that has imported the libraries already.

    with forked(HF_ENDPOINT=address) as run:
        done = run("data", "list", "--json", ANCHORLAB_HOME=str(home.path))

What libraries read of the environment when they are imported is given to `forked`, the rest to the command.
Not covered: what an import says or costs; that needs a process of its own from the beginning (`fresh`).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.home import PROJECT

Command = Callable[..., subprocess.CompletedProcess[str]]

SERVE = """
import gc, json, os, sys
import datasets, huggingface_hub
import core.engines.hf
from core.cli import main

gc.freeze()
print("up", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if os.fork():
        continue
    child = os.fork()  # the process between waits, so that commands can run side by side
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        open(asked["code"], "w").write(str(code))
        os._exit(0)
    for number, name in enumerate((os.devnull, asked["out"], asked["err"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    sys.argv = ["anchorlab", *asked["words"]]
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take the libraries down again would copy all their pages: seconds
os._exit(0)
"""


@contextmanager
def forked(**env: str) -> Iterator[Command]:
    """A function that runs a command of these words and environment to its end; several threads may call it."""
    given = {"PYTHONPATH": str(PROJECT), "NO_COLOR": "1"} | env
    command = [sys.executable, "-c", SERVE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=os.environ | given, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout.readline() == "up\n"
        yield lambda *words, **more: _run(server, words, more)
        server.stdin.close()


def _run(server: subprocess.Popen, words: tuple[str, ...], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out, err, code = (folder / part for part in ("out", "err", "code"))
        os.mkfifo(code)
        places = {"out": str(out), "err": str(err), "code": str(code), "folder": name}
        server.stdin.write(json.dumps({"words": words, "env": env} | places) + "\n")
        server.stdin.flush()
        ended = int(code.read_text())  # waits until it is written
        return subprocess.CompletedProcess(words, ended, out.read_text(), err.read_text())


def fresh(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that imports everything itself."""
    command = [sys.executable, "-c", "from core.cli import main; main()", *words]
    given = {"PYTHONPATH": str(PROJECT), "NO_COLOR": "1"} | env
    return subprocess.run(command, env=os.environ | given, capture_output=True, text=True, cwd=PROJECT)
