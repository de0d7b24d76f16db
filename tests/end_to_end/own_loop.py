"""A training loop of a user's own, in NumPy: `python own_loop.py RUNS_FOLDER [--steps N] [--fail] ...`."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

import workbench


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs_folder")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.0, help="of each step")
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--plain", action="store_true", help="two lines only: without `with`, and without epochs")
    parser.add_argument("--tensorboard", action="store_true")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    x = draw.normal(size=(16, 4))
    y, weight = x @ np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4)

    def step() -> float:
        nonlocal weight
        error = x @ weight - y
        weight = weight - 0.1 * x.T @ error / len(x)
        time.sleep(options.seconds)
        return float((error**2).mean())

    if options.plain:
        run = workbench.watch("plain", epochs=options.epochs, runs_dir=options.runs_folder)
        print(run.directory, flush=True)
        for _ in range(options.epochs):
            for _ in run.steps(range(options.steps)):
                step()
            if options.fail:
                raise ValueError("the second line\nis not shown")
    else:
        folder, settings = options.runs_folder, {"lr": 0.1}
        with workbench.watch(
            "own", epochs=options.epochs, runs_dir=folder, settings=settings, tensorboard=options.tensorboard
        ) as run:
            print(run.directory, flush=True)
            for _ in run.epochs():
                for _ in run.steps(range(options.steps)):
                    with run.forward():
                        loss = step()
                    run.log(loss=loss, weight_norm=np.linalg.norm(weight))
                run.validation(loss=loss, half=0.5)
                if options.fail:
                    raise ValueError("no such file\nand more")
            run.test(rmse=loss**0.5)
    print("torch" in sys.modules, "textual" in sys.modules, flush=True)


if __name__ == "__main__":
    main()
