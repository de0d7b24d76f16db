"""The random generators that training draws from: seeding them, keeping their state, putting it back."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seeds all generators that training can draw from."""
    torch.manual_seed(seed)
    seed_python(seed)


def seed_python(seed: int) -> None:
    """Seeds the generators of Python and NumPy: what is imported late could have drawn from them, PyTorch's not."""
    random.seed(seed)
    np.random.seed(seed)


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of all random generators that training can draw from, as tensors and plain numbers."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": (
            str(name),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            float(gauss),
        ),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Sets the generators to what `random_state` gave."""
    torch.set_rng_state(state["torch"].cpu())
    random.setstate(state["python"])
    name, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, gauss))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
