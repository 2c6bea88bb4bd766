"""What comes from a Hub: the paper's data sets, any other id, models, and every way it can refuse."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from core.home import PROJECT
from tests.commands import forked, fresh
from tests.hub import Repository, parquet, serving
from tests.tiny import tiny_model

CHOICES = pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])
SCHEMAS = {
    "aqua": pa.schema(
        [
            ("question", pa.string()),
            ("options", pa.list_(pa.string())),
            ("rationale", pa.string()),
            ("correct", pa.string()),
        ]
    ),
    "arc": pa.schema(
        [("id", pa.string()), ("question", pa.string()), ("choices", CHOICES), ("answerKey", pa.string())]
    ),
    "obqa": pa.schema(
        [("id", pa.string()), ("question_stem", pa.string()), ("choices", CHOICES), ("answerKey", pa.string())]
    ),
    "logiqa": pa.schema(
        [
            ("context", pa.string()),
            ("query", pa.string()),
            ("options", pa.list_(pa.string())),
            ("correct_option", pa.int32()),
        ]
    ),
}
"""Columns of the four sets as their cards state them; LogiQA's gold is a whole number, as its rows have it."""

SIZES = {"train": 3, "validation": 1, "test": 2}
"""Rows that a split has here."""


def aqua(split: str, n: int) -> dict:
    options = [f"{letter}){n * 10 + i}" for i, letter in enumerate("ABCDE")]
    return {"question": f"{split}: how much is {n}?", "options": options, "rationale": "It is.", "correct": "ABCDE"[n]}


def arc(split: str, n: int) -> dict:
    labels = ["1", "2", "3", "4"] if n == 1 else ["A", "B", "C", "D"]  # the real set has both
    choices = {"text": ["air", "water", "stone", "light"], "label": labels}
    return {"id": f"{split}_{n}", "question": f"{split}: what is {n}?", "choices": choices, "answerKey": labels[n]}


def obqa(split: str, n: int) -> dict:
    row = arc(split, 0)
    return {"id": f"{split}-{n}", "question_stem": f"{split} {n} is", "choices": row["choices"], "answerKey": "ABCD"[n]}


def logiqa(split: str, n: int) -> dict:
    options = ["All of it", "None of it", "Some of it", "It cannot be known"]
    return {"context": f"{split}: {n}.", "query": f"What follows of {n}?", "options": options, "correct_option": n}


def files(pattern: str, make, schema: str, **changes) -> dict[str, bytes]:
    """A Parquet file a split, under the name that the pattern gives it."""
    return {
        pattern.format(split): parquet([make(split, n) for n in range(count)], SCHEMAS[schema])
        for split, count in (SIZES | changes).items()
    }


def card(*configurations: str) -> bytes:
    """A README that says where the files of each configuration lie, as `push_to_hub` writes it."""
    lines = ["---", "configs:"]
    for name in configurations:
        lines += [f"- config_name: {name}", "  data_files:"]
        for split in SIZES:
            lines += [f"  - split: {split}", f"    path: {name}/{split}-*"]
    return "\n".join([*lines, "---", "# Card"]).encode()


SHARD = "-00000-of-00001.parquet"
PLAIN = {"train.jsonl": json.dumps({"question": "Is it?", "options": ["yes", "no"], "answer": "yes"}).encode()}
COPY = "refs/convert/parquet"

DATA = {
    "deepmind/aqua_rat": Repository(
        {
            "main": {"README.md": card("raw", "tokenized")}
            | files("raw/{}" + SHARD, aqua, "aqua")
            | files("tokenized/{}" + SHARD, aqua, "aqua", train=5)
        }
    ),
    "allenai/ai2_arc": Repository(
        {
            "main": {"README.md": card("ARC-Challenge", "ARC-Easy")}
            | files("ARC-Challenge/{}" + SHARD, arc, "arc")
            | files("ARC-Easy/{}" + SHARD, arc, "arc", train=4)
        }
    ),
    "allenai/openbookqa": Repository(
        {
            "main": {"README.md": card("additional", "main")}
            | files("additional/{}" + SHARD, obqa, "obqa", train=4)
            | files("main/{}" + SHARD, obqa, "obqa")
        }
    ),
    "lucasmccabe/logiqa": Repository(
        {
            "main": {"logiqa.py": b"raise SystemExit", "README.md": b""},
            COPY: {".gitattributes": b""} | files("default/{}/0000.parquet", logiqa, "logiqa"),
        }
    ),
    "some/quiz": Repository({"main": PLAIN}),
    "some/script": Repository({"main": {"script.py": b""}, COPY: files("default/{}/0000.parquet", arc, "arc")}),
    "some/scripts": Repository(
        {
            "main": {"scripts.py": b""},
            COPY: files("easy/{}/0000.parquet", arc, "arc") | files("hard/{}/0000.parquet", arc, "arc", train=4),
        }
    ),
    "some/bare-script": Repository({"main": {"bare-script.py": b""}}),
    "some/empty": Repository({"main": {"README.md": b"Nothing yet."}}),
    "some/gate": Repository({"main": PLAIN}, gated=401),
    "some/wall": Repository({"main": PLAIN}, gated=403),
    "some/torn": Repository({"main": files("{}.parquet", arc, "arc")}, cut="train.parquet"),
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Address of a Hub with the data sets above and a tiny model."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    tiny_model(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    models = {
        "some/tiny": Repository({"main": files}, "models"),
        "some/gated-model": Repository({"main": files}, "models", gated=403),
        "some/torn-model": Repository({"main": files}, "models", cut="model.safetensors"),
        "some/pickled": Repository({"main": {"config.json": b"{}", "pytorch_model.bin": b"x"}}, "models"),
    }
    with serving(DATA | models) as address:
        yield address


@pytest.fixture(scope="module")
def commands(hub, tmp_path_factory):
    """Runs commands of the lab, each as a process of its own, whose Hub is this one."""
    with forked(HF_ENDPOINT=hub, HF_HOME=str(tmp_path_factory.mktemp("hf"))) as run:
        yield run


@pytest.fixture
def lab(commands, home):
    """Runs a command on this test's lab."""
    return partial(commands, ANCHORLAB_HOME=str(home.path))


def loaded(done: subprocess.CompletedProcess[str]) -> dict:
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "the libraries' own noise is kept from people"
    return json.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a failed command says."""
    assert done.returncode == 1 and done.stdout == "", done.stdout
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "gold"),
    [
        ("aqua-rat", {"A": 1, "B": 1, "C": 1}),
        ("arc-challenge", {"A": 1, "2": 1, "C": 1}),
        ("openbookqa", {"A": 1, "B": 1, "C": 1}),
        ("logiqa", {"A": 1, "B": 1, "C": 1}),
        ("lucasmccabe/logiqa", {"A": 1, "B": 1, "C": 1}),
    ],
)
def test_the_papers_sets_load_by_name_with_their_splits_and_gold(lab, name, gold):
    found = loaded(lab("data", "add", name, "--json"))
    assert (found["items"], found["rejects"], found["unlabelled"]) == (6, 0, 0)
    assert found["splits"] == SIZES
    assert found["labels"]["train"] == gold


def test_options_lose_their_letters_and_gold_points_at_the_right_one(lab):
    shown = loaded(lab("data", "preview", "aqua-rat", "--json"))
    first = next(item for item in shown["items"] if item["split"] == "train")
    assert [option["text"] for option in first["options"]] == ["0", "1", "2", "3", "4"] and first["gold"] == "A"
    shown = loaded(lab("data", "preview", "logiqa", "--json"))
    last = [item for item in shown["items"] if item["split"] == "train"][-1]
    assert (last["context"], last["gold"]) == ("train: 2.", last["options"][2]["label"])


@pytest.mark.parametrize(
    ("name", "items"), [("some/quiz", 1), ("some/script", 6), ("some/scripts:hard", 7), ("allenai/ai2_arc:ARC-Easy", 7)]
)
def test_any_other_id_loads(lab, name, items):
    assert loaded(lab("data", "add", name, "--json"))["items"] == items


def test_a_command_that_imports_everything_itself_says_nothing_else(hub, home, tmp_path):
    found = loaded(fresh("data", "add", "some/quiz", "--json", HF_ENDPOINT=hub, HF_HOME=str(tmp_path)))
    assert found["items"] == 1


def test_what_was_fetched_is_not_asked_for_again(lab, home):
    loaded(lab("data", "add", "some/quiz", "--json"))
    (kept,) = home.fetched.iterdir()
    kept.write_text(kept.read_text().replace("Is it?", "Was it?"))
    assert loaded(lab("data", "preview", "some/quiz", "--json"))["items"][0]["question"] == "Was it?"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("some/unknown", "has no data set 'some/unknown'"),
        ("some/gate", "is gated: ask for access"),
        ("some/wall", "is gated: ask for access"),
        ("some/bare-script", "published as a script, which is not run"),
        ("some/scripts", "name one of easy, hard as some/scripts:NAME"),
        ("deepmind/aqua_rat:cooked", "name one of raw, tokenized as deepmind/aqua_rat:NAME"),
        ("some/empty", "cannot be loaded from the Hub"),
    ],
)
def test_a_set_that_cannot_be_had_is_one_sentence_and_leaves_nothing(lab, home, name, says):
    assert says in refused(lab("data", "add", name))
    assert not home.runs.exists() and not list(home.path.glob("fetched/*"))


def test_a_model_is_loaded_by_its_id(lab, home):
    added = loaded(lab("model", "add", "some/tiny", "--name", "small", "--json"))
    assert added["source"].startswith("Hub some/tiny@")
    checks = {check["name"]: check for check in loaded(lab("model", "check", "some/tiny", "--json"))}
    assert checks["weights"]["ok"] and checks["fast path"]["ok"]
    assert "Hub some/tiny@" in checks["files"]["text"]


TOLD = """
import json, sys
from core.home import default_home
from core.loading.fetching import find_source
from core.models.finding import resolve_model
from core.progress import told_to

told = []
with told_to(lambda *said: told.append(said)):
    found = resolve_model("some/tiny", default_home())
    find_source("some/script", default_home())
with told_to(lambda *said: told.append("again")):
    resolve_model("some/tiny", default_home())
print(json.dumps({"told": told, "path": found.path}))
"""


def test_who_waits_for_the_hub_is_told_how_much_is_here(hub, home, tmp_path):
    env = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "ANCHORLAB_HOME": str(home.path)}
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, env=env, cwd=PROJECT)
    found = loaded(done)
    sizes = {path.name: path.stat().st_size for path in Path(found["path"]).iterdir()}
    weights = sizes["model.safetensors"]
    model, (checked, *told) = found["told"][: len(sizes)], found["told"][len(sizes) :]
    data, rows = [row for row in told if row[2] == "bytes"], told[-1]
    here, totals, units = zip(*model, strict=True)  # no file of it needs two pieces
    assert list(here) == sorted(here) and set(units) == {"bytes"}
    assert set(totals) == {here[-1]} == {sum(sizes.values())}
    assert checked == [weights, weights, "bytes checked"]
    copy = [len(content) for content in DATA["some/script"].revisions[COPY].values()]
    assert sorted(here for here, *_ in data)[-1] == sum(copy) and len(data) == len(copy)
    assert {tuple(rest) for _, *rest in data} == {(sum(copy), "bytes")} and rows == [6, 6, "rows"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("some/unknown", "has no model 'some/unknown'"),
        ("some/gated-model", "is gated: ask for access"),
        ("some/pickled", "pickled .bin weights are not loaded"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_sentence(lab, name, says):
    assert says in refused(lab("model", "add", name))


def test_a_download_that_breaks_off_is_one_sentence_and_leaves_nothing(lab, home):
    with ThreadPoolExecutor() as pool:  # the library waits a second before each of its retries
        of_data = pool.submit(lab, "data", "add", "some/torn")
        of_model = pool.submit(lab, "model", "add", "some/torn-model")
    assert "cannot be loaded from the Hub (peer closed connection" in refused(of_data.result())
    assert "cannot be had (peer closed connection" in refused(of_model.result())
    assert not home.runs.exists() and not list(home.path.glob("fetched/*")) and not list(home.path.glob("models/*"))


def test_a_hub_that_is_not_there_is_one_sentence(hub, home, tmp_path):
    away = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    assert "The Hub cannot be reached" in refused(fresh("data", "add", "some/quiz", **away))
    assert "the Hub cannot be reached" in refused(fresh("model", "add", "some/tiny", **away))
    assert not list(tmp_path.glob("hf/hub/models*"))
