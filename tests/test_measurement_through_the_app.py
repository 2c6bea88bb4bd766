"""Every figure of docs/measurement.md is found on the app's pages, in a lab that its commands made."""

import re

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.home import PROJECT
from tests.app import opened, released, words  # noqa: F401  (`released` is a fixture)
from tests.test_real_judgements import REAL, run

pytestmark = pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")


def section(title: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The commands of a section of the document that begin with `anchorlab`, and its (command, printed) rows."""
    text = (PROJECT / "docs" / "measurement.md").read_text()
    part = text[text.index(f"## {title}") :].split("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    commands = [line.split("  #")[0].strip() for line in block.replace("\\\n", " ").splitlines()]
    return commands, re.findall(r"^\| [^|]+ \| `(anchorlab [^`]+)` \| `([^`]+)` \|$", part, re.MULTILINE)


def page_lines(app: AppTest) -> str:
    """What stands on a page, written as the commands print it: a line a row of a table, then the text."""
    assert not app.exception
    rows = [line for frame in app.dataframe for line in map(row_line, frame.value.to_dict("records"))]
    return "\n".join([*rows, words(app)])


def row_line(row: dict) -> str:
    if "win rate, %" in row:
        counts = " ".join(str(row[name]) for name in ("win", "tie", "loss", "nothing given", "n"))
        return f"{counts} {row['win rate, %']:.4f} ± {row['± s.e.']:.4f}"
    if "κ (95%)" in row:
        share = str(row["same label"])
        return f"{row['rater']} {row['and']} {row['n']} {row['left out']} {share} {str(row['κ (95%)']).split(' ')[0]}"
    if "uncategorised" in row:
        names = [name for name in row if name not in ("group", "questions", "uncategorised")]
        cells = " ".join(re.sub(r" +", " ", row[name]).replace("95% ", "") for name in names)
        return f"{row['group']} {row['questions']} {row['uncategorised']} {cells}"
    return " ".join(map(str, row.values()))


def set_ids() -> dict[str, str]:
    """Name → id of the lab's sets of judgements, as the page's own select box has them."""
    box = opened("judgements").selectbox(key="set")
    found = (re.fullmatch(r"(.*) \((judgements-\w+)\)", option) for option in box.options)
    return {match[1]: match[2] for match in found if match}


def test_every_figure_of_judgements_stands_on_their_page(home):
    commands, figures = section("Judgements")
    for command in commands:
        run(command)
    ids = set_ids()
    shown: dict[tuple[str, str], str] = {}
    for command, printed in figures:
        criterion = re.search(r"--criterion (\S+)", command)
        asked = (command.split()[2], criterion[1] if criterion else "")
        if asked not in shown:
            query = {"set": ids[asked[0]]} | ({"criterion": asked[1]} if asked[1] else {})
            shown[asked] = page_lines(opened("judgements", **query))
        assert printed in shown[asked], command
    assert len(figures) == 10 and set(ids) == {"alpaca-7b", "claude-2", "vicuna-13b", "pandalm", "cube"}


def test_every_count_of_categories_stands_on_the_page_of_one_run(home):
    commands, figures = section("Categories of explanations")
    made = re.search(r"responses-\w+", run(commands[0]))[0]
    printed_here = re.sub(r" +", " ", run(commands[1].replace("RUN", made)))
    shown = page_lines(opened("anchors", tab="One run", run=made, group="split"))
    for command, printed in figures:
        assert printed in printed_here, command
        assert printed in shown, printed
    assert len(figures) == 4


def test_a_wrong_figure_is_not_found():
    row = {"win": 1, "tie": 0, "loss": 1, "nothing given": 0, "n": 2, "win rate, %": 50.0, "± s.e.": 50.0}
    assert row_line(row) == "1 0 1 0 2 50.0000 ± 50.0000"
    assert "1 0 1 0 2 50.0001 ± 50.0000" not in row_line(pd.Series(row).to_dict())
