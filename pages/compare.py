"""Compare: accuracy and win rates of every two variants, with n, tie rule and intervals."""

import pandas as pd
import streamlit as st

from app.address import held
from app.charts.comparison import quality_and_accuracy
from app.compare.duels import head_to_head
from app.compare.parts import chosen_pair, elsewhere, findings, models, taken_apart, win_rates
from app.compare.questions import questions
from app.figures import download, picture
from app.judges.card import believe
from app.navigation import DEMO, nothing_yet
from app.state import Lab, details, lab, results
from app.tables import grid
from app.widgets import choice, header, plain
from core.analysis.figures import variant_rows
from core.analysis.results import Evaluation
from core.settings import CompareSettings
from core.statistics.words import interval, number
from core.store.queries import variants_of


def chosen_settings() -> CompareSettings:
    """Score and tie margin that decide a win."""
    left, right = st.columns(2)
    with left:
        score = choice("Score that decides", ["expected", "total"], key="score")
    default = CompareSettings(score=score).margin
    with right:
        margin = st.number_input(
            "Tie margin, in score points",
            min_value=0.0,
            max_value=15.0,
            step=0.1,
            help="Two explanations whose scores differ by at most this much tie.",
            **held(f"margin_{score}", default, lambda margin: 0 <= margin <= 15),
        )
    return CompareSettings(score=score, tie_margin=margin)


def accuracy(evaluation: Evaluation) -> None:
    """Accuracy, form and score of each variant as a table."""
    grid(
        [
            {
                "variant": r.label,
                "questions": r.questions,
                "right (parsed)": interval(r.accuracy_parsed, "share"),
                "right (forced)": interval(r.accuracy_forced, "share"),
                "mean score": interval(r.score),
                "unparsed": number(r.unparsed.value, "share"),
                "empty": number(r.empty.value, "share"),
                "tokens": number(r.tokens.value),
                "responses": r.explanations,
                "unjudged": r.unjudged,
            }
            for r in evaluation.results
        ],
        key="accuracy",
        first=["variant", "mean score", "right (forced)", "questions"],
    )
    st.caption(
        "`parsed`: the answer line alone, unreadable is wrong. `forced`: where no answer can be read, option "
        "probabilities decide. In brackets 95% intervals over questions; they exclude training variance, since each "
        "variant is one training run."
    )
    download(lambda: pd.DataFrame(variant_rows(evaluation)), "variants")


def variants(here: Lab, evaluation: Evaluation) -> None:
    """What each variant is: its base and the trainings whose adapters are merged into it, in order."""
    known = _variants(here, here.sealed, list(evaluation.samples.values()))
    labels = {run: label for label, run in evaluation.samples.items()}
    with st.expander("What the variants are"):
        if known.empty:
            st.caption("Explanations written elsewhere: the lab knows no weights behind them.")
            return
        grid(
            [
                {
                    "variant": labels[row.samples],
                    "base": f"{row.base} ({row.base_source})",
                    "adapters, in order": " → ".join(row.chain) if len(row.chain) else "none",
                    "adapter hashes": " → ".join(h[:12] for h in row.adapter_hashes) if len(row.chain) else "",
                    "base hash": row.base_hash[:12],
                }
                for row in known.itertuples()
            ],
            key="chains",
        )


@st.cache_data(max_entries=16, show_spinner=False)
def _variants(_here: Lab, sealed: str, samples: list[str]) -> pd.DataFrame:
    return variants_of(_here.store, samples)


def quality(evaluation: Evaluation, baseline: str) -> None:
    """Quality against accuracy, and what may be said of each variant."""
    settings = evaluation.settings
    st.subheader("Is one variant better, and is its accuracy kept?", anchor=False)
    if evaluation.win_rates:
        findings(evaluation, baseline)
    picture(
        quality_and_accuracy(evaluation.results, settings.right_by, settings.score),
        key="plane",
        alt="Accuracy and mean score of each variant",
    )
    accuracy(evaluation)


def baseline_of(evaluation: Evaluation) -> str:
    """The variant that the others are held against: base where there is one."""
    labels = sorted(evaluation.samples, key=lambda label: label != "base")
    return choice("Baseline", labels, key="baseline")


here = lab()
header("Compare", "Is one variant better than another, by how much, and how sure is that?")
settings = chosen_settings()
found = results(settings)
if not found:
    nothing_yet("Nothing to compare yet", "Run the demo from the Overview: it samples and judges four variants.", DEMO)
else:
    by_key = {evaluation.key: evaluation for evaluation in found}
    left, right = st.columns([3, 1])
    with left:
        key = choice("Evaluation", list(by_key), key="evaluation", format_func=lambda k: by_key[k].title)
    evaluation = by_key[key]
    with right:
        baseline = baseline_of(evaluation)
    believe(evaluation)
    for a, b in evaluation.identical:
        st.error("Two variants gave the same responses to the byte: was an adapter not loaded?")
        plain(f"{a} and {b}")
    quality(evaluation, baseline)
    variants(here, evaluation)
    if evaluation.win_rates:
        win_rates(evaluation, baseline)
        apart = details(evaluation)
        rate = chosen_pair(evaluation)
        taken_apart(evaluation, apart, rate)
        questions(here, evaluation, rate, list(dict.fromkeys(part.part for part in apart.by_criterion)))
        elsewhere(found, rate)
        models(apart)
    else:
        st.caption("One variant alone cannot be compared: sample and judge another with the same settings.")
    head_to_head(here, evaluation, found)
