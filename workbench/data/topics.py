"""The help texts of Python itself, as one long text: 0.7 MB of English prose that is on every machine."""

from __future__ import annotations

from workbench.data.continued_text import Windows, continued_text
from workbench.data.fit_tokens import Tokens
from workbench.data.samples import Samples
from workbench.errors import DataError


def topics(tokens: Tokens, windows: Windows) -> Samples:
    """The topics of Python's `help()` in the order of their names. Raises DataError where this Python has none."""
    return continued_text(topics_text(), tokens, windows)


def topics_text() -> str:
    """All topics, an empty line between two of them. It differs between versions of Python."""
    try:
        from pydoc_data.topics import topics as by_name
    except ImportError as error:
        raise DataError(
            "this Python comes without pydoc_data.topics, the texts of help(), as slim installations do; train on a "
            'text of your own with data.name = "text_file"'
        ) from error
    return "\n\n".join(text.strip() for _, text in sorted(by_name.items()))
