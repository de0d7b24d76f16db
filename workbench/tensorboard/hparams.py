"""Settings and metrics of a run as TensorBoard's HParams page reads them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from workbench.files import read_small
from workbench.metrics import headline_metrics, metrics_for
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Prepared
from workbench.runs.preset_text import flattened
from workbench.tensorboard.packages import without_pytorch

with without_pytorch():
    from tensorboardX.proto.api_pb2 import Status
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboardX.summary import hparams

Setting = str | float | bool
NOT_SETTINGS = ("name", "description", "loop")
END_TAG = "_hparams_/session_end_info"


def settings_of(run: RunDirectory) -> dict[str, Setting]:
    """The run's settings by path; a list as text. Empty where its preset cannot be read."""
    try:
        settings: dict[str, Any] = flattened(tomllib.loads(read_small(run.preset)))
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        path: value if isinstance(value, (str, bool, int, float)) else ", ".join(map(str, value))
        for path, value in settings.items()
        if path not in NOT_SETTINGS and isinstance(value, (str, bool, int, float, tuple))
    }


def metric_tags(prepared: Prepared) -> list[str]:
    """The tags of the metrics by which runs are compared: of the validation split, else of training, and of the test.

    They are the tags of curves, so that TensorBoard finds the values. Empty for a loop that does not tell its splits
    before: see `reported_tags`.
    """
    if prepared.validation_samples is None:
        return []
    main = [each.name for each in headline_metrics(prepared.monitor)]
    names = [each.name for each in metrics_for(prepared.task, len(prepared.classes) or 1) if each.name in main]
    names = names or [prepared.monitor]
    split = "validation" if prepared.validation_samples else "train"
    return [f"{name}/{split}" for name in names] + [f"{name}/test" for name in names if prepared.test_samples]


def reported_tags(tags: Iterable[str]) -> list[str]:
    """The tags of the metrics by which runs of a user's own loop are compared.

    tags: what epochs and tests have reported, of which those of training count where validation has none.
    """
    reported = list(tags)
    return [tag for tag in reported if f"{tag.removesuffix('/train')}/validation" not in reported]


def session_summary(settings: Mapping[str, Setting]) -> Summary:
    """The settings of a run; it stands at the run's start."""
    _, session, _ = hparams(dict(settings), {})
    return session


def columns_summary(
    settings: Mapping[str, Setting], tags: Iterable[str], of_others: Mapping[str, Setting] = MappingProxyType({})
) -> Summary:
    """Which settings and metrics the page shows. Without it, TensorBoard takes all scalars for metrics.

    of_others: settings of the runs that are shown beside it: TensorBoard takes its columns from one run alone.
    """
    experiment, _, _ = hparams({**of_others, **settings}, dict.fromkeys(tags, 0.0))
    return experiment


def end_summary(*, is_good: bool) -> Summary:
    """What stands at its end."""
    status = Status.Value("STATUS_SUCCESS" if is_good else "STATUS_FAILURE")
    content = HParamsPluginData(session_end_info=SessionEndInfo(status=status), version=0).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content)
    return Summary(value=[Summary.Value(tag=END_TAG, metadata=SummaryMetadata(plugin_data=plugin))])
