"""What has to be said where figures of variants stand, whatever the figures are.

cautions(store.home, evaluation.samples)        # sentences; they hold labels, which people wrote
"""

from collections.abc import Mapping

from core.home import Home
from core.models.sizes import smaller_judge
from core.runs.exposure import exposure
from core.runs.folders import FROM_BEFORE, RunConfig, run_at
from core.statistics.words import listed


def cautions(home: Home, samples: Mapping[str, str]) -> list[str]:
    """Variants that were asked what they were trained on, and those whose template is no part of their identity.

    samples: variant label → its sample run.
    """
    configs = {label: folder.config for label, run in samples.items() if (folder := run_at(home, run))}
    said = [f"{label}: {seen.sentence}." for label, config in configs.items() if (seen := exposure(home, config))]
    before = [label for label, config in configs.items() if config.from_before]
    return said + ([f"{listed(before)}: these samples are {FROM_BEFORE}."] if before else [])


def smaller_referee(home: Home, run: str) -> str | None:
    """A sentence where the judge of a head-to-head run is smaller than a variant that it compares."""
    folder = run_at(home, run)
    return _smaller(home, folder.config) if folder else None


def _smaller(home: Home, config: RunConfig) -> str | None:
    sides = [run_at(home, config.parents[side]) for side in ("samples_a", "samples_b")]
    return smaller_judge(config.model, [side.config.model for side in sides if side])
