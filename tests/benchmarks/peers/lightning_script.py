"""The same in Lightning, at its quickest: no logger, no bar, no checkpoints. None of our code.

`python lightning_script.py FOLDER EPOCHS SEED` prints the seconds of each epoch's training and then the accuracy on the
test files, a line of JSON each.
"""

import json
import sys
import time

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class Classifier(lightning.LightningModule):
    """The classic network."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
        )
        self.criterion = nn.CrossEntropyLoss()

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        loss: Tensor = self.criterion(self.layers(images), labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        images, labels = batch
        self.log("accuracy", (self.layers(images).argmax(dim=1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.01)


class EpochTimes(lightning.Callback):
    """Prints what each epoch takes."""

    def on_train_epoch_start(self, *_: object) -> None:
        self.started = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        print(json.dumps({"seconds": time.perf_counter() - self.started}), flush=True)


def main(folder: str, epochs: int, seed: int) -> None:
    """Trains it."""
    lightning.seed_everything(seed)
    train = datasets.MNIST(folder, train=True, transform=transforms.ToTensor())
    test = datasets.MNIST(folder, train=False, transform=transforms.ToTensor())
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=[EpochTimes()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Classifier()
    trainer.fit(model, DataLoader(train, batch_size=64, shuffle=True))
    [metrics] = trainer.test(model, DataLoader(test, batch_size=1000), verbose=False)
    print(json.dumps({"accuracy": metrics["accuracy"]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
