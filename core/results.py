"""The lab's headline numbers: what the Overview, the Compare page and `anchorlab compare` show alike."""

from dataclasses import dataclass

import pandas as pd

from core.agreement import Auc
from core.comparison import VariantResult, WinRate
from core.settings import CompareSettings


@dataclass(frozen=True)
class Evaluation:
    """Variants that answered the same questions in the same way, under one judge."""

    dataset: str
    """Import run of the data set."""
    protocol: str
    """Key of the sample runs that can be compared (same questions, N, prompt, seed)."""
    judge: str
    """Key of the judge (same model, mode, rubric)."""
    judge_name: str
    mode: str
    rows: pd.DataFrame
    results: list[VariantResult]
    win_rates: list[WinRate]
    auc: Auc
    """The judge's AUC between right and wrong explanations, over all variants."""
    reader_auc: Auc | None
    """The same for the reader that ran beside this judge; None without one."""
    settings: CompareSettings

    @property
    def identical(self) -> list[tuple[str, str]]:
        """Variants whose responses are the same to the byte: the sign of an adapter that was not loaded."""
        texts = {label: tuple(group["response_hash"]) for label, group in self.rows.groupby("label", sort=False)}
        labels = list(texts)
        return [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :] if texts[a] == texts[b]]
