"""The preset that a command tunes."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.headless.train import check_trust
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.settings.validation import check_is_one_run


def load_tuned(name_or_path: str, overrides: Sequence[str], trust_code: bool, *, each: Sequence[str] = ()) -> Preset:
    """The preset with its changes, which stands for a single run, and with the user's yes to its code.

    each: further changes, of one `--each`.
    Raises PresetError, UntrustedCodeError.
    """
    preset = library.load(name_or_path).override(overrides, each).with_absolute_paths()
    check_is_one_run(preset.validation)
    check_trust(preset, trust_code)
    return preset
