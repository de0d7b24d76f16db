"""The traced engine does what the eager one does: for every choice, and for what a trace must not change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.conftest import events_of
from workbench.errors import PresetError
from workbench.runs.events import Steps
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import losses_for
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.schedule import SCHEDULES
from workbench.training.device import Precision
from workbench.training.engines import traced as traced_engine
from workbench.training.engines.direct import DirectEngine
from workbench.training.engines.traced import TracedGradients, shape_key
from workbench.training.graphs.passes import remove_noops
from workbench.training.graphs.trace_check import check, difference
from workbench.training.graphs.tracing import Arguments, CannotTraceError, StepFunction, Trace, trace
from workbench.training.objective import Objective
from workbench.training.trainer import Trainer

DIGITS = ["data.name=digits", "data.batch_size=256", "model.hidden=[24]", "training.epochs=2"]

CHOICES = [
    *(["optimizer.name=" + label] for label in OPTIMIZERS.labels),
    *(["activation.name=" + label] for label in ACTIVATIONS.labels),
    *(["loss.name=" + label] for label in losses_for("classification")),
    *(["schedule.name=" + label] for label in SCHEDULES.labels),
    *(["data.name=diabetes", "data.batch_size=64", "loss.name=" + label] for label in losses_for("regression")),
    ["model.batch_norm=true", "model.dropout=0.3"],
    ["model.name=cnn", "model.hidden=16", "model.batch_norm=true", "data.batch_size=512"],
    ["training.gradient_accumulation=3", "data.batch_size=100"],
    ["training.gradient_clip_norm=0.05"],
    ["loss.class_weights=balanced"],
    ["runtime.data_loading=dataloader", "runtime.num_workers=0"],
    ["runtime.precision=bf16"],
]


def losses(trainer: Trainer) -> list[float]:
    """Every step's loss of a whole training."""
    trainer.train()
    return [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]


@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_losses_and_correct_samples_are_those_of_the_eager_engine(
    choice: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    # One after the other: each seeds the random generators that dropout and augmentation draw from.
    eager = make_trainer(*DIGITS, *choice, "runtime.engine=eager")
    expected = losses(eager)
    traced = make_trainer(*DIGITS, *choice, "runtime.engine=traced")
    found = losses(traced)
    assert (eager.engine.name, traced.engine.name) == ("eager", "traced")
    low = "runtime.precision=bf16" in choice
    assert found == pytest.approx(expected, rel=2e-2 if low else 1e-3, abs=1e-5)
    assert traced.last_epoch is not None
    assert eager.last_epoch is not None
    if "accuracy" in eager.last_epoch.train:
        assert traced.last_epoch.train["accuracy"] == pytest.approx(eager.last_epoch.train["accuracy"], abs=0.01)


def test_auto_falls_back_to_eager_and_says_why(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_trainer().engine_choice.engine.name == "traced"

    def refuse(*_: object) -> None:
        raise CannotTraceError("the model looks at its numbers")

    monkeypatch.setattr(traced_engine, "trace", refuse)
    choice = make_trainer().engine_choice
    assert (choice.engine.name, choice.reason) == ("eager", "not traced: the model looks at its numbers")
    with pytest.raises(PresetError, match=r'engine = "traced", but the model looks at its numbers'):
        make_trainer("runtime.engine=traced")


class Branching(nn.Module):
    """Its course depends on its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layer(x)
        return scores if bool(scores.sum() > 0) else -scores


def arguments_for(model: nn.Module, samples: int = 8) -> tuple[StepFunction, Arguments]:
    """A step of a classifier of four numbers into three classes."""
    precision = Precision("float32", torch.device("cpu"))
    function = StepFunction(Objective(model, nn.CrossEntropyLoss(), precision, list(model.parameters())))
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn((samples, 4), generator=generator), torch.arange(samples) % 3
    correct = torch.zeros((), dtype=torch.int64)
    held = function.parameters, function.buffers_and_frozen
    return function, Arguments(*held, inputs, targets, correct, None)


def expected_of(traced: Trace) -> list[Tensor | None]:
    """What the batch gave while it was traced."""
    return [traced.loss, *traced.gradients]


def test_a_model_that_looks_at_its_numbers_is_not_traced() -> None:
    function, arguments = arguments_for(Branching())
    with pytest.raises(CannotTraceError, match="looks at its numbers"):
        trace(function, arguments, 1.0)


def test_tracing_changes_nothing() -> None:
    """Neither the weights, nor the means of batch norm, nor the count of correct samples, nor the random state."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    function, arguments = arguments_for(model)
    traced = trace(function, arguments, 1.0)
    check(traced.graph, function, traced, arguments, 0.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert int(arguments.correct) == 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_graph_changes_what_a_step_changes() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    function, arguments = arguments_for(model)
    traced = trace(function, arguments, 1.0)
    remove_noops(traced.graph)
    with torch.no_grad():
        traced.graph(*arguments.flat())
    scores = model.train()(arguments.inputs)
    norm = model[1]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.num_batches_tracked is not None
    assert int(norm.num_batches_tracked) == 2  # once by the graph, once by the line above
    assert int(arguments.correct) == int((scores.argmax(1) == arguments.targets).sum())


def test_gradients_lie_in_memory_as_their_parameters_do() -> None:
    """As `backward` leaves them: a fused optimizer takes them number by number, in the order of memory."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    for parameter in model.parameters():
        parameter.data = parameter.data.t().contiguous().t()
    function, arguments = arguments_for(model)
    traced = trace(function, arguments, 1.0)
    remove_noops(traced.graph)
    check(traced.graph, function, traced, arguments, 1e-6)
    _, *gradients = traced.graph(*arguments.flat())
    nn.CrossEntropyLoss()(model(arguments.inputs), arguments.targets).backward()
    for found, parameter in zip(gradients, model.parameters(), strict=True):
        assert found.stride() == parameter.stride()
        torch.testing.assert_close(found, parameter.grad)


def test_the_gradient_of_a_bias_is_summed_as_a_vector() -> None:
    """Autograd sums to a matrix of one row, and views that as a vector: one operator less for each layer."""
    function, arguments = arguments_for(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    traced = trace(function, arguments, 1.0)
    before = [node.target for node in traced.graph.graph.nodes].count(torch.ops.aten.view.default)
    remove_noops(traced.graph)
    assert [node.target for node in traced.graph.graph.nodes].count(torch.ops.aten.view.default) == before - 2
    check(traced.graph, function, traced, arguments, 1e-6)
    _, *gradients = traced.graph(*arguments.flat())
    assert [gradient.shape for gradient in gradients] == [parameter.shape for parameter in arguments.parameters]


def test_a_wrong_graph_is_found_out() -> None:
    function, arguments = arguments_for(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    traced = trace(function, arguments, 1.0)
    graph = traced.graph
    check(graph, function, traced, arguments, 1e-6)
    relu = next(node for node in graph.graph.nodes if node.target is torch.ops.aten.relu.default)
    relu.target = torch.ops.aten.neg.default
    graph.recompile()
    with pytest.raises(CannotTraceError, match="does not give the numbers"):
        check(graph, function, traced, arguments, 1e-3)


def test_a_unit_whose_sign_is_rounding_does_not_make_a_graph_wrong() -> None:
    """Among thousands of samples some are within rounding of zero: ReLU then passes a gradient on or not."""
    function, arguments = arguments_for(nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3)), samples=4096)
    traced = trace(function, arguments, 1.0)
    gradient = traced.gradients[0]
    assert gradient is not None
    gradient[0] *= 1.02  # one of 256 numbers, and not by rounding
    results = traced.graph(*arguments.flat())
    assert difference(results, expected_of(traced)) < 1e-3
    gradient *= 1.02
    assert difference(results, expected_of(traced)) > 1e-2


def test_numbers_that_are_none_are_no_agreement() -> None:
    """A loss that is NaN in the graph alone, and a gradient that the graph no longer gives."""
    function, arguments = arguments_for(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    traced = trace(function, arguments, 1.0)
    loss, *gradients = traced.graph(*arguments.flat())
    assert difference([loss, *gradients], expected_of(traced)) < 1e-6
    assert difference([loss * float("nan"), *gradients], expected_of(traced)) == float("inf")
    assert difference([loss, None, *gradients[1:]], expected_of(traced)) == float("inf")


class Sharing(nn.Module):
    """Two parameters whose gradients autograd gives as one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.a, self.b = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.linear(x) + (self.a + self.b)
        return scores


def test_gradients_share_no_memory() -> None:
    """Or adding a second batch's to one would add it to the other as well."""
    function, arguments = arguments_for(Sharing())
    traced = trace(function, arguments, 1.0)
    remove_noops(traced.graph)
    _, *gradients = traced.graph(*arguments.flat())
    assert len({gradient.data_ptr() for gradient in gradients}) == len(gradients)


class Oscillating(nn.Module):
    """Rounds of its argument: what moves its input by a millionth moves its output by a tenth."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.frequency = frequency

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.linear(torch.sin(self.frequency * x))
        return scores


@pytest.mark.parametrize(("frequency", "raises"), [(1e5, False), (1.0, True)])
def test_a_graph_may_differ_as_much_as_a_rounding_of_its_inputs_makes(frequency: float, raises: bool) -> None:
    """What stands for another order of summation here: inputs that differ, in the second case by more than that."""
    function, arguments = arguments_for(Oscillating(frequency), samples=64)
    traced = trace(function, arguments, 1.0)
    exact = traced.graph.forward
    moved = replace(arguments, inputs=arguments.inputs * (1 + (1e-2 if raises else 5e-7)))
    traced.graph.forward = lambda *_: exact(*moved.copied().flat())
    assert difference(traced.graph(), expected_of(traced)) > 1e-3  # both are beyond the usual bound
    with pytest.raises(CannotTraceError) if raises else nullcontext():
        check(traced.graph, function, traced, arguments, 1e-3)


def test_a_batch_that_cannot_be_traced_is_tried_once(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps run eagerly."""
    trainer = make_trainer(*DIGITS, "runtime.engine=traced")
    tried = []

    def refuse(*_: object) -> None:
        tried.append(1)
        raise CannotTraceError

    monkeypatch.setattr(traced_engine, "check", refuse)
    assert isinstance(trainer.engine, DirectEngine)
    assert isinstance(trainer.engine.step.gradients, TracedGradients)
    trainer.engine.step.gradients._graphs.clear()
    trainer.train()
    assert trainer.state.epoch == 2
    assert len(tried) == 2  # whole batches, and the short last one of each epoch


def test_a_batch_of_gray_images_is_traced_once_however_its_single_channel_is_strided() -> None:
    """Augmented ones come with another stride of that dimension, which says nothing about their order in memory."""
    images = torch.randn(8, 5, 5, 1)
    one, other = images.permute(0, 3, 1, 2), images.view(8, 1, 5, 5)
    assert one.stride() != other.stride()
    assert shape_key(one, one) == shape_key(other, other)
    colored = torch.randn(8, 5, 5, 3).permute(0, 3, 1, 2)
    assert shape_key(colored, colored) != shape_key(colored.contiguous(), colored.contiguous())


def test_a_gradient_that_is_nothing_but_rounding_does_not_make_a_graph_wrong() -> None:
    """Of a bias before batch norm: whatever it is, the mean is taken off again."""
    model = nn.Sequential(nn.Linear(4, 2048), nn.BatchNorm1d(2048), nn.ReLU(), nn.Linear(2048, 512), nn.Linear(512, 3))
    function, arguments = arguments_for(model, samples=512)
    traced = trace(function, arguments, 1.0)
    bias = traced.gradients[1]
    assert bias is not None
    weight = traced.gradients[0]
    assert weight is not None
    assert float(bias.abs().mean()) < 1e-3 * float(weight.abs().mean())
    remove_noops(traced.graph)
    check(traced.graph, function, traced, arguments, 1e-3)
