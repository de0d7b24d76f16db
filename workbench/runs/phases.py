"""The phases of a step, in their order; together they add up to its time."""

PHASES = ("data", "transfer", "step", "forward", "backward", "metrics", "optimizer", "rest")
"""data: indexing, augmenting or waiting for samples; transfer: moving them to the device; forward: model and loss;
metrics: counting correct answers; optimizer: clipping and the update; rest: what is left. step: of a loop
of the user's own, what it does not tell more about. Each theme has a colour for each.
"""
