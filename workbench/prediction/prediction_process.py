"""The process that predicts; `workbench.processes.predict` says what it is asked and what it answers."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import DeviceError, UsageError
from workbench.processes.predict import LINES, SPLIT_CHOICES, Lines, Predicted, Request
from workbench.training.processes.serve import Send, report_progress, report_read, serve

if TYPE_CHECKING:
    import torch

    from workbench.data.readers.reader import Reader
    from workbench.data.readers.source import Source
    from workbench.prediction.formats import Csv, JsonLines
    from workbench.prediction.own_split import SplitPredictions
    from workbench.prediction.predictor import Prediction, Predictor
    from workbench.training.checkpointing.trained_model import TrainedModel

LINES_BYTES = 2**18
"""Lines are sent when they are that long together, or that old."""
LINES_SECONDS = 0.1
SPLIT_PLACES = ("input", "row", "origin")
"""What says which sample of a split it is."""


def main() -> int:
    """Answers requests until standard input ends."""
    serve(Request, answer)


class LineSender:
    """Sends the lines of predictions, several at a time."""

    def __init__(self, form: JsonLines | Csv, send: Send) -> None:
        self._form = form
        self._send = send
        self._lines = [form.header]
        self._size = 0
        self._sent = time.monotonic()
        self.samples = self.broken = 0

    def add(self, prediction: Prediction) -> None:
        """Takes the next prediction."""
        line = self._form.line(prediction)
        self._lines.append(line)
        self._size += len(line)
        self.samples += not prediction.error
        self.broken += bool(prediction.error)
        if self._size >= LINES_BYTES or time.monotonic() - self._sent >= LINES_SECONDS:
            self.flush()
            report_progress(f"predicted {self.samples:,}")

    def flush(self) -> None:
        """Sends what has been taken."""
        if any(self._lines):
            self._send(LINES, Lines("".join(self._lines)))
        self._lines, self._size, self._sent = [], 0, time.monotonic()


def answer(request: Request, send: Send) -> Predicted:
    """Predicts what is asked for. Raises WorkbenchError."""
    from workbench.prediction.formats import Csv, JsonLines
    from workbench.prediction.load import load_model, model_file
    from workbench.prediction.outputs import FEW_CLASSES, class_names, columns_of
    from workbench.training.device import configure_torch

    report_progress("loading the model")
    file = model_file(Path(request.model))
    device = _device(request.device)
    try:
        model = load_model(file, device, trust_code=request.trust_code)
    except TypeError as error:
        if device.type != "mps":
            raise
        raise DeviceError("this model computes with numbers in float64, which Metal lacks; use --device cpu") from error
    configure_torch(model.preset.runtime, device)
    all_classes = request.all_classes or (model.task == "classification" and len(class_names(model)) <= FEW_CLASSES)
    form: JsonLines | Csv = JsonLines()
    reader = None if request.split else _reader(model)
    if request.format == "csv":
        places = SPLIT_PLACES if reader is None else reader.place_names
        columns = columns_of(model, all_classes=all_classes, of_split=bool(request.split))
        form = Csv(places, [*columns, *(["error"] if request.skip_broken else [])])
    sender = LineSender(form, send)
    began = time.perf_counter()
    metrics: dict[str, Any] = {}
    notes: list[str] = []
    changes = ""
    try:
        if reader is None:
            of_split = _predict_split(request, model, file, sender, all_classes=all_classes)
            metrics, changes, notes = of_split.metrics, of_split.data_changes, of_split.notes
        else:
            predictor = _predictor(request, model, reader, all_classes=all_classes)
            for prediction in predictor.predict(_sources(request)):
                sender.add(prediction)
            notes = predictor.notes
    finally:
        sender.flush()  # what was predicted before an error is not lost
    seconds = time.perf_counter() - began
    return Predicted(str(file), sender.samples, sender.broken, round(seconds, 4), metrics, changes, notes)


def _device(name: str) -> torch.device:
    """The device to predict on; auto is a GPU of NVIDIA if there is one: Metal lacks the float64 of encodings."""
    import torch

    from workbench.training.device import resolve_device

    device = resolve_device(name)
    return torch.device("cpu") if name == "auto" and device.type == "mps" else device


def _reader(model: TrainedModel) -> Reader[Any]:
    from workbench.prediction.earlier import reader_of_earlier_version

    return model.reader if model.reader is not None else reader_of_earlier_version(model)


def _sources(request: Request) -> list[Source]:
    """Where the inputs come from."""
    from workbench.data.readers.source import STDIN, Source

    texts = [Source("--text", texts=tuple(request.texts))] if request.texts else []
    return texts + [Source(name, request.descriptor if name == STDIN else None) for name in request.inputs]


def _predictor(request: Request, model: TrainedModel, reader: Reader[Any], *, all_classes: bool) -> Predictor:
    """What predicts new inputs. Raises WorkbenchError."""
    from workbench.data.readers.texts import TextReader
    from workbench.data.text_encoding import TextEncoding
    from workbench.prediction.continuing import continuations_of, writing_settings
    from workbench.prediction.predictor import Predictor, predict_function, usual_batch_size

    if model.task == "language_modeling":
        function = continuations_of(model, writing_settings(model.preset, request.overrides))
    else:
        if request.overrides:
            raise UsageError("--set says how a language model writes; a trained model is as it is")
        function = predict_function(model, all_classes=all_classes)
    batch_size = request.batch_size or usual_batch_size(model)
    if request.texts and not isinstance(reader, TextReader):
        raise UsageError(f"--text is for a model of texts; this one takes {reader.takes}")
    encoding = model.encoding if isinstance(model.encoding, TextEncoding) else None
    return Predictor(reader, function, batch_size, skip_broken=request.skip_broken, encoding=encoding)


def _predict_split(
    request: Request, model: TrainedModel, file: Path, sender: LineSender, *, all_classes: bool
) -> SplitPredictions:
    from workbench.prediction.load import last_checkpoint_beside
    from workbench.prediction.own_split import predict_split

    split = next(each for each in SPLIT_CHOICES if each == request.split)
    return predict_split(
        model,
        split,
        last_checkpoint_beside(file),
        report_read,
        sender.add,
        all_classes=all_classes,
    )


if __name__ == "__main__":
    sys.exit(main())
