"""Says what of a prompt a language model cannot read."""

from __future__ import annotations

from workbench.data.encoding import Encoding
from workbench.data.text_encoding import TextEncoding
from workbench.settings.generation import ContinuedText
from workbench.settings.preset import Preset

MOST_NAMED = 8
"""Unknown tokens that are named."""
MOST_LETTERS = 24
"""Of a named token."""


def prompt_notes(preset: Preset, encoding: Encoding) -> tuple[str, ...]:
    """A note that names the tokens of the prompt which the vocabulary lacks; none where all are known."""
    data = preset.data
    if not isinstance(data, ContinuedText) or not data.sample_tokens or not isinstance(encoding, TextEncoding):
        return ()
    unknown = list(dict.fromkeys(encoding.unknown_tokens(data.prompt)))
    if not unknown:
        return ()
    named = ", ".join(map(_shortened, unknown[:MOST_NAMED]))
    more = f" and {len(unknown) - MOST_NAMED:,} more" if len(unknown) > MOST_NAMED else ""
    return (
        f"data.prompt has tokens that the vocabulary lacks, which the model reads as unknown: {named}{more}; choose a "
        "prompt of what the training text contains",
    )


def _shortened(token: str) -> str:
    return repr(token if len(token) <= MOST_LETTERS else f"{token[: MOST_LETTERS - 1]}…")
