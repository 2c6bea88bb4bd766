"""What rooms said in the Playground: `anchorlab votes list · tally · session · export`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.common import RESULTS, AsJson, cli, console, export_rows, print_rows
from core.home import default_home
from core.playground.exporting import export, export_votes, listed, vote_rows
from core.playground.records import OVERALL
from core.playground.sessions import find_session
from core.playground.tally import Tally, tally
from core.statistics.estimates import Estimate
from core.statistics.words import interval
from core.store.database import any_store
from core.store.files import draft_of, refuse_existing

votes = typer.Typer(no_args_is_help=True, help="Sessions of the Playground and their votes: list, tally, export.")
cli.add_typer(votes, name="votes", rich_help_panel=RESULTS)

NONE = "Nobody has played yet: `anchorlab app`, page Playground."
NO_VOTES = "No votes on revealed rounds yet: vote on a blind round of the Playground, then reveal it."


def complete_session(incomplete: str) -> list[tuple[str, str]]:
    """Sessions whose id begins so, each with its first question."""
    with any_store(default_home()) as store:
        return [
            (row["session"], row["first question"]) for row in listed(store) if row["session"].startswith(incomplete)
        ]


SessionId = Annotated[str, typer.Argument(help="Id of a session, or its beginning.", autocompletion=complete_session)]


@votes.command("list", epilog="Example: anchorlab votes list --json")
def votes_list(as_json: AsJson = False) -> None:
    """Sessions, newest first: rounds, how many are revealed and voted on, the first question."""
    with any_store(default_home()) as store:
        rows = listed(store)
    if not as_json:
        rows = [row | {"first question": " ".join(row["first question"].split())[:80]} for row in rows]
    print_rows(rows, as_json, NONE)


@votes.command("tally", epilog="Example: anchorlab votes tally --criterion clarity")
def votes_tally(
    session: Annotated[str | None, typer.Option(help="One session alone.", autocompletion=complete_session)] = None,
    criterion: Annotated[str, typer.Option(help="A criterion, or `overall`.")] = OVERALL,
    as_json: AsJson = False,
) -> None:
    """How often each variant was voted best, with ties and `all bad` apart, over revealed rounds."""
    with any_store(default_home()) as store:
        wanted = find_session(store, session) if session else None
        rows = [_figures(row) for row in tally(store, wanted, criterion)]
    print_rows(rows if as_json else [_words(row) for row in rows], as_json, NO_VOTES)


@votes.command("session", epilog="Example: anchorlab votes session 3f2a90c1d7e4 demo.md")
def votes_session(
    session: SessionId,
    file: Annotated[Path | None, typer.Argument(help="A .json, .csv or .md file; without it JSON is printed.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """One session whole: questions, answers, verdicts, votes; rounds that are still hidden are left out."""
    form = file.suffix.lower().removeprefix(".") if file else "json"
    with any_store(default_home()) as store:
        session = find_session(store, session)
        text = export(store, session, form)
    if file is None:
        print(text, end="")
        return
    if not force:
        refuse_existing(file)
    with draft_of(file) as draft:
        draft.write_text(text)
    _say(f"{session} is in {file}.")


@votes.command("export", epilog="Example: anchorlab votes export votes.parquet")
def votes_export(
    file: Annotated[Path | None, typer.Argument(help="A .csv, .parquet, .json or .jsonl file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the votes of all sessions to a file, a row a criterion, or print them as JSON."""
    with any_store(default_home()) as store:
        export_rows(file, as_json, lambda: vote_rows(store), lambda path: export_votes(store, path))


def _figures(row: Tally) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in ("best", "other", "tie", "bad", "n")}
    share = row.share
    return {"variant": row.label, "criterion": row.criterion} | counts | {
        "share": share.value, "low": share.low, "high": share.high, "note": share.note
    }  # fmt: skip


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """A row for people: the share best with its interval, or why there is none."""
    known = row["share"] is not None
    share = interval(Estimate(row["share"], row["low"], row["high"], row["n"]), "share") if known else row["note"]
    return {name: row[name] for name in ("variant", "criterion", "best", "other", "tie", "bad", "n")} | {
        "share best (95%)": share
    }


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
