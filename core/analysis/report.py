"""An evaluation as tables in the terminal: every rate with its interval, n, tie rule and warnings."""

from functools import partial

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.analysis.agreement import Auc
from core.analysis.duels import Duels, position_sentence
from core.analysis.findings import p_words
from core.analysis.results import Details, Evaluation, duel_doubts
from core.judge_card import Check, JudgeCard
from core.statistics.words import interval

percent, signed, plain = (partial(interval, unit=unit) for unit in ("share", "points", "coefficient"))
"""An estimate with its interval, as a share, a difference in points, or a figure with two decimals."""


READER_SAYS = (
    "A reader's score is the log-probability, in nats, that it gives the right option after question and explanation: "
    "whether the explanation leads to the label, not whether it is clear or true."
)
"""What a reader's evaluation is about."""


def show_evaluation(evaluation: Evaluation, found: Details, console: Console) -> None:
    """Print results per variant, win rates between them and what they come to, and what cannot be believed."""
    settings = evaluation.settings
    console.print(evaluation.title, style="bold", markup=False, highlight=False)
    if evaluation.by_reader:
        console.print(READER_SAYS, style="dim")
    console.print(_variants(evaluation))
    console.print(_win_rates(evaluation))
    console.print(
        f"score `{settings.score}`, tie margin {settings.margin:g} {settings.unit}; 95% intervals resample questions "
        f"({settings.resamples} times) and exclude training variance: one training run a variant; p by "
        f"{settings.permutations:,} sign flips, corrected for all pairs of variants (Holm).",
        style="dim",
    )
    for rate in evaluation.win_rates:
        console.print(evaluation.finding(rate).sentence, markup=False, highlight=False)
    if evaluation.win_rates:
        _show_models(found, console)
    show_card_line(evaluation.card, console)
    for caution in evaluation.cautions:
        console.print(caution, style="yellow", markup=False, highlight=False)
    if evaluation.reader_auc:
        console.print(_believed(auc_sentence("reader", evaluation.reader_auc), evaluation.reader_auc))
    for a, b in evaluation.identical:
        said = f"{a} and {b} gave identical responses: was an adapter not loaded?"
        console.print(said, style="bold red", markup=False, highlight=False)


def show_card_line(card: JudgeCard, console: Console) -> None:
    """Print a judge card in short: the line, and what each failed check is about."""
    console.print(card.line, style="" if card.reliable else "bold yellow", highlight=False, markup=False)
    for check in card.failed:
        style = "yellow" if check.hard else "dim"
        said = f"  {check.title}: {card.figure(check.figure).sentence}"
        console.print(said, style=style, highlight=False, markup=False)


def show_card(card: JudgeCard, console: Console) -> None:
    """Print a judge card whole: counts, figures with their checks, criteria, other judges, what to do."""
    console.print(f"{card.name} ({card.mode}, rubric {card.rubric})", markup=False, style="bold")
    console.print(counts_sentence(card), highlight=False)
    show_card_line(card, console)
    checks = {check.figure: check for check in card.checks}
    table = Table("figure", "value (95%)", "n", "check", box=None, header_style="bold", pad_edge=False)
    for figure in card.figures:
        value = interval(figure.estimate, figure.unit)
        table.add_row(figure.title, escape(value), str(figure.estimate.n), check_word(checks.get(figure.name)))
    console.print(table)
    console.print(_criteria(card))
    for peer in card.peers:
        shared = f"n = {peer.correlation.n} questions, {peer.explanations:,} explanations"
        console.print(f"{peer.name} ({peer.mode}): ρ {plain(peer.correlation)}, {shared}.", markup=False)
    for figure in card.figures:
        if figure.estimate.value is None:
            console.print(figure.sentence, style="dim", highlight=False, markup=False)
    for check in card.failed:
        console.print(f"{check.title} (allowed: {check.rule}): {check.remedy}", highlight=False, markup=False)


def _criteria(card: JudgeCard) -> Table:
    heads = ("criterion", "most frequent verdict", "unread", "entropy", "same again", "κ with people")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for c in card.criteria:
        most = "–" if c.most is None else f"{c.most} {percent(c.same_verdict)}"
        people = f"{plain(c.people)} ({c.ratings} ratings)" if c.ratings else "–"
        figures = (str(c.unread), plain(c.entropy), percent(c.self_agreement), people)
        table.add_row(*(escape(text) for text in (c.criterion, most, *figures)))
    return table


def check_word(check: Check | None) -> str:
    """How a check came out, in a cell: what is wrong where it fails."""
    if check is None:
        return ""
    return check.verdict if check.verdict != "fail" else f"fail: {check.title}" + ("" if check.hard else " (warns)")


def counts_sentence(card: JudgeCard) -> str:
    """How many explanations the card is about, and how many have no score."""
    left_out = f", {card.left_out:,} ratings by people on other scales left out" if card.left_out else ""
    return (
        f"Asked about {card.asked:,} explanations in {len(card.runs)} runs: {card.unparsed:,} replies cannot be read, "
        f"{card.unjudged:,} have no score; {card.by_rule:,} empty ones judged by rule and in no figure{left_out}."
    )


def auc_sentence(who: str, auc: Auc) -> str:
    """What the AUC of a judge or reader between right and wrong explanations lets one believe."""
    figure = auc_words(auc)
    if auc.value is None:
        return f"The {who}'s {figure}."
    if auc.at_chance:
        return f"This {who} cannot be distinguished from chance: {figure}. Do not believe rankings by its score."
    if auc.inverted:
        return f"This {who} prefers wrong explanations: {figure}. Do not believe rankings by its score."
    return f"The {who} tells right from wrong better than chance: {figure}."


def auc_words(auc: Auc) -> str:
    """An AUC between right and wrong explanations with its interval and counts, or that it is undefined."""
    if auc.value is None:
        return f"AUC is undefined: {auc.undefined}"
    return (
        f"AUC {auc.value:.2f} (95% {auc.low:.2f} … {auc.high:.2f}) between {auc.right} right and {auc.wrong} wrong "
        f"explanations within {auc.questions} questions and their variants ({auc.left_out} without both say nothing)"
    )


def _believed(sentence: str, auc: Auc) -> str:
    return f"[yellow]{sentence}[/]" if auc.at_chance or auc.inverted else sentence


def _variants(evaluation: Evaluation) -> Table:
    heads = (
        "variant",
        "n",
        "accuracy (parsed)",
        "accuracy (forced)",
        "unparsed",
        "empty",
        "tokens",
        "score",
        "unjudged",
    )
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for r in evaluation.results:
        shares = (r.accuracy_parsed, r.accuracy_forced, r.unparsed, r.empty)
        numbers = [percent(share) for share in shares] + [interval(r.tokens), plain(r.score), str(r.unjudged)]
        table.add_row(r.label, str(r.questions), *numbers)
    return table


def _win_rates(evaluation: Evaluation) -> Table:
    heads = ("pair", "n", "win", "tie", "loss", "sample pairs", "Δ(W−L), points", "p (Holm)")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for rate in evaluation.win_rates:
        shares = [f"{100 * x.value:.1f}%" if x.value is not None else "–" for x in (rate.win, rate.tie, rate.loss)]
        counts = f"{rate.wins}/{rate.ties}/{rate.losses}"
        delta, p = signed(rate.delta), p_words(rate.p_holm)
        table.add_row(f"{rate.a} against {rate.b}", str(rate.n), *shares, counts, delta, p)
    return table


def _show_models(found: Details, console: Console) -> None:
    """Strengths of all variants, and win rates at equal length."""
    table = Table("variant", "Bradley–Terry log-strength", box=None, header_style="bold", pad_edge=False)
    if found.strengths:
        for label, strength in zip(found.strengths.labels, found.strengths.strengths, strict=True):
            table.add_row(label, plain(strength))
    console.print(table)
    heads = ("pair", "win rate (ties ½)", "at equal length (ours)", "length ratio", "")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for (a, b), length in found.lengths.items():
        ratio = "–" if length.ratio is None else f"{length.ratio:.2f}"
        note = length.controlled.note or ""
        table.add_row(f"{a} against {b}", percent(length.plain), percent(length.controlled), ratio, note)
    console.print(table)


def show_parts(found: Details, console: Console) -> None:
    """Print win, tie and loss and Δ(W−L) by criterion and by category of the second variant."""
    heads = ("pair", "on", "n", "win", "tie", "loss", "Δ(W−L), points", "")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for part in (*found.by_criterion, *found.by_category):
        shares = ["–" if share is None else f"{100 * share:.1f}%" for share in (part.win, part.tie, part.loss)]
        pair, note = f"{part.a} against {part.b}", part.delta.note or ""
        table.add_row(*map(escape, (pair, part.part)), str(part.delta.n), *shares, signed(part.delta), note)
    console.print(table)


def show_head_to_heads(found: list[Duels], evaluations: list[Evaluation], console: Console) -> None:
    """Print head-to-head runs: who wins, with interval and tie rule, how much the place decided, whom to believe."""
    heads = ("head to head", "judge", "n", "pairs", "win", "tie", "loss", "Δ(W−L), points", "flips", "unjudged")
    table = Table(*heads, box=None, header_style="bold", pad_edge=False)
    for duels in found:
        f = duels.figures
        shares = [percent(share) for share in (f.win, f.tie, f.loss)]
        counts = [str(f.n), str(f.judged)]
        judge = f"{duels.judge_name} ({duels.mode}, {duels.criterion})"
        pair = f"{duels.a} against {duels.b}"
        table.add_row(
            *map(escape, (pair, judge)), *counts, *shares, signed(f.delta), percent(f.flip_rate), str(f.unjudged)
        )
    if found:
        console.print(table)
    for rule in dict.fromkeys(duels.tie_rule for duels in found):
        console.print(f"{rule} 95% intervals resample questions and exclude training variance.", style="dim")
    for duels in found:
        console.print(f"{duels.a} against {duels.b}: {position_sentence(duels.figures)}", markup=False, style="dim")
        if duels.smaller:
            console.print(f"  {duels.smaller}", markup=False, style="yellow", highlight=False)
        if doubts := duel_doubts(duels.run, evaluations):
            console.print(f"  {duel_warning(doubts)}", markup=False, style="bold yellow")


def duel_warning(doubts: list[str]) -> str:
    """What doubts of `duel_doubts` come to; holds no text of a model or a person."""
    return f"Do not believe these wins: {', '.join(doubts)}."
