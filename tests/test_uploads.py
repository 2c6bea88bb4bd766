# ruff: noqa: E501
"""Files that a browser sent are kept by their content: none takes another's place."""

from concurrent.futures import ThreadPoolExecutor

from core.data.datasets import import_dataset, load_items, load_settings
from core.data.uploads import keep
from core.runs.folders import file_hash


def test_uploads_of_one_name_at_once_are_files_of_their_own(home):
    contents = [
        f'{{"question": "Is it {n}?", "options": ["yes", "no"], "gold": "A"}}\n'.encode() * (n % 3 + 1)
        for n in range(30)
    ]
    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(lambda content: keep(home, "quiz.jsonl", content), contents))
    assert [path.read_bytes() for path in paths] == contents
    assert {path.name for path in paths} == {"quiz.jsonl"} and len(set(paths)) == 30
    assert not [path for path in home.uploads.rglob("*") if path.name.endswith(".part")]


def test_what_is_imported_is_what_is_hashed(home):
    paths = [keep(home, "quiz.jsonl", f'{{"question": "Is it {n}?", "gold": "{w}"}}\n{{"question": "Or?", "gold": "b"}}\n'.encode())
             for n, w in enumerate("acdefgh")]  # fmt: skip
    with ThreadPoolExecutor(4) as threads:
        runs = list(threads.map(lambda path: import_dataset(home, *load_settings(path, id=None)), paths))
    for number, (run, path) in enumerate(zip(runs, paths, strict=True)):
        assert run.config.inputs["source"] == file_hash(path)
        assert load_items(run)[0].question == f"Is it {number}?"


def test_a_name_is_never_a_way_out_of_the_folder(home):
    for name in ("../lab.duckdb", "..", "", "a/../../b", "x" * 400 + ".csv"):
        assert keep(home, name, b"x").is_relative_to(home.uploads)
