"""Another judge for responses that are there: judge runs over the same sample runs, and never a sample run.

    configs = judge_again(home, evaluation.samples, JudgeSettings(mode="written"), use)
    for config in configs: launch(home, config)         # asked for twice it is the same run

What it costs is the judging alone; the new judge stands beside the old one on the Judges page.
"""

from collections.abc import Mapping

from core.home import Home
from core.models.variants import require_reachable
from core.runs.folders import ModelUse, RunConfig, RunFolder
from core.runs.plan import run_config
from core.settings import JudgeSettings


def judge_again(home: Home, samples: Mapping[str, str], settings: JudgeSettings, use: ModelUse) -> list[RunConfig]:
    """A judge run to be for each variant; samples: variant label → its sample run (`Evaluation.samples`)."""
    configs = []
    for label, run in samples.items():
        dataset = RunFolder(home.runs / run).config.parents["dataset"]
        configs.append(run_config("judge", label, settings, {"dataset": dataset, "samples": run}, use))
    require_reachable(home, configs)
    return configs
