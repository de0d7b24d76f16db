"""A sample of the text that a language model writes, after each epoch.

The tokens are drawn by a generator of their own, so that training gives the same bits with and without samples.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
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
        ids = list(self._prompt or [self._first])
        given, was_training = len(ids), model.training
        model.eval()
        try:
            with torch.inference_mode():
                for _ in range(self._settings.sample_tokens):
                    chosen = self._next(ids, generator)
                    if chosen is None or time.perf_counter() - began > MOST_SECONDS:
                        break
                    ids.append(chosen)
        finally:
            model.train(was_training)
        prompt = self._tokenizer.text(ids[:given])
        # Together: what belongs to a token, such as the blank before a word, may depend on the one before it.
        text = self._tokenizer.text(ids)
        text = text[len(prompt) :] if text.startswith(prompt) else self._tokenizer.text(ids[given:])
        seconds = round(time.perf_counter() - began, 4)
        return TextGenerated(step=step, epoch=epoch, prompt=prompt, text=text, seconds=seconds)

    def _next(self, ids: Sequence[int], generator: torch.Generator) -> int | None:
        """The next token of a text; None where the model's scores are not numbers."""
        seen = torch.tensor([ids[-self._context :]], device=self._job.device)
        with self._job.precision.autocast():
            scores = self._job.model(seen)[0, :, -1]
        return choose(scores.float().cpu(), self._settings.temperature, self._settings.top_k, generator)


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
