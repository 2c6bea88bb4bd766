"""Does a model do here?  It is loaded and tried, a line for each thing that can be wrong."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.engines import Chat, Message, Sampling
from core.errors import LabError
from core.home import Home
from core.models.finding import ModelRef, resolve_model
from core.models.memory import GIB, available_bytes, parameters
from core.models.variants import adapters_of, use_of

if TYPE_CHECKING:
    from core.engines.hf import HFEngine

QUESTION = Chat(
    (Message("system", "Explain in one sentence, then answer."), Message("user", "What is a window made of, and why?"))
)
ROWS, TOKENS = 16, 32
"""What is generated to measure speed."""

CRITERIA = ("Clear", "True", "Relevant", "Complete", "Short")


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, whether it will do, and what was seen or what to do."""

    name: str
    ok: bool
    text: str


def check_model(home: Home, name: str) -> Iterator[Check]:
    """Each check as it is made; nothing follows one without which the next makes no sense."""
    try:
        model = resolve_model(name, home)
    except LabError as error:
        yield Check("weights", False, str(error))
        return
    yield from _check_server(model) if model.server else _check_weights(home, model)


def _check_server(model: ModelRef) -> Iterator[Check]:
    """Probe a server, a line for each thing it does or drops; without log-probabilities it judges in writing alone."""
    from core.engines.server import open_server

    try:
        engine = open_server(model)
    except LabError as error:
        yield Check("server", False, str(error))
        return
    seen = engine.provenance()
    yield Check("server", True, f"{seen['model']} answers; fingerprint: {seen['system_fingerprint']}")
    for said, key in SERVER_LINES.items():
        yield Check(said, True, str(seen[key]))
    for fallback in engine.found.fallbacks:
        yield Check("fallback", True, fallback)
    alike = "the same reply to different seeds at temperature 1: it may not sample at all"
    yield Check("draws", bool(seen["draws"]), "replies differ from seed to seed" if seen["draws"] else alike)
    began = time.monotonic()
    try:
        (group,) = engine.generate([QUESTION], [list(range(4))], Sampling(0.8, 1.0, TOKENS))
    except LabError as error:
        yield Check("generation", False, str(error))
        return
    rate = sum(row.tokens for row in group) / (time.monotonic() - began)
    yield Check("generation", any(row.text.strip() for row in group), f"{rate:.0f} tokens/s for 4 rows")


SERVER_LINES = {
    "probabilities": "log_probabilities",
    "n": "n",
    "seeds": "seeds",
    "begun replies": "begun_replies",
    "repeats": "repeats",
}
"""Line of a check → what the probe found."""


def _check_weights(home: Home, model: ModelRef) -> Iterator[Check]:
    from core.engines.hf import load_engine  # torch takes seconds to import: only commands that need it pay

    try:
        yield Check("files", True, f"{model.source}, {parameters(Path(model.path)) / 1e6:.0f}M parameters")
        began = time.monotonic()
        engine = load_engine(model, adapters_of(home, use_of(model)), 4 * TOKENS)
    except LabError as error:
        yield Check("weights", False, str(error))
        return
    seen = engine.provenance()
    yield Check("weights", True, f"loaded in {time.monotonic() - began:.1f} s as {seen['dtype']} ({seen['dtype_by']})")
    yield _template(seen)
    yield from _thought_and_date(seen)
    yield _ends(engine)
    yield _ties(engine)
    yield _path(engine)
    yield _memory()
    yield from _speed(engine)


def _template(seen: dict[str, object]) -> Check:
    whose = {"model": "its own", "registered": "the registered one", "fallback": "a plain fallback"}[seen["template"]]
    advice = "" if seen["template"] != "fallback" else "; `model add --template FILE` gives a better one"
    return Check(
        "template",
        True,
        f"{whose}, {seen['template_hash'][:12]}; system text: {seen['system_text']}{advice}",
    )


def _thought_and_date(seen: dict[str, object]) -> Iterator[Check]:
    """What a template writes of its own, where it does: a thought that is opened, and today's date."""
    if "thought" in seen:
        text = f"its template opens one before the answer: {seen['thought']}, in sampling, judging and training alike"
        yield Check("thought", True, text)
    if "date" in seen:
        yield Check("date", True, "its template writes today's: that of a run is kept with it and written again")


def _ends(engine: "HFEngine") -> Check:
    tokens = engine.tokenizer.convert_ids_to_tokens(sorted(engine.vocabulary.ends))
    return Check("pad and end", True, f"pads with {engine.tokenizer.pad_token}, ends at {', '.join(tokens)}")


def _ties(engine: "HFEngine") -> Check:
    weights = engine.weights
    wanted = weights.config.get_text_config().tie_word_embeddings
    into, out = weights.get_input_embeddings().weight, weights.get_output_embeddings().weight
    if wanted and into.data_ptr() != out.data_ptr():
        why = "its configuration ties input and output embeddings and an adapter brought one of them: untied here"
        return Check("tied heads", True, why)
    return Check("tied heads", True, "tied, and one weight" if wanted else "not tied")


def _path(engine: "HFEngine") -> Check:
    if engine.path == "fast":
        return Check("fast path", True, "gives what the library gives")
    text = "none for this architecture, where it differs from the library: the plain path, slower, is used"
    whole = "" if engine.cached else "; nor does it go on from its cache: everything is read again for each token"
    return Check("fast path", True, text + whole)


def _memory() -> Check:
    import psutil

    used = psutil.Process(os.getpid()).memory_info().rss / GIB
    return Check("memory", True, f"{used:.1f} GiB used, {available_bytes() / GIB:.1f} GiB free")


def _speed(engine: "HFEngine") -> Iterator[Check]:
    drawn = Sampling(temperature=0.8, top_p=1.0, max_new_tokens=TOKENS)
    began = time.monotonic()
    (group,) = engine.generate([QUESTION], [list(range(ROWS))], drawn)
    rate = sum(row.tokens for row in group) / (time.monotonic() - began)
    words = any(row.text.strip() for row in group)
    remedy = "it generates nothing that can be read: its chat template may be the wrong one (`model add --template`)."
    yield Check("generation", words, f"{rate:.0f} tokens/s for {ROWS} rows" if words else remedy)

    asked = [
        Chat((*QUESTION.messages, Message("assistant", group[0].text or "Glass."), Message("user", criterion)))
        for criterion in CRITERIA
    ]
    began = time.monotonic()
    engine.choose(asked, [[" good", " bad"]] * len(asked))
    judged = time.monotonic() - began
    yield Check("judging", True, f"{judged:.2f} s for five criteria of one explanation")
    minutes = 1000 * (4 * 64 / rate + 4 * judged) / 60
    yield Check("estimate", True, f"about {minutes:.0f} minutes to sample and judge 1,000 questions, n=4 of 64 tokens")
