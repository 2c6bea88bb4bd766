"""Votes of the Playground outside the app: the command line, data frames, files."""

import json

import pandas as pd
import pytest

from core import Lab
from core.cli.common import cli
from core.errors import BadInput
from core.playground.sessions import begin, reveal, vote
from core.store.database import open_store
from tests.playing import played


@pytest.fixture
def session(lab_home) -> str:
    """Three voted rounds, of which the last is hidden still."""
    with open_store(lab_home) as store:
        store.ingest()
        session = begin(store)
        for question, choice in (("=1+1?", "A"), ("What now?", "bad"), ("A hidden one?", "B")):
            asked = played(store, session=session, question=question)
            vote(store, asked.round, {"overall": choice, "clarity": "tie"})
            if choice != "B":
                reveal(store, asked.round)
    return session


def said(capsys, *words: str) -> str:
    cli(["votes", *words], standalone_mode=False)
    return capsys.readouterr().out


def test_sessions_are_listed_with_their_counts(session, capsys):
    (row,) = json.loads(said(capsys, "list", "--json"))
    assert row["session"] == session
    assert (row["rounds"], row["revealed"], row["voted"], row["first question"]) == (3, 2, 3, "=1+1?")
    assert session in said(capsys, "list")


def test_the_tally_has_counts_and_an_interval(session, capsys):
    base, sft = json.loads(said(capsys, "tally", "--json"))
    assert (base["variant"], base["best"], base["other"], base["bad"], base["n"]) == ("base", 1, 0, 1, 2)
    assert (sft["variant"], sft["best"], sft["other"], sft["bad"], sft["n"]) == ("sft", 0, 1, 1, 2)
    assert base["share"] == 0.5 and base["low"] < 0.5 < base["high"]
    assert [row["tie"] for row in json.loads(said(capsys, "tally", "--criterion", "clarity", "--json"))] == [2, 2]
    assert "50.0% (" in said(capsys, "tally", "--session", session[:8])
    with pytest.raises(BadInput, match="There is no session nothing"):
        said(capsys, "tally", "--session", "nothing")


def test_votes_of_revealed_rounds_are_written_and_no_others(session, tmp_path, capsys, lab_home):
    done = json.loads(said(capsys, "export", str(tmp_path / "votes.csv"), "--json"))
    assert done["rows"] == 4
    rows = pd.read_csv(tmp_path / "votes.csv")
    assert list(rows["choice"]) == ["A", "tie", "bad", "tie"]
    assert list(rows["criterion"]) == ["overall", "clarity"] * 2
    assert rows["variant"][0] == rows["a"][0] == "base" and rows["variant"][1:].isna().all()
    assert list(rows["b"]) == ["sft"] * 4 and rows["c"].isna().all()
    assert rows["question"][0] == "'=1+1?"
    assert json.loads(said(capsys, "export", "--json"))[0]["question"] == "=1+1?"
    assert list(Lab(lab_home.path).votes()["choice"]) == ["A", "tie", "bad", "tie"]
    with pytest.raises(BadInput, match="Name the file"):
        said(capsys, "export")


def test_a_session_is_written_whole_and_over_nothing(session, tmp_path, capsys):
    file = tmp_path / "session.md"
    said(capsys, "session", session, str(file))
    assert "What now?" in file.read_text() and "A hidden one?" not in file.read_text()
    with pytest.raises(BadInput, match="is there already"):
        said(capsys, "session", session, str(file))
    said(capsys, "session", session, str(file), "--force")
    assert json.loads(said(capsys, "session", session))["hidden"] == 1
    with pytest.raises(BadInput, match="is written as json, csv, md"):
        said(capsys, "session", session, str(tmp_path / "session.docx"))


def test_a_lab_without_sessions_says_where_they_come_from(lab_home, capsys):
    assert "page Playground" in said(capsys, "list")
    assert json.loads(said(capsys, "tally", "--json")) == []
    assert Lab(lab_home.path).votes().empty
