"""Models: `anchorlab model add · list · check`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.cli.common import DATA, AsJson, cli, console, print_rows, say
from core.errors import BadInput, ModelUnavailable
from core.home import default_home
from core.models.checking import check_model
from core.models.registering import listed, register, register_server
from core.runs.folders import ServerRef

model = typer.Typer(no_args_is_help=True, help="Models: add, list and check.")
cli.add_typer(model, name="model", rich_help_panel=DATA)


@model.command("add", epilog="Example: anchorlab model add ./my-model --name mine")
def model_add(
    source: Annotated[
        str, typer.Argument(help="A Hub id, a model folder, a PEFT adapter folder; with --server the short name.")
    ],
    name: Annotated[str | None, typer.Option(help="Short name; the folder's unless given.")] = None,
    template: Annotated[Path | None, typer.Option(help="Chat template (Jinja) in place of its own.")] = None,
    base: Annotated[str | None, typer.Option(help="Base of an adapter, where the one it names is elsewhere.")] = None,
    server: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's id on the server.")] = None,
    key_env: Annotated[str, typer.Option(help="Environment variable with the server's key.")] = "OPENAI_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests to the server at once.")] = 8,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that an answer of the server may take.")] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Register a model, or one on a server, under a short name that `--model` and pipeline files take."""
    if server:
        if name or template or base or not model:
            raise BadInput("A server is registered so: `anchorlab model add NAME --server URL --model ID`.")
        at = ServerRef(url=server, model=model, key_env=key_env, concurrency=concurrency, timeout=timeout)
        added = register_server(default_home(), source, at)
    else:
        added = register(default_home(), source, name, template, base)
    if as_json:
        print(added.model_dump_json())
        return
    say(f"{added.name}: {added.source}, {added.hash[:12]}; `anchorlab model check {added.name}` tries it.")


@model.command("list", epilog="Example: anchorlab model list --json")
def model_list(as_json: AsJson = False) -> None:
    """List the models this lab knows by name."""
    print_rows(listed(default_home()), as_json, "No model yet: `anchorlab model add NAME|FOLDER`.")


@model.command("check", epilog="Example: anchorlab model check default")
def model_check(
    name: Annotated[str, typer.Argument(help="A registered name, `default`, a folder, or a Hub id.")],
    as_json: AsJson = False,
) -> None:
    """Load a model and say, a line each, what works and what does not."""
    found = []
    for check in check_model(default_home(), name):
        found.append(check)
        if not as_json:
            mark = "[green]ok[/]  " if check.ok else "[red]no[/]  "
            console.print(f"{mark}{check.name:12}", end="")
            console.print(check.text, markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(check) for check in found]))
    failed = [check.name for check in found if not check.ok]
    if failed:
        raise ModelUnavailable(f"{name} fails at {', '.join(failed)}: see above.")
