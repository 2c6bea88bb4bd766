"""`core.Lab`: data frames of a lab, alone and beside a process that has the database."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from core import Lab
from core.cli import cli
from core.errors import BadInput
from core.home import PROJECT
from core.settings import CompareSettings
from core.store.database import open_store
from tests.test_store import HOLD_THE_STORE, evaluated, imported, process, whole_loop

FRAMES = (
    "datasets",
    "runs",
    "items",
    "explanations",
    "verdicts",
    "scores",
    "categories",
    "pairs",
    "comparisons",
    "details",
)


@pytest.fixture
def filled(home):
    """A loop of 6 questions, and two variants that a judge can compare."""
    loop = whole_loop(home)
    for label, chain in (("sft", ["sft-1"]), ("anchor", ["sft-1", "dpo-1"])):
        evaluated(home, loop.dataset, label, chain, label)
    return loop


def frames_of(lab: Lab) -> dict[str, pd.DataFrame]:
    return {name: getattr(lab, name)() for name in FRAMES}


def test_importing_core_brings_in_nothing_heavy():
    code = "import sys, core; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert not set(done.stdout.split()) & {"pandas", "duckdb", "torch", "pydantic", "numpy"}
    with pytest.raises(ImportError):
        from core import Laboratory  # noqa: F401


def test_the_lab_in_data_frames_without_torch(home, filled):
    code = (
        "import sys; from core import Lab; lab = Lab(sys.argv[1]); "
        f"print(*[len(getattr(lab, n)()) for n in {FRAMES}], 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(home.path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.split() == ["1", "10", "6", "36", "120", "60", "18", "5", "4", "35", "False"]


def test_each_frame_has_the_columns_that_its_docstring_names(filled):
    for name, frame in frames_of(Lab()).items():
        written = getattr(Lab, name).__doc__
        for column in frame.columns:
            stem = re.sub(r"^(criterion|chosen|rejected|[ab]_accuracy)_.*", r"\1_", column)
            assert stem.rstrip("_") in written, (name, column)


def test_scores_are_the_verdicts_side_by_side(filled):
    lab = Lab()
    wide, long = lab.scores(filled.judge.id), lab.verdicts(filled.judge.id)
    assert [name for name in wide if name.startswith("criterion_")] == ["criterion_clarity", "criterion_depth"]
    depth = long[long["criterion"] == "depth"].reset_index(drop=True)
    assert wide["criterion_depth"].tolist() == depth["value"].tolist()
    assert wide["expected"].tolist() == [10.0, 9.0] * 6
    assert set(wide["variant"]) == {"base"}


def test_a_comparison_says_n_interval_and_tie_margin(filled):
    frame = Lab().comparisons(score="total")
    *_, row = frame[frame["mode"] != "reader"].to_dict("records")
    assert (row["a"], row["b"], row["n"], row["tie_margin"], row["score"]) == ("anchor", "sft", 6, 0.0, "total")
    assert row["win"] + row["tie"] + row["loss"] == pytest.approx(1)
    assert row["delta_low"] <= row["delta"] <= row["delta_high"]
    assert (row["a_accuracy"], row["a_accuracy_n"]) == (0.5, 6)
    wide = Lab().comparisons(tie_margin=5)
    assert wide.loc[wide["mode"] != "reader", "tie"].tolist() == [1.0] * 3
    (read,) = frame[frame["mode"] == "reader"].to_dict("records")
    assert (read["tie_margin"], read["score"], read["judge_reliable"]) == (0.1, "log_probability", False)
    assert Lab().comparisons(reader_margin=3)["tie"].tolist()[-1] == 1.0
    assert CompareSettings(score="log_probability", tie_margin=5).margin == 0.1
    with pytest.raises(BadInput, match="score"):
        Lab().comparisons(score="beauty")


def test_an_empty_lab_gives_empty_frames_with_their_columns(home):
    home.path.mkdir()
    for name, frame in frames_of(Lab()).items():
        assert len(frame) == 0
        assert len(frame.columns) > 5, name


def test_while_another_process_has_the_database_the_frames_are_the_same(home, filled):
    with Lab() as lab:
        before = frames_of(lab)
        with process(HOLD_THE_STORE) as holder:
            holder.stdout.readline()
            during = frames_of(lab)
            imported(home, questions=2, name="more")
            assert len(lab.datasets()) == 2
            holder.communicate("\n")
        assert len(lab.datasets()) == 2
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, during[name])


def test_an_open_lab_leaves_the_database_to_others(home, filled):
    with Lab() as lab:
        lab.runs()
        with open_store(home):
            assert len(lab.items()) == 6


def test_a_query_reads_and_never_writes(filled):
    lab = Lab()
    found = lab.sql("SELECT kind, count(*) AS n FROM runs GROUP BY kind ORDER BY kind DESC; ")
    assert found["kind"].tolist() == ["sample", "pairs", "judge", "import"]
    for query in ("DROP TABLE runs", "SELECT 1) ; DROP TABLE runs; SELECT (1", "SELECT nothing FROM runs", ""):
        with pytest.raises(BadInput, match="no answer"):
            lab.sql(query)
    assert len(lab.runs()) == 10


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT content FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM parquet_scan('{file}')",
        "SELECT * FROM glob('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT (SELECT count(*) FROM read_csv('{file}'))",
        "WITH x AS (SELECT * FROM '{file}') SELECT * FROM x",
        "SELECT * FROM runs WHERE id IN (SELECT content FROM read_text('{file}'))",
        "SELECT * FROM query('SELECT * FROM read_csv(''{file}'')')",
        "SELECT * FROM duckdb_secrets()",
        "COPY runs TO '{file}'",
        "ATTACH '{file}' AS other",
        "INSTALL httpfs",
        "SET threads = 1",
    ],
)
def test_a_query_reads_no_file_and_writes_none(filled, tmp_path, query):
    folder = tmp_path / "files"
    folder.mkdir()
    file = folder / "secret.csv"
    file.write_text("name,value\nkey,1\n")
    lab, asked = Lab(), query.format(file=file)
    with pytest.raises(BadInput):
        lab.sql(asked)
    with open_store(lab.home) as store, pytest.raises(BadInput):
        store.export(asked, folder / "out.csv")
    assert file.read_text() == "name,value\nkey,1\n" and [one.name for one in folder.iterdir()] == ["secret.csv"]


def test_a_query_may_make_rows_of_its_own(filled):
    query = "WITH n AS (SELECT unnest([1, 2]) AS k) SELECT sum(k) AS s FROM n, range(2) r, (SELECT 1) one"
    assert Lab().sql(query)["s"].tolist() == [6]
    assert len(Lab().sql("SELECT * FROM runs r JOIN information_schema.tables t ON t.table_name = 'runs'")) == 10


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(BadInput, match="There is no lab in"):
        Lab(tmp_path / "gone")


def test_the_code_in_the_documentation_runs(filled):
    scope: dict = {}
    for code in re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "python.md").read_text(), re.DOTALL):
        exec(code, scope)
    assert len(scope["changes"]) == len(scope["strict"]) == 4
    assert scope["strict"]["tie_margin"].tolist() == [1.0] * 3 + [0.1]
    assert len(scope["scores"]) == 60


def test_details_take_every_comparison_apart(filled):
    frame = Lab().details()
    read = frame[frame["mode"] == "reader"]
    assert set(read["figure"]) == {"category", "win rate", "equal length", "length slope", "strength"}
    frame = frame[frame["mode"] != "reader"]
    counts = frame.groupby("figure").size().to_dict()
    assert counts == {"criterion": 6, "category": 9, "win rate": 3, "equal length": 3, "length slope": 3, "strength": 3}
    parts = frame[frame["figure"] == "criterion"]
    assert set(parts["part"]) == {"clarity", "depth"}
    assert (parts["win"] + parts["tie"] + parts["loss"]).tolist() == pytest.approx([1.0] * 6)
    known = frame[frame["value"].notna()]
    assert (known["low"] <= known["high"]).all() and (known["n"] > 0).all()
    assert frame[frame["value"].isna()]["note"].str.startswith("undefined, because").all()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_every_figure_of_a_comparison_is_exported(filled, tmp_path, suffix):
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".jsonl": lambda path: pd.read_json(path, lines=True)}
    for name, expected in (
        ("comparisons", Lab().comparisons()),
        ("comparison_details", Lab().details()),
        ("judge_cards", Lab().judges()),
    ):
        path = tmp_path / f"{name}{suffix}"
        done = CliRunner().invoke(cli, ["export", "table", name, str(path)], catch_exceptions=False)
        assert done.exit_code == 0 and f"{len(expected)} rows written" in done.stdout.replace("\n", "")
        written = read[suffix](path)
        assert list(written.columns) == list(expected.columns)
        assert written["n"].tolist() == expected["n"].tolist()


def test_figures_are_refused_to_an_unknown_kind_of_file(filled, tmp_path):
    done = CliRunner().invoke(cli, ["export", "table", "comparisons", str(tmp_path / "x.xls")])
    assert isinstance(done.exception, BadInput) and "suffix" in str(done.exception)
