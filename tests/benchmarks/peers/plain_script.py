"""What people write first: torchvision's MNIST, ToTensor, a DataLoader, `loss.item()` at each step. None of our code.

`python plain_script.py FOLDER EPOCHS SEED [BATCH]` prints the seconds of each epoch's training and then the accuracy on
the test files, a line of JSON each.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def main(folder: str, epochs: int, seed: int, batch: int = 64) -> None:
    """Trains the classic network."""
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train = datasets.MNIST(folder, train=True, transform=transforms.ToTensor())
    test = datasets.MNIST(folder, train=False, transform=transforms.ToTensor())
    loader = DataLoader(train, batch_size=batch, shuffle=True)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        started = time.perf_counter()
        total = 0.0
        for images, labels in loader:
            inputs, targets = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    hits = 0
    with torch.no_grad():
        for images, labels in DataLoader(test, batch_size=1000):
            hits += (model(images.to(device)).argmax(dim=1).cpu() == labels).sum().item()
    print(json.dumps({"accuracy": hits / len(test)}))


if __name__ == "__main__":
    main(sys.argv[1], *(int(number) for number in sys.argv[2:]))
