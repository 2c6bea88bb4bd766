"""Reading a response: the explanation, and the option its answer names.  Nothing is guessed.

A response is right only by its answer ("Answer: glass"): the first line that is one, else the last sentence, if that is
one and names an option.  An answer is no part of the explanation, which judges and readers see without it.  The option
is read by its label, or by its text where that text is unique among the options.
"""

import re
from collections.abc import Sequence

from core.records import Option

ANSWER_LINE = re.compile(r"^[ \t>*_#]*answer[*_]*[ \t]*[:：][ \t]*(?P<answer>[^\n]*)", re.IGNORECASE | re.MULTILINE)
LAST_SENTENCE = re.compile(
    r"""(?<=[.!?…;:)\]"'”’*_])[ \t]+[*_]*answer[*_]*[ \t]*[:：][ \t]*(?P<answer>[^\n]*)\Z""", re.IGNORECASE
)
LABEL_FIRST = re.compile(r"^\(?(?P<label>[^\s().:]{1,3})[).:]\s*(?P<text>.*)$")


def split_response(response: str) -> tuple[str, str | None]:
    """The explanation and the raw answer of the first answer line (None where there is no such line).

    >>> split_response("It lets light through.\\nAnswer: glass")
    ('It lets light through.', 'glass')
    >>> split_response("Answer: glass")
    ('', 'glass')
    >>> split_response("The answer is glass")
    ('The answer is glass', None)
    """
    line = ANSWER_LINE.search(response)
    if line is None:
        return response.strip(), None
    return response[: line.start()].strip(), line["answer"]


def read_option(answer: str, options: Sequence[Option]) -> str | None:
    """Label of the option that an answer names, or None.

    >>> letters = [Option(label="A", text="a net"), Option(label="B", text="a rod")]
    >>> [read_option(a, letters) for a in ("B", "(b)", "B. a rod", "A rod.", "B. a net", "rod")]
    ['B', 'B', 'B', 'B', None, None]
    >>> twins = [Option(label="A", text="21"), Option(label="B", text="21")]
    >>> read_option("21", twins) is None
    True
    """
    whole = _named(_bare(answer), options)
    if whole is not None:
        return whole
    split = LABEL_FIRST.match(answer.strip(" \t*_`\"'"))
    if split is None:
        return None
    by_label = _by_label(split["label"], options)
    by_text = _by_text(_bare(split["text"]), options)
    return by_label if by_text in (None, by_label) else None


def parse_response(response: str, options: Sequence[Option]) -> tuple[str, str | None]:
    """(explanation, predicted label or None) of a response.

    A response that is nothing but an option is that answer without an explanation.  To a question without options all
    that was written is the explanation.

    >>> materials = [Option(label=m, text=m) for m in ("wood", "glass")]
    >>> [parse_response(r, materials) for r in ("Clear.\\nAnswer: glass", "Clear. Answer: glass", "Clear, so glass.")]
    [('Clear.', 'glass'), ('Clear.', 'glass'), ('Clear, so glass.', None)]
    >>> parse_response("Glass.", materials)
    ('', 'glass')
    >>> parse_response("Answer: light is scattered.", [])
    ('Answer: light is scattered.', None)
    """
    if not options:
        return response.strip(), None
    explanation, answer = split_response(response)
    if answer is not None:
        return explanation, read_option(answer, options)
    whole = response.rstrip()
    sentence = LAST_SENTENCE.search(whole, whole.rfind("\n") + 1)
    if sentence and (named := read_option(sentence["answer"], options)):
        return response[: sentence.start()].strip(), named
    bare = read_option(explanation, options) if explanation else None
    return ("", bare) if bare else (explanation, None)


def answer_is_complete(text: str) -> bool:
    """Whether a response's answer line has ended: nothing after it can change how it is read.

    >>> answer_is_complete("Because.\\nAnswer: wood"), answer_is_complete("Because.\\nAnswer: wood\\n")
    (False, True)
    """
    line = ANSWER_LINE.search(text)
    return line is not None and bool(line["answer"].strip()) and "\n" in text[line.end() :]


def _bare(text: str) -> str:
    return text.strip(" \t\r*_`\"'.,;:!()[]").casefold()


def _named(bare: str, options: Sequence[Option]) -> str | None:
    by_label, by_text = _by_label(bare, options), _by_text(bare, options)
    if by_label and by_text and by_label != by_text:
        return None  # one option's label is another's text: which is meant cannot be told
    return by_label or by_text


def _by_label(bare: str, options: Sequence[Option]) -> str | None:
    return _only([o.label for o in options if o.label.casefold() == bare.casefold()])


def _by_text(bare: str, options: Sequence[Option]) -> str | None:
    return _only([o.label for o in options if _bare(o.text) == bare])


def _only(labels: list[str]) -> str | None:
    return labels[0] if len(labels) == 1 else None
