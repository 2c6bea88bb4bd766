"""Agreement in sets whose names collide, and the scale of a coefficient."""

import json

from core.analysis.consensus import MAJORITY, agreements, preference_rates
from core.cli.judgements import _agreement_json
from core.data.judgements import import_judgements, judgement_settings
from core.settings import CompareSettings
from core.store.database import any_store

SETTINGS = CompareSettings(resamples=100)


def added(home, folder, name, text):
    path = folder / name
    path.write_text(text)
    return import_judgements(home, path, judgement_settings(path))


def votes(rows):
    keys = ("dataset", "id", "question", "output_1", "output_2", "annotator", "preference")
    return "".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows)


def test_part_and_id_that_join_to_one_key_are_two_questions(home, tmp_path):
    rows = [("a/b", "c", "1?", "x", "y", who, 1) for who in ("ann", "bob")]
    rows += [("a", "b/c", "2?", "x", "y", who, 2) for who in ("ann", "bob")]
    added(home, tmp_path, "a.jsonl", votes(rows))
    with any_store(home) as store:
        (found,) = agreements(store, SETTINGS)
    assert (found.pairs[0].n, found.pairs[0].percent.n) == (2, 2)


def test_an_annotator_called_like_the_majority_is_no_other_set_s_trouble(home, tmp_path):
    rows = [("p", str(n), f"{n}?", "x", "y", who, 1 + n % 2) for n in range(4) for who in ("ann", MAJORITY, "gpt-4")]
    run = added(home, tmp_path, "a.jsonl", votes(rows))
    added(home, tmp_path, "b.jsonl", votes([row for row in rows if row[5] == "ann"]))
    with any_store(home) as store:
        found = agreements(store, SETTINGS)
        names = {rate.annotator for rate in preference_rates(store, run.id, SETTINGS)}
    assert names == {"ann", MAJORITY, "gpt-4", f"{MAJORITY} (counted)"}
    assert len(found) == 2 and {pair.a for pair in found[0].pairs} >= {"ann", MAJORITY, f"{MAJORITY} (counted)"}


RATED = "item;model;annotator;criterion;rating\n" + "".join(
    f"q{n};m;{who};depth;{label}\n"
    for n, pair in enumerate(("1.0 2.0", "4.0 5.0", "2.0 3.0"))
    for who, label in zip("ab", pair.split(), strict=True)
)


def test_decimal_commas_are_numbers_and_the_scale_is_said(home, tmp_path):
    for name, text in (("point.csv", RATED), ("comma.csv", RATED.replace(".", ","))):
        added(home, tmp_path, name, text)
    with any_store(home) as store:
        point, comma = agreements(store, SETTINGS)
    assert point.alpha == comma.alpha and point.alpha.value is not None
    assert _agreement_json(comma)["scale"] == "ordinal"
