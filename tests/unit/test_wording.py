"""Words that app and headless training share."""

from __future__ import annotations

from typing import get_args, get_type_hints

from workbench.settings.runtime import Runtime
from workbench.wording import loading_words


def test_each_way_of_loading_data_is_written_in_words() -> None:
    choices = {*get_args(get_type_hints(Runtime)["data_loading"])} - {"auto"}
    assert {choice: loading_words(choice) for choice in choices} == {
        "on_device": "kept on the device",
        "dataloader": "read by a DataLoader",
    }


def test_a_value_of_a_later_version_is_shown_as_it_is() -> None:
    assert loading_words("streamed") == "streamed"
