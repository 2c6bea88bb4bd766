"""Whether the fast paths give what the library gives on a model: asked once, before either is used.

    agrees(model, encode, pad, "sdpa")      # True: decoding and choosing may be used

The probes are hard on purpose: prompts that share a long beginning and go on in different lengths, several rows each,
rows that are dropped on the way, a trie within the trie, a prefix that a second call finds at hand, and prompts that
share nothing.  An architecture that drops the shared prefix, counts positions from its cache or places its biases by
the order in the cache differs on them by far more than rounding does.  What no probe of bearable length would show (a
window, an embedding of positions that changes with the length of a pass) is read off the configuration.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from core.engines.choosing import PrefixReader, Tokens
from core.engines.decoding import GROUPED, Batch

log = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""How far log-probabilities of a fast path may be from the plain ones in fp32."""

ROUNDINGS = 2.0
"""How far they may be in a shorter dtype, in differences of the library's own attentions from one another."""

SHARED = (
    "A question follows. Say first, in two or three whole sentences, what speaks for the answer and what speaks "
    "against each of the others; then write the answer in a line of its own, and after that nothing more."
)
"""What the first probes begin with."""

TAILS = (
    "Why?",
    "What is a window made of, and why of that?",
    "What is a window made of, where it must hold against a storm?",
)
"""What they go on with: two of them share a further part."""

APART = ("The capital of France is", "One, two, three, four,")
"""Probes that share nothing."""

LENGTHS = (24, 12)
"""Most tokens of the shared part, and of what follows it: short vocabularies need many for a sentence."""

STEPS = 2
"""Tokens that are read after each probe."""

WINDOWS = (
    *("sliding_window", "window_size", "attention_window", "attention_chunk_size", "keep_window_size"),
    *("index_topk", "index_topk_blocks"),
)
"""Settings of architectures in which a token does not see all tokens before it."""

BY_LENGTH = ("dynamic", "longrope")
"""Rotary embeddings that change with the longest sequence of a pass: rows would depend on what they are read with."""


def agrees(model: PreTrainedModel, encode: Callable[[str], Tokens], pad: int, plain_attention: str) -> bool:
    """Whether the fast paths give the library's log-probabilities on the probes, up to rounding.

    Leaves the model with the attention of the fast paths.  Raises whatever an architecture raises that has no place
    for them.
    """
    groups = [shared_probes(encode), [encode(text) for text in APART]]
    model.set_attn_implementation(GROUPED)
    fast = [one for group in groups for one in (*_decoded(model, group, pad), *_chosen(model, group))]
    model.set_attn_implementation(plain_attention)
    plain = _read_plainly(model, [text for text, _ in fast])
    allowed = _tolerance(model, plain, plain_attention)
    model.set_attn_implementation(GROUPED)
    return all(log_probabilities_apart(logits, plain[text]) < allowed for text, logits in fast)


def shared_probes(encode: Callable[[str], Tokens]) -> list[Tokens]:
    """Token sequences with a long common beginning and ends of different lengths."""
    most, rest = LENGTHS
    begun = encode(SHARED)[:most]
    return [begun + encode(f" {tail}")[: rest - 3 * place] for place, tail in enumerate(reversed(TAILS))]


Found = list[tuple[Tokens, torch.Tensor]]
"""Sequences, each with logits of the token after it, (vocabulary,); one may be there several times."""


@torch.inference_mode()
def _decoded(model: PreTrainedModel, prompts: Sequence[Tokens], pad: int) -> Found:
    """Logits along rows that go on with the tokens of their prompts; one of the first prompt's two is dropped."""
    of_row = [0, *range(len(prompts))]
    texts = [prompts[place] for place in of_row]
    batch = Batch.prefill(model, pad, prompts, of_row, STEPS)
    found = list(zip(texts, batch.logits, strict=True))
    for step in range(STEPS):
        kept = batch.keep([step == 0 or row > 0 for row in range(len(texts))])
        texts = [texts[row] + texts[row][step : step + 1] for row in kept]
        batch.step(model, torch.tensor([text[-1] for text in texts], device=model.device))
        found += zip(texts, batch.logits, strict=True)
    return found


def _chosen(model: PreTrainedModel, prompts: Sequence[Tokens]) -> Found:
    """Logits by the trie: of all prompts and beginnings of their ends, then of two with the prefix still at hand."""
    reader = PrefixReader(model)
    inner = [prompt[:-1] for prompt in prompts if len(prompt) > 1]
    return [*reader.logits([*prompts, *inner]).items(), *reader.logits(prompts[:2]).items()]


@torch.inference_mode()
def _read_plainly(model: PreTrainedModel, texts: Sequence[Tokens]) -> dict[Tokens, torch.Tensor]:
    """Sequence → logits of the token after it: the library's, a sequence a pass; beginnings are read off its pass."""
    wanted, found = set(texts), {}
    for text in sorted(wanted, key=len, reverse=True):
        if text not in found:
            logits = model(input_ids=torch.tensor([text], device=model.device)).logits[0]
            begun = {text[: place + 1]: row for place, row in enumerate(logits) if text[: place + 1] in wanted}
            found = begun | found
    return found


def _tolerance(model: PreTrainedModel, plain: Mapping[Tokens, torch.Tensor], plain_attention: str) -> float:
    """`TOLERANCE`, or what rounding alone does: how far the library's eager and sdpa attention are apart.

    `plain`: logits by the attention that the library has chosen.
    """
    if model.dtype == torch.float32:
        return TOLERANCE
    model.set_attn_implementation("sdpa" if plain_attention == "eager" else "eager")
    other = _read_plainly(model, list(plain))
    return ROUNDINGS * max(log_probabilities_apart(logits, other[text]) for text, logits in plain.items())


def cache_serves(model: PreTrainedModel, encode: Callable[[str], Tokens], plain_attention: str) -> bool:
    """Whether the model goes on from its own cache as it does from the whole text: some keep none, some misplace it."""
    text = shared_probes(encode)[0]
    begun = [text[:length] for length in range(len(text) - STEPS, len(text) + 1)]
    try:
        stepped = _stepped(model, text)
    except Exception as error:  # whatever an architecture raises: it is read as a whole then
        log.warning("This model does not go on from its cache: %s", error)
        return False
    if stepped is None:
        return False
    plain = _read_plainly(model, begun)
    allowed = _tolerance(model, plain, plain_attention)
    model.set_attn_implementation(plain_attention)
    allowed *= 1.0 if model.dtype == torch.float32 else ROUNDINGS  # a wrong place is no small difference
    return all(log_probabilities_apart(logits, plain[at]) < allowed for at, logits in zip(begun, stepped, strict=True))


@torch.inference_mode()
def _stepped(model: PreTrainedModel, text: Tokens) -> list[torch.Tensor] | None:
    """Logits after all but `STEPS` tokens and after each of those, by the model's own cache; None without one."""
    found, cache = [], None
    for ids in (text[:-STEPS], *((token,) for token in text[-STEPS:])):
        output = model(input_ids=torch.tensor([ids], device=model.device), past_key_values=cache, use_cache=True)
        cache = getattr(output, "past_key_values", None)
        if cache is None:
            return None
        found.append(output.logits[0, -1])
    return found


def attends_in_full(model: PreTrainedModel) -> bool:
    """Whether every layer sees all tokens before, at positions that depend on nothing else.

    The probes are shorter than any window and would not tell.
    """
    if not all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers):
        return False
    config = model.config.get_text_config()
    if any(getattr(config, name, None) for name in WINDOWS):
        return False
    return not any(kind in BY_LENGTH for kind in _rope_kinds(getattr(config, "rope_parameters", None)))


def _rope_kinds(parameters: object) -> Iterator[str]:
    """The `rope_type`s in a configuration's rotary parameters, of which some have one set a kind of layer."""
    if isinstance(parameters, Mapping):
        if isinstance(kind := parameters.get("rope_type"), str):
            yield kind
        for inner in parameters.values():
            yield from _rope_kinds(inner)


def log_probabilities_apart(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference of the log-probabilities that two rows of logits, shape (vocabulary,), stand for."""
    return float((a.float().log_softmax(-1) - b.float().log_softmax(-1)).abs().max())
