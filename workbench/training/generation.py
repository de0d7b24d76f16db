"""A sample of the text that a language model writes, after each epoch.

The tokens are drawn by a generator of their own, so that training gives the same bits with and without samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from workbench.data.tokens import PAD, UNKNOWN
from workbench.runs.events import TextGenerated
from workbench.settings.generation import ContinuedText
from workbench.settings.preset import Preset
from workbench.training.job import Job

MOST_SECONDS = 5.0
"""A sample that takes longer is cut: training waits for it."""


@runtime_checkable
class Tokenizer(Protocol):
    """An encoding that knows which text its ids stand for."""

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""

    def text(self, ids: Iterable[int]) -> str:
        """The text of ids."""


class TextSampler:
    """Lets a job's model write."""

    def __init__(self, job: Job, tokenizer: Tokenizer, settings: ContinuedText) -> None:
        self._job, self._tokenizer, self._settings = job, tokenizer, settings
        self._context = job.input_shape[0]
        self._prompt = [each for each in tokenizer.ids([settings.prompt])[0] if each != PAD] if settings.prompt else []
        self._first = int(job.sample[0].flatten()[0])

    @classmethod
    def of(cls, job: Job) -> TextSampler | None:
        """The sampler of a job; None where it continues no text, or its preset wants no samples."""
        settings = settings_of(job.preset)
        if not job.task.predicts_tokens or not settings.sample_tokens or not isinstance(job.encoding, Tokenizer):
            return None
        return cls(job, job.encoding, settings)

    def sample(self, step: int, epoch: int) -> TextGenerated:
        """What the model writes now. The same weights, settings and epoch always give the same text, unless it is cut
        for the time that it takes."""
        began, model = time.perf_counter(), self._job.model
        generator = torch.Generator().manual_seed((self._job.preset.training.seed + epoch) % 2**63)
        given, was_training = self._prompt or [self._first], model.training
        model.eval()
        try:
            with torch.inference_mode():
                ids = continued(
                    given,
                    self._scores,
                    self._context,
                    self._settings,
                    generator,
                    in_time=lambda: time.perf_counter() - began <= MOST_SECONDS,
                )
        finally:
            model.train(was_training)
        prompt, text = texts_of(self._tokenizer, ids, len(given))
        seconds = round(time.perf_counter() - began, 4)
        return TextGenerated(step=step, epoch=epoch, prompt=prompt, text=text, seconds=seconds)

    def _scores(self, ids: list[int]) -> Tensor:
        seen = torch.tensor([ids], device=self._job.device)
        with self._job.precision.autocast():
            scores: Tensor = self._job.model(seen)[0, :, -1]
        return scores.float().cpu()


def continued(
    given: Sequence[int],
    scores: Callable[[list[int]], Tensor],
    context: int,
    settings: ContinuedText,
    generator: torch.Generator,
    *,
    in_time: Callable[[], bool] = lambda: True,
) -> list[int]:
    """The ids that are given and those that a model continues them by, as the settings say.

    scores: of the next token after some ids, float32 (vocabulary,) on the host; context: the most ids that it takes.
    in_time: whether a token that was drawn is still in time. Fewer are drawn where it is not, or where scores are not
    numbers.
    """
    ids = list(given)
    for _ in range(settings.sample_tokens):
        chosen = choose(scores(ids[-context:]), settings.temperature, settings.top_k, generator)
        if chosen is None or not in_time():
            break
        ids.append(chosen)
    return ids


def texts_of(tokenizer: Tokenizer, ids: list[int], given: int) -> tuple[str, str]:
    """The text of the first `given` ids, and that of those which continue them."""
    prompt = tokenizer.text(ids[:given])
    # Together: what belongs to a token, such as the blank before a word, may depend on the one before it.
    text = tokenizer.text(ids)
    return prompt, text[len(prompt) :] if text.startswith(prompt) else tokenizer.text(ids[given:])


def settings_of(preset: Preset) -> ContinuedText:
    """The settings of samples; the defaults for a data function of the user's own, which has none."""
    return preset.data if isinstance(preset.data, ContinuedText) else ContinuedText()


def choose(scores: Tensor, temperature: float, top_k: int, generator: torch.Generator) -> int | None:
    """Draws a token by its scores (vocabulary,), float32 on the host; never padding or unknown.

    temperature: the scores are divided by it, 0 takes the highest; top_k: only so many of the highest take part, 0
    for all. None where the scores are not numbers.
    """
    scores = scores.clone()
    scores[[PAD, UNKNOWN]] = -torch.inf
    if not bool(scores[UNKNOWN + 1 :].isfinite().any()) or bool(scores.isnan().any()):
        return None
    if temperature == 0:
        return int(scores.argmax())
    if 0 < top_k < len(scores):
        scores[scores < scores.topk(top_k).values[-1]] = -torch.inf
    # Less the highest: or a low temperature would make numbers that are too large.
    probabilities = ((scores - scores.max()) / temperature).exp()
    return int(torch.multinomial(probabilities, 1, generator=generator))
