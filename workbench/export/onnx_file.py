"""Writes a trained model as one .onnx file, the encoding of raw samples inside the graph."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from workbench.export.facts import signature_of
from workbench.export.program import inputs_of, output_of
from workbench.export.torch_export import ExportError, cause_of, exported_program, with_other_spectra
from workbench.training.checkpointing.trained_model import TrainedModel

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Of the extra `onnx`."""

MOST_BYTES = 2**31 - 2**24
"""Of weights: a file holds 2 GiB with all else."""


def save_onnx(trained: TrainedModel, path: Path, facts: Mapping[str, Any]) -> None:
    """Writes the model. facts: of the run. Raises ExportError, OSError."""
    if sum(tensor.nbytes for tensor in trained.state_dict().values()) > MOST_BYTES:
        raise ExportError(
            "the model is larger than the 2 GB that one ONNX file can hold; --to torch_export has no limit"
        )
    model = with_other_spectra(trained, partial(_model, trained))
    opset = next(each.version for each in model.opset_import if not each.domain)
    versions = facts["versions"] | {name: import_module(name).__version__ for name in PACKAGES}
    described = signature_of(trained) | dict(facts) | {"versions": versions, "opset": opset}
    for key, value in described.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    _forget_source(model)
    model.producer_name, model.producer_version = "workbench", described["made_by"].split()[-1]
    path.write_bytes(model.SerializeToString())


def _model(trained: TrainedModel, by_convolution: bool) -> Any:
    """The model as an onnx.ModelProto. Raises ExportError."""
    program = exported_program(trained, by_convolution)
    with torch.no_grad():
        try:
            model = torch.onnx.export(
                program,
                dynamo=True,
                external_data=False,
                input_names=[each.name for each in inputs_of(trained)],
                output_names=[output_of(trained)],
                verbose=False,
            )
        except Exception as error:  # the exporter has many kinds, and the model may be the user's own
            raise ExportError(_in_words(error)) from error
    assert model is not None
    return model.model_proto


def _in_words(error: BaseException) -> str:
    """What ONNX lacks, as far as the exporter's errors name it: the first cause does, the others say how."""
    first = error
    while (cause := first.__cause__ or first.__context__) is not None:
        first = cause
        if found := re.search(r"No ONNX function found for \S*?op='([^']+)'", str(first)):
            return f"ONNX has no operator for PyTorch's {found[1]}, which this model uses; --to torch_export has it"
    return (
        f"PyTorch {torch.__version__} cannot export this model to ONNX: {cause_of(first)}; a newer PyTorch may, and so "
        "may --to torch_export"
    )


def _forget_source(model: Any) -> None:
    """Removes what the exporter notes of each node: the paths and lines of this machine's source code."""
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node in nodes:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
