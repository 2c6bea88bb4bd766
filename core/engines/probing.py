"""What a server really does, found out by asking: many answer 200 and drop what they do not know, some refuse.

    found = probe(Wire(server))

A dozen or two requests of at most sixteen tokens; each looks at what came back, not at what was promised.  Only the
first must be answered: whatever a server refuses, fails on or does not know after that (400, 404, 500, 501) it is not
asked again, and `Probe.fallbacks` says what is done in its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from openai.types.chat import ChatCompletion

from core.engines.wire import Failed, Refused, Reply, Unknown, Wire, reply_of, usage_of
from core.errors import LabError

QUESTION = {"role": "user", "content": "Write twenty random letters."}

BEGUN = {"role": "assistant", "content": "A"}
"""A begun reply of one token in any vocabulary."""

GO_ON = {"add_generation_prompt": False, "continue_final_message": True}
"""What vLLM and SGLang need to go on with a begun reply; llama.cpp and Ollama do it anyway."""

SYSTEM = {"role": "system", "content": "Be brief."}

LIMITS = ("max_tokens", "max_completion_tokens")
"""Names that servers know the longest reply by."""

LEAST = (1, 16)
"""Longest replies asked for: some servers refuse a single token."""

DRAWN = {"temperature": 0.7, "top_p": 0.9}
"""Both are asked for with values that are nobody's default: some servers take that one alone."""

MOST_LISTED = (20, 5)
"""Alternatives asked for, the next number where a server refuses."""

OPTIONAL_RETRIES = 1
"""Times that a request is sent again that a server need not answer."""

Seeds = Literal["repeat", "have no effect", "are refused"]


@dataclass(frozen=True)
class Probe:
    """What was found at the start of a run."""

    model: str
    """The model's id as the server reports it."""
    fingerprint: str | None
    """`system_fingerprint`: changes when the provider changes something; None where there is none."""
    limit: str
    """Name of the longest reply: max_tokens or max_completion_tokens."""
    listed: int
    """Alternatives that come with log-probabilities; 0: none come."""
    many: bool
    """Whether `n` gives n replies."""
    goes_on: bool
    """Whether a begun reply is gone on with."""
    seeds: Seeds
    """Whether the same seed gave the same sixteen tokens twice."""
    draws: bool
    """Whether another seed gave others: some servers keep a model's greedy default whatever temperature is asked."""
    least: int = 1
    """The shortest longest reply that is taken."""
    takes: tuple[str, ...] = tuple(DRAWN)
    """Which of temperature and top_p may be sent."""
    both: bool = True
    """Whether they may be sent together."""
    system: bool = True
    """Whether there is a system role."""
    thinks: bool = False
    """Whether a reply begins with a thought: the first token is none of the answer's then."""
    counts: bool = True
    """Whether tokens are reported."""

    @property
    def fallbacks(self) -> list[str]:
        """What is done otherwise than asked for, a sentence each."""
        return list(self._said())

    def _said(self) -> Iterator[str]:
        for name in DRAWN:
            if name not in self.takes:
                yield f"The server refuses {name}: it is not sent, and replies are drawn with the server's own."
        if len(self.takes) == len(DRAWN) and not self.both:
            yield (
                "The server refuses temperature and top_p together: top_p alone is sent where the temperature is 1, "
                "else temperature alone."
            )
        if not self.system:
            yield "The server refuses the system role: its text stands at the beginning of the first user turn."
        if self.seeds == "are refused":
            yield "The server refuses seeds: replies are drawn without one and cannot be drawn again."
        if self.thinks:
            yield "The model thinks before it answers: thoughts are kept apart, and first tokens tell no option."
        if not self.counts:
            yield "The server does not report tokens: they are estimated, four bytes a token."


def probe(wire: Wire) -> Probe:
    """Ask a few short questions; errors as `Wire.ask`, of the first alone."""
    first, limit, least = _first(wire)
    asking = _Asking(Wire(wire.server, min(wire.retries, OPTIONAL_RETRIES)), limit, least)
    takes, both = _takes(asking)
    drawn = _drawn(asking, takes)
    return Probe(
        model=first.model or wire.server.model,
        fingerprint=str(first.system_fingerprint) if first.system_fingerprint else None,
        limit=limit,
        listed=0 if drawn.thinks else _listed(asking),
        many=_many(asking),
        goes_on=_goes_on(asking),
        seeds=drawn.seeds,
        draws=drawn.draws,
        least=least,
        takes=takes,
        both=both,
        system=asking.for_it(messages=(SYSTEM, QUESTION)) is not None,
        thinks=drawn.thinks,
        counts=None not in usage_of(first),
    )


def answers(wire: Wire) -> str:
    """The model's id as the server reports it, from one request of one token: address, key and model are right."""
    return _first(wire)[0].model or wire.server.model


def _first(wire: Wire) -> tuple[ChatCompletion, str, int]:
    """An answer, and the name and the least value of the longest reply with which it was given."""
    refusals: list[Refused] = []
    for least in LEAST:
        for limit in LIMITS:
            try:
                return wire.ask({"messages": [QUESTION], limit: least}), limit, least
            except Refused as refusal:
                refusals.append(refusal)
    raise refusals[0]


@dataclass(frozen=True)
class _Asking:
    """How a server is asked whether it does something that it need not do."""

    wire: Wire
    limit: str
    least: int

    def for_it(self, tokens: int = 1, messages: Any = (QUESTION,), **body: Any) -> ChatCompletion | None:
        """The answer, or None if the server refuses the request, fails on it or does not know it."""
        try:
            return self.wire.ask({"messages": list(messages), self.limit: max(tokens, self.least), **body})
        except (Refused, Unknown, Failed):
            return None


def _takes(asking: _Asking) -> tuple[tuple[str, ...], bool]:
    """(which of temperature and top_p are taken, whether both together)."""
    if asking.for_it(**DRAWN):
        return tuple(DRAWN), True
    return tuple(name for name, value in DRAWN.items() if asking.for_it(**{name: value})), False


def _listed(asking: _Asking) -> int:
    for most in MOST_LISTED:
        answer = asking.for_it(logprobs=True, top_logprobs=most)
        if answer:
            return len(alternatives(answer))
    return 0


def alternatives(answer: ChatCompletion) -> list[tuple[str, float]]:
    """(token, log-probability) of the first position's likeliest tokens; empty where the server gave fewer than two."""
    positions = getattr(answer.choices[0].logprobs, "content", None) or []
    tops = getattr(positions[0], "top_logprobs", None) or [] if positions else []
    given = [(getattr(top, "token", None), getattr(top, "logprob", None)) for top in tops]
    listed = [
        (token, log)
        for token, log in given
        if isinstance(token, str) and isinstance(log, (int, float)) and -1000.0 < log <= 1e-3
    ]
    return listed if len(listed) > 1 else []


def _many(asking: _Asking) -> bool:
    answer = asking.for_it(n=2)
    return answer is not None and len(answer.choices) == 2


def _goes_on(asking: _Asking) -> bool:
    """Read off the prompt's tokens: a begun reply of one token adds one, a finished turn of one adds its frame too.

    The bare question ends in the beginning of a reply, so that is all there is between the two.
    """
    bare, begun = asking.for_it(), asking.for_it(messages=(QUESTION, BEGUN), extra_body=GO_ON)
    if not (bare and begun):
        return False
    before, after = usage_of(bare).read, usage_of(begun).read
    return before is not None and after is not None and after - before == 1


@dataclass(frozen=True)
class _Drawn:
    """What three replies at temperature 1, two of them with one seed, say."""

    seeds: Seeds
    draws: bool
    thinks: bool


def _drawn(asking: _Asking, takes: tuple[str, ...]) -> _Drawn:
    hot = {"temperature": 1.0} if "temperature" in takes else {}
    drawn = [asking.for_it(tokens=16, **hot, seed=seed) for seed in (7, 7, 8)]
    refused = None in drawn
    if refused:
        drawn = [asking.for_it(tokens=16, **hot) for _ in range(3)]
    replies = [_said_in(answer) for answer in drawn if answer]
    texts = [(reply.text, reply.thought) for reply in replies]
    repeat = len(texts) > 1 and texts[0] == texts[1]
    return _Drawn(
        seeds="are refused" if refused else "repeat" if repeat else "have no effect",
        draws=len(set(texts)) > 1,
        thinks=any(reply.thought for reply in replies),
    )


def _said_in(answer: ChatCompletion) -> Reply:
    """The reply, empty where there is no text: sixteen tokens may be too few for one."""
    try:
        return reply_of(answer.choices[0])
    except LabError:
        return Reply("", None, False)
