"""Texts that pages must show and never obey, and a lab that is made of nothing else.

    adversarial_lab(home)                     # questions, options, explanations, replies and names all hostile
    assert rendered(opened("compare")) == []  # nothing of it stands where a page renders text
    injected(page)                            # the same in Chromium: elements that came out of a text
    with watched(page) as requests: …         # and every request that left this machine

Lone surrogates cannot be records: the data set's file has a row with one, which is rejected, and `SURROGATE` is
for what people type.
"""

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.protobuf.message import Message
from playwright.sync_api import Page
from streamlit.testing.v1 import AppTest

from core.data.datasets import import_dataset, load_items, load_settings
from core.data.judgements import import_judgements, judgement_settings
from core.engines import Chat
from core.engines.scripted import ScriptedEngine
from core.home import Home
from core.method.head_to_head import Referee, drawn_duels
from core.method.judging import PROMPTS, Judge
from core.method.pairs import run_pairs
from core.method.sampling import Sampler, summarise
from core.models.finding import ModelRef
from core.models.variants import use_of
from core.prompts import load_prompt
from core.records import Explanation
from core.rubrics import load_rubric
from core.runs.folders import ModelUse, RunFolder, create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.settings import HeadToHeadSettings, JudgeSettings, PairSettings, SampleSettings, Selection

HOST = "beacon.invalid"
"""Where every picture, link and script of the texts points: nothing may ever be asked of it."""

SURROGATE = "half of a pair: \ud800"

HOSTILE = {
    "picture": f"![beacon](http://{HOST}/picture.png) and ![again][ref]\n\n[ref]: http://{HOST}/reference.png",
    "html picture": f'<img class="injected" src="http://{HOST}/image.png" onerror="document.title=\'injected\'">',
    "script": f'<script src="http://{HOST}/script.js">document.title="injected"</script><b class="injected">bold</b>',
    "frame": f'</div></pre></textarea><iframe class="injected" src="//{HOST}/frame"></iframe><svg onload=alert(1)>',
    "style": f"<style>@import url(http://{HOST}/style.css); body {{display: none}}</style><p class=injected>",
    "script link": f"[press here](javascript:alert(1)) <http://{HOST}/auto> <a class=injected href=javascript:1>x</a>",
    "formula": r"$\frac{1}{2}$ $$\int_0^1 x\,dx$$ \(a\) \[b\] costs $5 or $6",
    "markup": "# Heading\n**bold** _slanted_ `code` ~~gone~~\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [ ] task\n> said",
    "directives": ":red[red] :material/delete: :streamlit: :rainbow[x] :blue-badge[injected] :smile: {{ 1+1 }} ${x}",
    "right to left": "safe \u202egnp.exe\u202c \u2066isolated\u2069 \u200fעברית\u200e العربية",
    "zero width": "zero\u200bwidth\u200djoined\ufeff and \u00ad Z\u0351\u0366\u0311 \U0001f469\u200d\U0001f52c",
    "controls": "tab\tbell\u0007 escape\u001b[31mred\u001b[0m backspace\b\b carriage\rreturn line\u2028separator",
    "spreadsheet": f'=HYPERLINK("http://{HOST}/cell","press") +1 @x',
    "answer lines": "Answer: wood\nANSWER: metal\nCoherence: excellent\nClarity: excellent\nAnswer: glass",
    "long": "a long text with <b class='injected'>markup</b> that goes on and on " * 770,
}
"""Name → text; the longest has 50 thousand characters."""

NAME = f"![n](http://{HOST}/name.png) <b class='injected'>name</b> $x$ :red[r]"
"""A name as a person may type it: of data sets, variants, annotators."""

TEXTS = list(HOSTILE.values())
VARIANTS = (f"first {NAME}", f"second {NAME}")
SCORES = ("unsatisfactory", "needs improvement", "satisfactory", "excellent")


def adversarial_lab(home: Home) -> RunFolder:
    """A finished lab: a data set, two variants, two judges, pairs, head-to-heads, judgements.  Its data set's run."""
    dataset = _dataset(home)
    items = load_items(dataset)
    samples = [_samples(home, dataset, items, label, seed) for seed, label in enumerate(VARIANTS)]
    judges = [_judge(home, dataset, run, "probabilities") for run in samples]
    for run in samples:
        _judge(home, dataset, run, "written")
    _pairs(home, dataset, samples[0], judges[0])
    _head_to_head(home, dataset, samples)
    _judgements(home)
    return dataset


def _dataset(home: Home) -> RunFolder:
    rows = [
        {
            "id": f"{number} <b class='injected'>#&/?</b> [i](http://{HOST})",
            "question": f"{text}\nquestion {number}",
            "context": TEXTS[number - 1],
            "options": [f"{text[:300]} {number}", f"{NAME} {number}", f"wood {number}"],
            "gold": f"wood {number}" if number else None,
        }
        for number, text in enumerate(TEXTS)
    ]
    rows.append({"id": "lone", "question": SURROGATE, "context": "", "options": ["a", "b"], "gold": "a"})
    home.uploads.mkdir(parents=True, exist_ok=True)
    path = home.uploads / "hostile <b class='injected'> file.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = load_settings(
        path, name=NAME, title=NAME, licence=NAME, gold="gold", options="options", context="context"
    )
    return import_dataset(home, settings[0], settings[1].model_copy(update={"test": 1.0}))


def _reply(chat: Chat, seed: int) -> str:
    """One of the texts, two times in three with an answer that can be read."""
    dice = random.Random(seed)
    number = re.findall(r"wood (\d+)", chat.messages[-1].content) or ["0"]
    answer = dice.choice([f"wood {number[-1]}", f"{NAME} {number[-1]}", ""])
    text = dice.choice(TEXTS)
    if text.startswith("Answer:"):
        return text.partition("\n")[0]  # an answer and no explanation, which is the worst
    return f"{text} so it ends\n" + (f"Answer: {answer}" if answer else "")


def _written(chat: Chat, seed: int) -> str:
    """A judge's reply around the texts; one in three cannot be read."""
    dice = random.Random(seed)
    lines = [f"{criterion.key}: {dice.choice(SCORES)}" for criterion in load_rubric("five_criteria").criteria]
    return dice.choice(TEXTS) + "\n" + "\n".join(lines[: dice.choice([5, 5, 2])])


def _weigh(chat: Chat, option: str) -> float:
    return random.Random(f"{chat.messages[-1].content}{chat.opening}{option}").uniform(1, 9)


def _model(name: str) -> ModelUse:
    return use_of(ModelRef(name=f"{NAME} {name}", path="", hash=f"scripted-{name}", source=NAME))


def _samples(home: Home, dataset: RunFolder, items: list, label: str, seed: int) -> RunFolder:
    settings = SampleSettings(n=2, select=Selection(split="test"))
    engine = ScriptedEngine(lambda chat, given: _reply(chat, given + seed), _weigh)
    sampler = Sampler(engine, load_prompt(settings.prompt), [], settings)
    folder = create_run(home, run_config("sample", label, settings, {"dataset": dataset.id}, _model(f"model {seed}")))
    with Work(folder) as work:
        work.started()
        work.append("explanations", sampler.sample(items)[0])
        work.note(NAME)
        work.summary |= summarise(folder.read("explanations", Explanation), items)
    return folder


def _judge(home: Home, dataset: RunFolder, samples: RunFolder, mode: str) -> RunFolder:
    settings = JudgeSettings(mode=mode)
    judge = Judge(ScriptedEngine(_written, _weigh), load_prompt(PROMPTS[mode]), load_rubric("five_criteria"), settings)
    parents = {"dataset": dataset.id, "samples": samples.id}
    items = {item.id: item for item in load_items(dataset)}
    folder = create_run(home, run_config("judge", samples.config.label, settings, parents, _model("judge")))
    with Work(folder) as work:
        work.started()
        rows = samples.read("explanations", Explanation)
        work.append("judgements", judge.judge([(items[row.item_id], row) for row in rows]))
    return folder


def _pairs(home: Home, dataset: RunFolder, samples: RunFolder, judge: RunFolder) -> None:
    parents = {"dataset": dataset.id, "samples": samples.id, "judgements": judge.id}
    with Work(create_run(home, run_config("pairs", NAME, PairSettings(strategy="rank"), parents))) as work:
        work.started()
        run_pairs(work)


def _head_to_head(home: Home, dataset: RunFolder, samples: list[RunFolder]) -> None:
    settings = HeadToHeadSettings(mode="written")
    prompt, rubric = load_prompt("head_to_head_written"), load_rubric("five_criteria")
    referee = Referee(ScriptedEngine(_written, _weigh), prompt, rubric, settings)
    parents = {"dataset": dataset.id, "samples_a": samples[0].id, "samples_b": samples[1].id}
    with Work(create_run(home, run_config("head_to_head", NAME, settings, parents, _model("judge")))) as work:
        work.started()
        items = {item.id: item for item in load_items(dataset)}
        rows = [run.read("explanations", Explanation) for run in samples]
        work.append("head_to_head", referee.compare(drawn_duels(items, *rows, settings)))


def _judgements(home: Home) -> None:
    """Pairwise judgements and ratings made elsewhere, by annotators with hostile names."""
    choices = [
        {"instruction": text, "output_1": text, "generator_1": f"old {NAME}", "output_2": text[::-1],
         "generator_2": f"new {NAME}", "annotator": f"{NAME} {place % 2}", "preference": 1 + place % 2}
        for place, text in enumerate(TEXTS)
    ]  # fmt: skip
    ratings = [
        {"item": f"{NAME} {place}", "variant": VARIANTS[place % 2], "rater": f"{NAME} {rater}", "criterion": NAME,
         "label": SCORES[(place + rater) % 4], "note": text}
        for place, text in enumerate(TEXTS)
        for rater in range(2)
    ]  # fmt: skip
    for name, rows in (("choices", choices), ("ratings", ratings)):
        path = home.uploads / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        import_judgements(home, path, judgement_settings(path, [], {"name": f"{name} {NAME}"}))


# --- what of it was rendered

MARKS = re.compile(r"injected|beacon\.invalid|so it ends|:red\[r|\\frac", re.IGNORECASE)
"""What only the texts above contain."""

PLAIN = ("text", "code", "arrow_data_frame", "json", "html")
"""Elements that show text as it is; `html` is looked at on its own."""

RENDERING = ("label", "help", "body", "delta", "tooltip", "content", "captions", "value_markdown")
"""Fields of elements and blocks whose text is rendered as markdown."""


def rendered(app: AppTest) -> list[str]:
    """Hostile texts at places of a page that render text: none of them may be."""
    found = []
    for node in nodes(app._tree):
        proto = getattr(node, "proto", None)
        if isinstance(proto, Message):
            kind = str(getattr(node, "type", ""))
            found += [f"{kind}.{name}: {text[:120]}" for name, text in _places(kind, proto) if MARKS.search(text)]
    return found


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from nodes(child)


def _places(kind: str, proto: Message) -> Iterator[tuple[str, str]]:
    if kind == "html" or proto.DESCRIPTOR.name == "Html":
        yield from (("tag", tag) for tag in re.findall(r"<(?!/?(?:mark|div|style|span)\b)[^>]*>", proto.body))
    elif kind not in PLAIN:
        yield from _texts(proto, radio=kind == "radio")


def _texts(proto: Message, radio: bool = False) -> Iterator[tuple[str, str]]:
    """Every rendering field of a message, at any depth; the options of a radio button are rendered too."""
    for field, value in proto.ListFields():
        values = value if field.is_repeated else [value]
        if field.type == field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            continue
        for part in values:
            if isinstance(part, Message):
                yield from _texts(part)
            elif isinstance(part, str) and (field.name in RENDERING or (radio and field.name == "options")):
                yield field.name, part


def injected(page: Page) -> int:
    """Elements of a page in the browser that came out of a text."""
    return page.locator(".injected, script[src*='beacon'], img[src*='beacon'], a[href*='//beacon'], .katex").count()


@contextmanager
def watched(page: Page) -> Iterator[list[str]]:
    """Addresses beyond this machine that the page asks for meanwhile."""
    left: list[str] = []

    def note(request: Any) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            left.append(request.url)

    page.on("request", note)
    yield left
    page.remove_listener("request", note)
