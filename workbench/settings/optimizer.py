"""Optimizers: how gradients change the weights. Every hyperparameter is a setting.

Settings have the names of PyTorch's arguments, except `learning_rate` for `lr`. The classes come from torch.optim, and
from pytorch-optimizer if torch does not have them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from workbench.settings.base import ANY, Family, members, setting
from workbench.settings.optimizer_choice import (
    Betas,
    OptimizerChoice,
    betas,
    eps,
    fixed_decay,
    learning_rate,
    weight_decay,
    weight_decouple,
)


class Sgd(OptimizerChoice):
    """Stochastic gradient descent, with optional momentum: the classic; needs a well-chosen learning rate."""

    torch_name: ClassVar[str] = "SGD"
    rate_by_batch: ClassVar[Literal["linear", "square_root", "none"]] = "linear"
    name: Literal["sgd"] = "sgd"
    learning_rate: float = learning_rate(0.1)
    momentum: float = setting(0.9, "fraction of the last step that is kept", ge=0, lt=1)
    nesterov: bool = setting(
        False, "look ahead along the momentum; needs momentum > 0 and dampening 0", only_if={"momentum": ANY}
    )
    dampening: float = setting(0.0, "dampening of the gradient in the momentum", only_if={"momentum": ANY}, ge=0, le=1)
    weight_decay: float = weight_decay()

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Sgd:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs momentum above 0 and dampening 0")
        return self


class Adam(OptimizerChoice):
    """Steps scaled by running means of gradient and square: robust, the usual first choice."""

    torch_name: ClassVar[str] = "Adam"
    name: Literal["adam"] = "adam"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay()


class Amsgrad(OptimizerChoice):
    """Adam with the maximum of all past second moments, so that steps never grow again."""

    torch_name: ClassVar[str] = "Adam"
    fixed: ClassVar[dict[str, Any]] = {"amsgrad": True}
    name: Literal["amsgrad"] = "amsgrad"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay()


class AdamW(OptimizerChoice):
    """Adam with weight decay decoupled from the gradient: the usual choice with weight decay."""

    torch_name: ClassVar[str] = "AdamW"
    name: Literal["adamw"] = "adamw"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay(0.01)
    amsgrad: bool = setting(False, "keep the largest second moment seen")


class Nadam(OptimizerChoice):
    """Adam with Nesterov momentum."""

    torch_name: ClassVar[str] = "NAdam"
    name: Literal["nadam"] = "nadam"
    learning_rate: float = learning_rate(0.002)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay()
    momentum_decay: float = setting(0.004, "decay of the momentum over time", step="ladder", ge=0, le=1)
    decoupled_weight_decay: bool = setting(
        False, "weight decay decoupled from the gradient, as in AdamW", only_if={"weight_decay": ANY}
    )


class Radam(OptimizerChoice):
    """Adam with a built-in warm-up while its running means are still uncertain."""

    torch_name: ClassVar[str] = "RAdam"
    name: Literal["radam"] = "radam"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay()
    decoupled_weight_decay: bool = setting(
        False, "weight decay decoupled from the gradient, as in AdamW", only_if={"weight_decay": ANY}
    )


class Adamax(OptimizerChoice):
    """Adam with the largest gradient instead of the mean square (infinity norm)."""

    torch_name: ClassVar[str] = "Adamax"
    name: Literal["adamax"] = "adamax"
    learning_rate: float = learning_rate(0.002)
    betas: Betas = betas()
    eps: float = eps()
    weight_decay: float = weight_decay()


class AdaBound(OptimizerChoice):
    """Adam whose step sizes are clipped to bounds that converge to those of SGD."""

    library: ClassVar[str] = "pytorch_optimizer"
    torch_name: ClassVar[str] = "AdaBound"
    name: Literal["adabound"] = "adabound"
    learning_rate: float = learning_rate(0.001)
    final_lr: float = setting(0.1, "the learning rate of SGD to which the bounds converge", gt=0, le=1000)
    betas: Betas = betas()
    gamma: float = setting(0.001, "how fast the bounds converge", step="ladder", gt=0, lt=1)
    eps: float = eps()
    weight_decay: float = weight_decay()
    weight_decouple: bool = weight_decouple()
    fixed_decay: bool = fixed_decay()
    ams_bound: bool = setting(False, "keep the largest second moment seen, as in AMSGrad")


class AdaBelief(OptimizerChoice):
    """Adam that takes large steps if the gradient is as predicted, and small steps if it is not."""

    library: ClassVar[str] = "pytorch_optimizer"
    torch_name: ClassVar[str] = "AdaBelief"
    name: Literal["adabelief"] = "adabelief"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps(1e-16)
    weight_decay: float = weight_decay()
    weight_decouple: bool = weight_decouple()
    fixed_decay: bool = fixed_decay()
    rectify: bool = setting(False, "warm up as RAdam does")
    ams_bound: bool = setting(False, "keep the largest second moment seen, as in AMSGrad")


class Adagrad(OptimizerChoice):
    """Steps shrink with the sum of all squared gradients: for sparse features."""

    torch_name: ClassVar[str] = "Adagrad"
    name: Literal["adagrad"] = "adagrad"
    learning_rate: float = learning_rate(0.01)
    lr_decay: float = setting(0.0, "decay of the learning rate per step", step="ladder", ge=0, le=1)
    initial_accumulator_value: float = setting(0.0, "sum of squared gradients at the start", ge=0, le=1000)
    eps: float = eps(1e-10)
    weight_decay: float = weight_decay()


class Adadelta(OptimizerChoice):
    """Adagrad over a window; derives its step size from its past steps."""

    torch_name: ClassVar[str] = "Adadelta"
    rate_by_batch: ClassVar[Literal["linear", "square_root", "none"]] = "none"
    name: Literal["adadelta"] = "adadelta"
    learning_rate: float = learning_rate(1.0)
    rho: float = setting(0.9, "decay of the running means", step=0.01, ge=0, le=1)
    eps: float = eps(1e-6)
    weight_decay: float = weight_decay()


class RmsProp(OptimizerChoice):
    """Steps scaled by a running mean of the squared gradient."""

    torch_name: ClassVar[str] = "RMSprop"
    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = learning_rate(0.001)
    alpha: float = setting(0.99, "decay of the running mean", step=0.01, ge=0, lt=1)
    eps: float = eps()
    momentum: float = setting(0.0, "fraction of the last step that is kept", ge=0, lt=1)
    centered: bool = setting(False, "subtract the mean gradient from the second moment")
    weight_decay: float = weight_decay()


class Rprop(OptimizerChoice):
    """Uses only the sign of the gradient: for full batches."""

    torch_name: ClassVar[str] = "Rprop"
    rate_by_batch: ClassVar[Literal["linear", "square_root", "none"]] = "none"
    name: Literal["rprop"] = "rprop"
    learning_rate: float = learning_rate(0.001)
    etas: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=1, le=10)]] = setting(
        (0.5, 1.2), "factors by which a step shrinks and grows"
    )
    step_sizes: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = setting(
        (1e-6, 50.0), "smallest and largest step"
    )


class Asgd(OptimizerChoice):
    """Stochastic gradient descent that also keeps the average of the weights."""

    torch_name: ClassVar[str] = "ASGD"
    rate_by_batch: ClassVar[Literal["linear", "square_root", "none"]] = "linear"
    name: Literal["asgd"] = "asgd"
    learning_rate: float = learning_rate(0.01)
    lambd: float = setting(0.0001, "decay term", step="ladder", ge=0, le=1)
    alpha: float = setting(0.75, "power of the learning rate's decay", ge=0, le=1)
    t0: float = setting(1e6, "step at which averaging starts", ge=0)
    weight_decay: float = weight_decay()


class Adafactor(OptimizerChoice):
    """Adam with factored second moments: little memory for wide layers."""

    torch_name: ClassVar[str] = "Adafactor"
    name: Literal["adafactor"] = "adafactor"
    learning_rate: float = learning_rate(0.01)
    beta2_decay: float = setting(-0.8, "decay of the second moment over time", ge=-1, le=0)
    d: float = setting(1.0, "clipping threshold of an update", gt=0, le=1000)
    weight_decay: float = weight_decay()


class Lion(OptimizerChoice):
    """Steps by the sign of a running mean: half of Adam's memory; needs a small learning rate."""

    library: ClassVar[str] = "pytorch_optimizer"
    torch_name: ClassVar[str] = "Lion"
    name: Literal["lion"] = "lion"
    learning_rate: float = learning_rate(0.0001)
    betas: Betas = betas(0.9, 0.99)
    weight_decay: float = weight_decay()
    weight_decouple: bool = weight_decouple()
    fixed_decay: bool = fixed_decay()


class Lamb(OptimizerChoice):
    """Adam with a step size per layer: for very large batches."""

    library: ClassVar[str] = "pytorch_optimizer"
    torch_name: ClassVar[str] = "Lamb"
    name: Literal["lamb"] = "lamb"
    learning_rate: float = learning_rate(0.001)
    betas: Betas = betas()
    eps: float = eps(1e-6)
    weight_decay: float = weight_decay()
    weight_decouple: bool = weight_decouple()
    fixed_decay: bool = fixed_decay()
    rectify: bool = setting(False, "warm up as RAdam does")
    grad_averaging: bool = setting(True, "weight the gradient by 1 - beta1")
    max_grad_norm: float = setting(
        1.0, "maximum norm of the gradient (clipping); 0 turns it off", step=0.5, empty="off", ge=0
    )
    pre_norm: bool = setting(False, "normalise the gradient by its global norm first")


Optimizer = Annotated[
    Sgd
    | Adam
    | Amsgrad
    | AdamW
    | Nadam
    | Radam
    | Adamax
    | AdaBound
    | AdaBelief
    | Adagrad
    | Adadelta
    | RmsProp
    | Rprop
    | Asgd
    | Adafactor
    | Lion
    | Lamb,
    Field(discriminator="name"),
]

OPTIMIZERS = Family("optimizer", members(Optimizer), Adam)
