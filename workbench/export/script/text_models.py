"""Models of token ids in a script."""

from __future__ import annotations

from collections.abc import Callable

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.layers import activation, dropout, sequential
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.preset import Preset
from workbench.settings.text_model import BagOfEmbeddings, Gru, Lstm, RecurrentModel, TextCnn, TokenModel, Transformer

MASKED_MEAN = '''
def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over the tokens that are there: (n, features) of (n, length, features)."""
    weights = mask.to(values.dtype)
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1)
    return (weights.unsqueeze(1) @ values).squeeze(1)
'''

BAG = '''
class BagOfEmbeddings(nn.Module):
    """The mean of a text's token vectors, then linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding($vocabulary, $width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.layers = $layers

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, $outputs)."""
        return self.layers(masked_mean(self.embedding(ids), ids != 0))
'''

TEXT_CNN = '''
class TextCNN(nn.Module):
    """Parallel convolutions over some widths of tokens, and the maximum of each channel over the text (Kim, 2014)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding($vocabulary, $width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.convolutions = nn.ModuleList(nn.Conv1d($width, $channels, window) for window in WINDOWS)
        self.activations = nn.ModuleList($activation for _ in WINDOWS)
        self.dropout = nn.Dropout($dropout)
        self.output = nn.Linear($features, $outputs)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores (n, $outputs). A window ends at each token, with zeros before the first."""
        mask = (ids != 0).unsqueeze(1)
        tokens = self.embedding(ids).transpose(1, 2) * mask
        found = []
        for window, convolution, activation in zip(WINDOWS, self.convolutions, self.activations, strict=True):
            features = activation(convolution(F.pad(tokens, (window - 1, 0))))
            found.append(features.masked_fill(~mask, torch.finfo(features.dtype).min).max(2).values)
        pooled = torch.cat(found, dim=1).masked_fill(~mask.any(2), 0.0)
        return self.output(self.dropout(pooled))
'''

RECURRENT = '''
class $name(nn.Module):
    """$cell layers over the tokens of a text$both."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding($vocabulary, $width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.recurrent = Layers()
        self.head = Head()

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores $scores."""
        mask = ids != 0
        return self.head(self.recurrent(self.embedding(ids), mask), mask)


class Layers(nn.Module):
    """The recurrent layers. Each direction is a layer of its own; padding disturbs neither."""

    def __init__(self) -> None:
        super().__init__()
        self.forward_layers = nn.ModuleList(nn.$cell(size, $state, batch_first=True) for size in $sizes)
        self.backward_layers = nn.ModuleList(nn.$cell(size, $state, batch_first=True) for size in $sizes)  #? both
        self.dropout = nn.Dropout($dropout)  #? deep

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, time, features) to (n, time, $features)."""
        # Each text backwards from its own last token, then its padding.  #? both
        steps, lengths = torch.arange(x.shape[1], device=x.device), mask.sum(1, keepdim=True)  #? both
        order = torch.where(steps < lengths, lengths - 1 - steps, steps)  #? both
        for layer in self.forward_layers:  #? !both !deep
        for number, layer in enumerate(self.forward_layers):  #? both
        for number, layer in enumerate(self.forward_layers):  #? !both deep
            x = self.dropout(x) if number else x  #? deep
            out = layer(x)[0]  #? both
            backwards = self.backward_layers[number](in_order(x, order))[0]  #? both
            x = torch.cat([out, in_order(backwards, order)], dim=2)  #? both
            x = layer(x)[0]  #? !both
        return x


class Head(nn.Module):
    """Scores of what the recurrent layers return."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = $layers

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(n, time, $features) to $scores."""
        return self.layers(x.flatten(0, 1)).unflatten(0, x.shape[:2]).transpose(1, 2)  #? causal
        return self.layers(masked_mean(x, mask))  #? mean
        last = (mask.sum(1) - 1).clamp(min=0)  #? last
        forwards = x.gather(1, last.view(-1, 1, 1).expand(-1, 1, x.shape[2])).squeeze(1)[:, :$state]  #? last
        return self.layers(torch.cat([forwards, x[:, 0, $state:]], dim=1) * mask[:, :1])  #? last


def in_order(x: Tensor, order: Tensor) -> Tensor:  #? both
    """The steps of (n, time, features) in this order."""  #? both
    return x.gather(1, order.unsqueeze(2).expand(-1, -1, x.shape[2]))  #? both
'''

TRANSFORMER = '''
class Transformer(nn.Module):
    """$what."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding($vocabulary, $width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.positions = nn.Parameter(torch.empty($length, $width))  #? learned
        nn.init.normal_(self.positions, std=0.02)  #? learned
        self.register_buffer("positions", 0.02 * sinusoids($length, $width))  #? !learned
        self.dropout = nn.Dropout($dropout)
        self.blocks = nn.ModuleList(Block() for _ in range($layers))
        self.norm = nn.LayerNorm($width)
        self.output = nn.Linear($width, $outputs)
        for name, parameter in self.named_parameters():
            if name.endswith(("project.weight", "contract.weight")):
                # These add to the vectors: the more of them, the less each at the start.
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * $layers))
            elif name.endswith((".attend.weight", "expand.weight", "output.weight")):
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (n, length) to raw scores $scores."""
        x = self.dropout(self.embedding(ids) + self.positions[: ids.shape[1]])
        mask = ids != 0  #? !causal
        # All tokens are seen, without padding; of an empty text the first.  #? !causal
        seen = (mask | (torch.arange(mask.shape[1], device=ids.device) == 0))[:, None, None, :]  #? !causal
        for block in self.blocks:
            x = block(x)  #? causal
            x = block(x, seen)  #? !causal
        return self.output(self.norm(x)).transpose(1, 2)  #? causal
        return self.output(masked_mean(self.norm(x), mask))  #? !causal


class Block(nn.Module):
    """Attention and a feed-forward network, each normalised before and added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm($width)
        self.attend = nn.Linear($width, $three_widths)
        self.project = nn.Linear($width, $width)
        self.norm_feed_forward = nn.LayerNorm($width)
        self.expand = nn.Linear($width, $feed_forward)
        self.activation = $activation
        self.contract = nn.Linear($feed_forward, $width)
        self.dropout = nn.Dropout($dropout)

    def forward(self, x: Tensor$seen) -> Tensor:
        """(n, length, $width) to the same."""
        by_head = self.attend(self.norm_attention(x)).unflatten(2, (3, $heads, -1)).transpose(1, 3)
        queries, keys, values = by_head.unbind(2)
        attended = F.scaled_dot_product_attention(queries, keys, values, $attention)
        x = x + self.dropout(self.project(attended.transpose(1, 2).flatten(2)))
        between = self.activation(self.expand(self.norm_feed_forward(x)).flatten(0, 1))
        return x + self.dropout(self.contract(between).unflatten(0, x.shape[:2]))
'''

SINUSOIDS = '''
def sinusoids(length: int, width: int) -> Tensor:
    """Sines and cosines of each position (Vaswani et al., 2017): float32 (length, width)."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(length).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]
'''

IMPORTS = ("import torch", "from torch import Tensor", "from torch import nn")


def text_model_part(preset: Preset, facts: Facts) -> Part:
    """The class of a model of ids. Raises UsageError for one of spectrograms."""
    model = preset.model
    assert isinstance(model, TokenModel)
    if facts.vocabulary is None:
        raise UsageError(f'--to script cannot write model.name = "{model.label()}" for anything but texts')
    return WRITERS[type(model)](preset, facts)


def _bag(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, BagOfEmbeddings)
    layers, width = [], model.width
    for features in model.hidden:
        layers += [*dropout(model.dropout), f"nn.Linear({width}, {features})", activation(preset.activation)]
        width = features
    layers += [*dropout(model.dropout), f"nn.Linear({width}, {facts.outputs})"]
    texts = {"width": str(model.width), "layers": sequential(layers)}
    return _written("BagOfEmbeddings", [MASKED_MEAN, BAG], facts, texts)


def _text_cnn(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, TextCnn)
    texts = {"width": str(model.width), "channels": str(model.channels), "dropout": repr(model.dropout)}
    texts |= {"features": str(model.channels * len(model.windows)), "activation": activation(preset.activation)}
    written = _written("TextCNN", [TEXT_CNN], facts, texts)
    imports = (*IMPORTS, "import torch.nn.functional as F")
    return Part(written.code, imports, (("WINDOWS", model.windows),), written.model)


def _recurrent(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, RecurrentModel)
    causal = facts.task == "language_modeling"
    both = model.bidirectional and not causal
    features = model.state * (2 if both else 1)
    sizes = [model.width, *[features] * (model.layers - 1)]
    head = [*dropout(model.dropout)]
    if model.hidden:
        head += [f"nn.Linear({features}, {model.hidden})", activation(preset.activation)]
    head.append(f"nn.Linear({model.hidden or features}, {facts.outputs})")
    cell = model.label().upper()
    pooling = "" if causal else model.pooling
    holds = {"both": both, "deep": model.layers > 1, "causal": causal}
    holds |= {"mean": pooling == "mean", "last": pooling == "last"}
    texts = {"cell": cell, "name": "Recurrent", "both": ", in both directions" * both, "width": str(model.width)}
    texts |= {"state": str(model.state), "sizes": str(tuple(sizes)), "dropout": repr(model.dropout)}
    texts |= {"features": str(features), "layers": sequential(head)}
    templates = [MASKED_MEAN] * (pooling == "mean") + [RECURRENT]
    return _written("Recurrent", templates, facts, texts, holds)


def _transformer(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, Transformer)
    causal, learned = facts.task == "language_modeling", model.positions == "learned"
    texts = {"what": "A causal language model" if causal else "An encoder of texts", "width": str(model.width)}
    texts |= {"length": str(facts.input_shape[0]), "layers": str(model.layers), "dropout": repr(model.dropout)}
    texts |= {"three_widths": str(3 * model.width), "feed_forward": str(model.feed_forward), "heads": str(model.heads)}
    texts |= {"activation": activation(preset.activation), "seen": "" if causal else ", seen: Tensor"}
    texts["attention"] = "is_causal=True" if causal else "attn_mask=seen"
    templates = [MASKED_MEAN] * (not causal) + [SINUSOIDS] * (not learned) + [TRANSFORMER]
    written = _written("Transformer", templates, facts, texts, {"causal": causal, "learned": learned})
    return Part(written.code, (*IMPORTS, "import math", "import torch.nn.functional as F"), (), written.model)


def _written(
    name: str, templates: list[str], facts: Facts, texts: dict[str, str], holds: dict[str, bool] | None = None
) -> Part:
    causal = facts.task == "language_modeling"
    scores = f"(n, {facts.outputs}, length)" if causal else f"(n, {facts.outputs})"
    known = {"vocabulary": str(facts.vocabulary), "outputs": str(facts.outputs), "scores": scores} | texts
    codes = [fill(template, holds, **known).strip() for template in templates]
    return Part("\n\n\n".join(codes), IMPORTS, (), f"{name}()")


WRITERS: dict[type, Callable[[Preset, Facts], Part]] = {
    BagOfEmbeddings: _bag,
    TextCnn: _text_cnn,
    Gru: _recurrent,
    Lstm: _recurrent,
    Transformer: _transformer,
}
