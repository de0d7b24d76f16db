"""Texts to be continued: what a language model writes after each epoch, so that people see it learn to spell."""

from __future__ import annotations

from workbench.settings.base import ANY, setting
from workbench.settings.data_choice import DataChoice


class ContinuedText(DataChoice):
    """A source of text whose every next token is predicted."""

    sample_tokens: int = setting(
        200,
        "tokens that the model writes after each epoch, to be read; 0 for none",
        unit="tokens",
        step=50,
        empty="off",
        ge=0,
        le=2000,
    )
    temperature: float = setting(
        0.8,
        "sampling temperature: 1 draws from the model's probabilities, below 1 favours likely tokens, 0 is greedy",
        step=0.1,
        empty="greedy",
        only_if={"sample_tokens": ANY},
        ge=0,
        le=10,
    )
    top_k: int = setting(
        0,
        "draws from this many of the most likely tokens only; 0: from all",
        step=10,
        empty="all",
        only_if={"sample_tokens": ANY, "temperature": ANY},
        ge=0,
        le=1_000_000,
    )
    prompt: str = setting(
        "",
        "the text that it continues; empty: it begins with the first token of the training text",
        empty="first token",
        only_if={"sample_tokens": ANY},
    )


GENERATION_SETTINGS = frozenset(ContinuedText.model_fields) - frozenset(DataChoice.model_fields)
"""Names of the settings that say what is written after an epoch; they change nothing in what is learned."""
