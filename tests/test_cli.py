"""The command line as a person and a script meet it: help, exit codes, pipes, a database that is taken."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from functools import partial

import typer.main

from core.cli.common import EXIT_CODES, PANELS, cli, complete_dataset, complete_run
from core.cli.results import complete_table
from core.home import PROJECT
from tests.test_store import HOLD_THE_STORE, process, whole_loop

RUN = [sys.executable, "-c", "from core.cli import main; main()"]


def anchorlab(*words: object, **env: str) -> subprocess.CompletedProcess:
    """A command in a process of its own, its output in pipes."""
    command = [*RUN, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=os.environ | env, timeout=120)


def commands(group, words=()):
    """(words, command) of every command, in groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def test_every_command_says_in_a_line_what_it_does_and_shows_an_example():
    application = typer.main.get_command(cli)
    for words, command in commands(application):
        summary = command.help.split("\n\n")[0]
        assert summary.endswith(".") and "\n" not in summary, words
        assert command.epilog.startswith(f"Example: anchorlab {' '.join(words)}"), words
    assert {command.rich_help_panel for command in application.commands.values()} == set(PANELS)


def test_the_help_names_the_groups_in_order_and_the_exit_codes():
    shown = anchorlab("--help", COLUMNS="200").stdout
    places = [shown.index(f"─ {panel} ─") for panel in PANELS]
    assert places == sorted(places)
    assert EXIT_CODES in shown


def test_exit_codes_and_where_the_words_go(home):
    done, bad, misspelt = anchorlab("runs"), anchorlab("stop", "sample-0"), anchorlab("runz")
    assert (done.returncode, done.stderr) == (0, "")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.startswith("anchorlab: No single run's id starts with")
    assert "Traceback" not in bad.stderr
    assert (misspelt.returncode, misspelt.stdout) == (2, "")


def test_ctrl_c_ends_with_130(home):
    code = "from core.cli import cli, main\n@cli.command()\ndef wait():\n print('up', flush=True); input()\nmain()"
    command = [sys.executable, "-c", code, "wait"]
    pipe = subprocess.PIPE
    heard = {"preexec_fn": partial(signal.signal, signal.SIGINT, signal.SIG_DFL)}  # a job in the background ignores it
    child = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **heard)
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in errors


def test_piped_output_has_no_escape_codes(home):
    whole_loop(home)
    for words in (["runs"], ["compare"], ["stop", "nothing"]):
        done = anchorlab(*words)
        assert "\x1b" not in done.stdout + done.stderr, words


def test_no_color_is_honoured_where_there_is_colour(home):
    red = "31m"
    assert red in anchorlab("stop", "nothing", FORCE_COLOR="1").stderr
    assert red not in anchorlab("stop", "nothing", FORCE_COLOR="1", NO_COLOR="1").stderr


def test_lists_are_json_for_a_script(home):
    loop = whole_loop(home)
    assert [row["id"] for row in json.loads(anchorlab("data", "list", "--json").stdout)] == [loop.dataset.id]
    assert len(json.loads(anchorlab("runs", "--json").stdout)) == 4
    assert json.loads(anchorlab("compare", "--json").stdout)[0]["n"] == 2


def test_resuming_says_in_json_how_it_ended(home, tmp_path):
    whole_loop(home)
    done = next(home.runs.glob("pairs-*")).name
    said = anchorlab("resume", done, "--json")
    assert (said.returncode, json.loads(said.stdout)) == (0, {"id": done, "state": "done"})


def test_while_another_process_has_the_database_reads_go_on_and_rebuild_says_why_not(home, tmp_path):
    whole_loop(home)
    with process(HOLD_THE_STORE) as holder:
        holder.stdout.readline()
        assert anchorlab("compare", "--json").returncode == 0
        assert anchorlab("export", "table", "items", tmp_path / "items.csv").stdout.startswith("6 rows written")
        refused = anchorlab("rebuild")
    assert refused.returncode == 1
    assert f"in use by process {holder.pid}: close that first" in refused.stderr


def test_what_is_there_is_replaced_only_by_force(home, tmp_path):
    loop = whole_loop(home)
    words = {"table": "items", "pairs": loop.pairs.id, "settings": loop.samples.id}
    files = {"table": tmp_path / "x.csv", "pairs": tmp_path / "x.jsonl", "settings": tmp_path / "x.toml"}
    for form, file in files.items():
        file.write_text("mine")
        refused = anchorlab("export", form, words[form], file)
        assert (refused.returncode, file.read_text()) == (1, "mine")
        assert "is there already: use another name, or --force" in " ".join(refused.stderr.split())
        assert anchorlab("export", form, words[form], file, "--force").returncode == 0
        assert len(file.read_text()) > 10


def test_ids_and_tables_are_completed(home):
    loop = whole_loop(home)
    assert complete_run("sam") == [(loop.samples.id, "base")]
    assert complete_dataset("") == [(loop.dataset.id, "toy")]
    assert complete_table("expl") == ["explanations"]


def test_the_commands_in_the_documentation_of_exports_work(home, tmp_path, monkeypatch):
    whole_loop(home)
    monkeypatch.chdir(tmp_path)
    application = typer.main.get_command(cli)
    text = (PROJECT / "docs" / "export.md").read_text()
    lines = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    for line in lines:
        _, *words = shlex.split(line)
        application(words, standalone_mode=False)
        assert (tmp_path / words[-1]).stat().st_size > 0
    assert len(lines) == 10
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope: dict = {}
    exec(code, scope)
    assert len(scope["pairs"]) == 5
