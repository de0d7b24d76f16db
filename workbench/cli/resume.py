"""`workbench resume RUN`: continues a run from its last checkpoint, or a study from where it was."""

from __future__ import annotations

from workbench.cli import parameters
from workbench.cli.command_line import CommandLine
from workbench.cli.exit_codes import end_with
from workbench.cli.hand_over import hand_over
from workbench.errors import UsageError


def resume(
    run: parameters.RunOrStudy,
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
    trust_code: parameters.TrustCode = False,
    profile: parameters.Profile = None,
    tensorboard: parameters.TensorBoard = None,
) -> None:
    """Resume a run from its last checkpoint, or a study from where it was."""

    def continue_it() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune import resume_study
        from workbench.runs.directory import default_runs_folder
        from workbench.tuning.directory import StudyDirectory, default_studies_folder, find_run_or_study, matching

        folders = (runs_dir or default_runs_folder(), studies_dir or default_studies_folder())
        found = matching(run, *folders)
        if any(isinstance(each, StudyDirectory) for each in found):
            study = find_run_or_study(run, *folders)  # refuses a name that others have too
            assert isinstance(study, StudyDirectory)
            options = Options(json_output=json_output, quiet=quiet, trust_code=trust_code, tensorboard=tensorboard)
            return resume_study(study, options)
        try:
            return hand_over(
                CommandLine(
                    resume=run,
                    json_output=json_output,
                    quiet=quiet,
                    runs_dir=runs_dir,
                    trust_code=trust_code,
                    profile=profile,
                    tensorboard=tensorboard,
                )
            )
        except UsageError:
            if not found:
                find_run_or_study(run, *folders)  # says that no study has this name either
            raise

    end_with(continue_it)
