"""A command line as an object, and the options that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.cli.names import COMMANDS
from workbench.errors import UsageError
from workbench.suggestion import closest


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """One command line, of `workbench` itself or of a command that trains. Raises UsageError for a contradiction."""

    opened: str | None = None
    """The preset to open in the app."""
    preset: str | None = None
    """The preset to train."""
    overrides: tuple[str, ...] = ()
    """`key.path=value`, one for each --set."""
    dry_run: bool = False
    json_output: bool = False
    quiet: bool = False
    runs_dir: Path | None = None
    studies_dir: Path | None = None
    resume: str | None = None
    """The run to resume."""
    save_as: str | None = None
    trust_code: bool = False
    list_what: str | None = None
    explain: str | None = None
    schema: bool = False
    attach: str | None = None
    """The run to open the app on; empty for the latest that is in progress."""
    ascii_only: bool | None = None
    """Whether the app draws in plain ASCII; None: as the terminal seems to need it."""
    low_bandwidth: bool = False
    together: bool | None = None
    """Whether folds are trained together or one by one; None: the faster way."""
    profile: int | None = None
    """The number of steps to profile."""
    tensorboard: Path | None = None
    """The log folder of TensorBoard."""

    @property
    def is_question(self) -> bool:
        """Whether it asks what can be chosen; all other options are then ignored."""
        return self.list_what is not None or self.explain is not None or self.schema

    @property
    def opens_app(self) -> bool:
        """Whether it opens the app, rather than train or answer a question."""
        return not self.is_question and self.preset is None and self.resume is None

    def __post_init__(self) -> None:
        if not self.is_question and (problem := self._contradiction()):
            raise UsageError(problem)

    def _contradiction(self) -> str:
        """The contradiction between the options; empty if there is none."""
        from workbench.runs.control import MOST_PROFILE_STEPS

        if self.opened in COMMANDS:
            return (
                f"{self.opened} is a command, and a command comes first: workbench {self.opened}. "
                f"A preset of that name is opened by its path: workbench ./{self.opened}.toml"
            )
        if self.opens_app:
            headless = self.dry_run or self.json_output or self.save_as or self.quiet or self.profile is not None
            headless = headless or self.together is not None or self.tensorboard is not None
            if headless and self.opened and (problem := misspelt_command(self.opened)):
                return problem
            return "which preset? Give one with --preset; `workbench --list presets` shows them" if headless else ""
        if self.profile is not None and not 1 <= self.profile <= MOST_PROFILE_STEPS:
            return f"--profile takes a number of steps, from 1 to {MOST_PROFILE_STEPS}"
        if self.profile is not None and (self.dry_run or self.save_as):
            return "--profile needs a training run: --dry-run and --save-as start none"
        if self.tensorboard is not None and (self.dry_run or self.save_as):
            return "--tensorboard needs a training run: --dry-run and --save-as start none"
        if self.resume is not None and (
            self.preset or self.overrides or self.dry_run or self.save_as or self.together is not None
        ):
            return "--resume continues a run as it was; it takes no --preset, --set, --dry-run, --save-as, --together"
        if self.opened is not None or self.attach is not None:
            option = "--preset trains" if self.resume is None else "--resume continues a run"
            return f"{option} without the app; to open the app, give the preset's name alone"
        return ""


def misspelt_command(word: str) -> str:
    """The command that a first word was probably meant for, as an error; empty if it is like none."""
    found = closest(word, COMMANDS)
    return f"there is no command {word!r}; did you mean {found}?" if found else ""
