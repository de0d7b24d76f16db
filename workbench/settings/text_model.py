"""Models of texts: they take token ids, which an encoding makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from workbench.errors import PresetError
from workbench.settings.activation import ActivationChoice
from workbench.settings.base import Conditions, setting
from workbench.settings.model_choice import ModelChoice, Width, dropout, what_fits

if TYPE_CHECKING:
    from torch import nn

    from workbench.models.recurrent import Cell

JUDGES_WHOLE_TEXTS: Conditions = {"data.predicts": ("classification", "regression")}


def embedding_width(default: int = 64) -> int:
    """How long the vector of a token is."""
    width: int = setting(default, "length of the vector of each token", step="double", ge=1, le=65_536)
    return width


class TokenModel(ModelChoice):
    """A model of token ids. Padding (id 0) changes nothing in what it returns for the other tokens."""

    takes: ClassVar[str] = "texts"
    """What it takes, in messages."""
    can_be_causal: ClassVar[bool] = False
    """Whether it can predict each next token of a text, from those before it."""

    def build_for_ids(
        self, length: int, vocabulary: int, outputs: int, activation: ActivationChoice, *, causal: bool
    ) -> nn.Module:
        """Builds the network, with weights from torch's global generator.

        length: tokens of a text, padding included; vocabulary: number of ids, padding included. The module maps ids,
        int64 (n, length), to raw scores (n, outputs); causal: to scores (n, outputs, length) of each next token, which
        depend on the tokens up to it alone. Raises PresetError if the model does not fit the data.
        """
        raise NotImplementedError

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        """Raises PresetError: the samples are numbers."""
        shape = " × ".join(map(str, inputs))
        raise PresetError(
            f"model.name = {self.label()!r} takes {self.takes}, but the samples are numbers of shape {shape}; "
            f"{self._what_fits(inputs)}"
        )

    def _what_fits(self, inputs: tuple[int, ...]) -> str:
        """What to choose for samples of this shape."""
        return "choose model.name = 'conv1d' for waveforms, or 'mlp'" if len(inputs) == 2 else what_fits(inputs)


class BagOfEmbeddings(TokenModel):
    """The mean of a text's token vectors, then linear layers: fast, blind to the order of words."""

    name: Literal["bag_of_embeddings"] = "bag_of_embeddings"
    width: int = embedding_width()
    hidden: tuple[Width, ...] = setting(
        (), "widths of the hidden layers; an empty list makes the model linear", empty="linear"
    )
    dropout: float = dropout()

    @property
    def uses_activation(self) -> bool:
        return bool(self.hidden)

    def build_for_ids(
        self, length: int, vocabulary: int, outputs: int, activation: ActivationChoice, *, causal: bool
    ) -> nn.Module:
        from workbench.models import bag_of_embeddings

        return bag_of_embeddings.BagOfEmbeddings(
            vocabulary, outputs, self.width, self.hidden, self.dropout, activation.build
        )


class TextCnn(TokenModel):
    """Parallel convolutions over a text and the maximum of each channel: finds phrases of a few tokens."""

    name: Literal["text_cnn"] = "text_cnn"
    width: int = embedding_width()
    windows: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=1)] = setting(
        (3, 4, 5), "tokens that each of the parallel convolutions sees at once"
    )
    channels: int = setting(100, "channels of each convolution", step="double", ge=1, le=65_536)
    dropout: float = dropout(0.5)

    def build_for_ids(
        self, length: int, vocabulary: int, outputs: int, activation: ActivationChoice, *, causal: bool
    ) -> nn.Module:
        from workbench.models.text_cnn import TextCNN

        return TextCNN(vocabulary, outputs, self.width, self.windows, self.channels, self.dropout, activation.build)


class RecurrentModel(TokenModel):
    """A recurrent network of token ids, or of the frames of a spectrogram (1, bands, frames).

    The gates keep their own sigmoid and tanh; the chosen activation follows the hidden layer.
    """

    takes: ClassVar[str] = "texts or spectrograms"
    can_be_causal: ClassVar[bool] = True
    width: int = embedding_width()
    state: int = setting(128, "size of the hidden state of each direction", step="double", ge=1, le=65_536)
    layers: int = setting(1, "stacked recurrent layers", unit="layers", ge=1, le=64)
    bidirectional: bool = setting(True, "bidirectional; never for a language model", only_if=JUDGES_WHOLE_TEXTS)
    pooling: Literal["mean", "last"] = setting(
        "mean",
        "what stands for a text: the mean over its tokens, or the state after the last one",
        only_if=JUDGES_WHOLE_TEXTS,
    )
    hidden: int = setting(
        64, "width of a fully connected layer before the last; 0 for none", step=64, empty="no layer", ge=0
    )
    dropout: float = dropout()

    @property
    def uses_activation(self) -> bool:
        return bool(self.hidden)

    def build_for_ids(
        self, length: int, vocabulary: int, outputs: int, activation: ActivationChoice, *, causal: bool
    ) -> nn.Module:
        from workbench.models.recurrent import RecurrentTokens

        return RecurrentTokens(
            self._cell,
            vocabulary,
            outputs,
            self.width,
            self.state,
            self.layers,
            self.hidden,
            self.pooling,
            self.dropout,
            activation.build,
            bidirectional=self.bidirectional,
            causal=causal,
        )

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        """A network over the frames of spectrograms (channels, bands, frames). Raises PresetError for other shapes."""
        from workbench.models.recurrent import RecurrentFrames

        if len(inputs) != 3:
            return super().build(inputs, outputs, activation)
        return RecurrentFrames(
            self._cell,
            inputs,
            outputs,
            self.state,
            self.layers,
            self.hidden,
            self.pooling,
            self.dropout,
            activation.build,
            bidirectional=self.bidirectional,
        )

    def _what_fits(self, inputs: tuple[int, ...]) -> str:
        return what_fits(inputs)

    @property
    def _cell(self) -> Cell:
        raise NotImplementedError


class Gru(RecurrentModel):
    """A recurrent network of gated units, token by token: for texts, language models and spectrograms."""

    name: Literal["gru"] = "gru"

    @property
    def _cell(self) -> Cell:
        return "gru"


class Lstm(RecurrentModel):
    """A recurrent network with a long short-term memory, token by token: as gru, a third larger."""

    name: Literal["lstm"] = "lstm"

    @property
    def _cell(self) -> Cell:
        return "lstm"


class Transformer(TokenModel):
    """Layers of attention: an encoder for classes and numbers, causal for language models."""

    can_be_causal: ClassVar[bool] = True
    name: Literal["transformer"] = "transformer"
    width: int = embedding_width(128)
    heads: int = setting(4, "attention heads; the width must be a multiple of them", step="double", ge=1, le=1024)
    layers: int = setting(2, "blocks of attention and feed-forward network", unit="layers", ge=1, le=512)
    feed_forward: int = setting(
        512, "width of the feed-forward network of each block", step="double", ge=1, le=1_000_000
    )
    dropout: float = dropout(0.1)
    positions: Literal["learned", "sinusoidal"] = setting(
        "learned", "encoding of positions: learned vectors, or sines and cosines"
    )

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Transformer:
        if self.width % self.heads:
            fitting = [heads for heads in range(1, self.width + 1) if self.width % heads == 0]
            nearest = sorted(fitting, key=lambda heads: abs(heads - self.heads))[:3]
            raise ValueError(
                f"width {self.width} cannot be divided by heads {self.heads}; heads that divide it are "
                f"{', '.join(map(str, sorted(nearest)))}"
            )
        return self

    def build_for_ids(
        self, length: int, vocabulary: int, outputs: int, activation: ActivationChoice, *, causal: bool
    ) -> nn.Module:
        from workbench.models import transformer

        return transformer.Transformer(
            length,
            vocabulary,
            outputs,
            self.width,
            self.heads,
            self.layers,
            self.feed_forward,
            self.dropout,
            self.positions,
            activation.build,
            causal=causal,
        )
