"""The fast path over every architecture that can be built here: it gives what the library gives, or it is not used."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from core.engines import Sampling
from core.engines.choosing import PrefixReader, Tokens
from core.engines.decoding import sample_rows
from core.engines.fidelity import TOLERANCE, log_probabilities_apart
from core.engines.hf import HFEngine, PlainReader, plain_rows
from tests.every_architecture import ALL, built

DROPS_THE_PREFIX = ("stablelm", "nemotron", "gptj", "codegen", "xglm", "diffllama", "mpt")
"""Architectures that do not hand a shared prefix on to their attention."""

SUBSET = (
    *DROPS_THE_PREFIX,
    *("llama", "qwen2", "qwen3_moe", "gpt2", "gpt_neox", "opt", "ctrl", "mixtral"),
    *("mistral", "gemma2", "bloom", "falcon", "bart", "bamba", "mamba", "openai-gpt", "minicpm3"),
)

SLOW = ("kimi_linear", "blt")
"""A minute each: a loop over the tokens in Python, and default widths that are tried in vain."""

OWN_CACHE = ("moshi",)
"""Architectures that the library's own `generate` continues otherwise with its cache than without."""

DRAWS = [[1, 2], [3], [4, 5, 6], [7], [8]]


def tokens(count: int, seed: int) -> Tokens:
    return tuple(torch.randint(5, 400, (count,), generator=torch.Generator().manual_seed(seed)).tolist())


SHARED, INNER = tokens(130, 1), tokens(9, 2)
HARD = [
    SHARED + tokens(1, 3),
    SHARED + INNER + tokens(3, 4),
    SHARED + INNER + tokens(14, 5),
    SHARED + tokens(40, 6),
    SHARED + INNER + tokens(33, 7),
]
"""Prompts that share more than the probes do, and are longer than the windows of the tiny models."""


def read_table() -> dict[str, str]:
    """Architecture → what docs/models.md says of it: fast, plain, plain without a cache, or not built."""
    text = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (fast|plain|plain, without a cache|not built here) \| (.+) \|$", text, re.MULTILINE)
    return {re.sub(r" \(.*\)", "", name): path for path, names in rows for name in re.split(r"[,;] (?![^(]*\))", names)}


def path_of(engine: HFEngine) -> str:
    return "fast" if engine.path == "fast" else "plain" if engine.cached else "plain, without a cache"


def apart(found: dict[Tokens, torch.Tensor], plain: dict[Tokens, torch.Tensor]) -> float:
    return max(log_probabilities_apart(logits, plain[text]) for text, logits in found.items())


def assert_fast_is_plain(engine: HFEngine) -> None:
    """Choosing (twice, the prefix at hand) and sampling with the fast path on, then the same as the library does it."""
    reader, drawn = PrefixReader(engine.weights), Sampling(temperature=1.0, top_p=1.0, max_new_tokens=6)
    asked = (engine.vocabulary, HARD, DRAWS, drawn, None)
    once, again = reader.logits(HARD[:3]), reader.logits(HARD)
    rows = sample_rows(engine.weights, *asked)
    engine.weights.set_attn_implementation(engine._plain_attention)
    plain = PlainReader(engine.weights).logits(HARD)
    assert max(apart(once, plain), apart(again, plain)) < TOLERANCE
    assert [row.tokens for row in rows] == [row.tokens for row in plain_rows(engine.weights, *asked)]


def assert_plain_is_whole(engine: HFEngine, prompt: Tokens) -> None:
    """What the plain path samples is what reading the whole text again for every token gives."""
    greedy = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=4)
    (row,) = plain_rows(engine.weights, engine.vocabulary, [prompt], [[0]], greedy, None, engine.cached)
    whole: Sequence[int] = prompt
    for token in row.tokens:
        logits = PlainReader(engine.weights).logits([tuple(whole)])[tuple(whole)]
        assert float(logits.max() - logits[token]) < TOLERANCE
        whole = (*whole, token)


def look_at(name: str) -> str:
    """What the table should say of an architecture, everything that its path gives compared with the library's."""
    engine = built(name)
    if isinstance(engine, str):
        return "not built here"
    path = path_of(engine)
    if path == "fast":
        assert_fast_is_plain(engine)
    elif name not in OWN_CACHE:
        assert_plain_is_whole(engine, HARD[2] if path == "plain" and not name.startswith("qwen3_") else HARD[0][-12:])
    return path


@pytest.mark.parametrize("name", SUBSET)
def test_a_shared_prefix_is_read_by_all_rows_or_the_plain_path_is_taken(name):
    assert look_at(name) == read_table()[name]


def test_a_shared_prefix_that_is_not_handed_on_is_seen():
    assert {built(name).path for name in DROPS_THE_PREFIX} == {"plain"}


def test_the_table_names_every_architecture_once():
    assert sorted(read_table()) == ALL


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", [ALL[start::4] for start in range(4)])
def test_every_architecture_that_can_be_built_gives_what_the_library_gives(names):
    said = read_table()
    found = {name: look_at(name) for name in names if name not in SLOW}
    assert found == {name: said[name] for name in found}


def test_what_changes_with_the_length_of_a_pass_or_sees_a_part_takes_the_plain_path():
    """No probe is as long as these windows: they are read off the configuration."""
    assert {name: built(name, **changes).path for name, changes in READ_OFF} == {name: "plain" for name, _ in READ_OFF}
    assert built("mistral", sliding_window=None).path == "fast"


READ_OFF = (
    ("llama", {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4}}),
    ("doge", {"keep_window_size": 4096}),
    ("gpt_neo", {"window_size": 4096}),
    ("mistral", {"sliding_window": 4096}),
    ("llama4_text", {"attention_chunk_size": 4096}),
    ("minimax_m3_vl_text", {"index_topk_blocks": 16}),
)
