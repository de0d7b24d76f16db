"""The table of operators, from counts such as PyTorch's profiler gives."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workbench.training.profiling.operators import (
    BETWEEN_OPERATORS,
    LONGEST_NAME,
    MOST_OPERATORS,
    Averages,
    top_operators,
)


def counted(
    key: str, *, cpu: float = 0, cpu_total: float = 0, gpu: float = 0, gpu_total: float = 0, calls: int = 1,
    on: str = "CPU", mark: bool = False,
) -> Averages:  # fmt: skip
    """Times in microseconds."""
    return SimpleNamespace(
        key=key, count=calls, self_cpu_time_total=cpu, cpu_time_total=cpu_total or cpu, self_device_time_total=gpu,
        device_time_total=gpu_total or gpu, device_type=SimpleNamespace(name=on), is_user_annotation=mark,
    )  # fmt: skip


STEP_ON_CPU = counted("ProfilerStep*", cpu=300, cpu_total=2000, mark=True)
STEP_ON_GPU = counted("ProfilerStep*", gpu=5000, on="CUDA", mark=True)


def test_on_the_cpu_the_table_shows_the_hosts_time_also_between_operators() -> None:
    device, rows = top_operators([counted("aten::mm", cpu=700, cpu_total=750, calls=6), STEP_ON_CPU], on_gpu=False)
    assert device == "cpu"
    assert rows == [
        {"name": "aten::mm", "calls": 6, "self_ms": 0.7, "total_ms": 0.75, "share": 0.7},
        {"name": BETWEEN_OPERATORS, "calls": 1, "self_ms": 0.3, "total_ms": 2.0, "share": 0.3},
    ]


def test_on_a_gpu_operators_have_the_time_of_their_kernels() -> None:
    device, rows = top_operators(
        [
            counted("aten::linear", cpu=90, gpu=0, gpu_total=600),
            counted("aten::addmm", cpu=50, gpu=600),
            counted("aten::relu", cpu=20, gpu=150),
            counted("sgemm_128x64", gpu=600, on="CUDA"),
            counted("elementwise_kernel", gpu=150, on="CUDA"),
            counted("Memcpy DtoD", gpu=50, on="CUDA"),
            counted("Optimizer.step#Adam.step", gpu=400, on="CUDA", mark=True),
            STEP_ON_CPU, STEP_ON_GPU,
        ],
        on_gpu=True,
    )  # fmt: skip
    assert device == "cuda"
    assert [(row["name"], row["share"]) for row in rows] == [("aten::addmm", 0.8), ("aten::relu", 0.2)]


def test_kernels_have_their_own_names_where_a_graph_has_launched_them() -> None:
    device, rows = top_operators(
        [
            counted("cudaGraphLaunch", cpu=30),
            counted("aten::copy_", cpu=5, gpu=10),
            counted("sgemm_128x64", gpu=60, calls=40, on="CUDA"),
            counted("elementwise_kernel", gpu=40, on="CUDA"),
            STEP_ON_CPU, STEP_ON_GPU,
        ],
        on_gpu=True,
    )  # fmt: skip
    assert device == "cuda"
    assert [(row["name"], row["calls"]) for row in rows] == [("sgemm_128x64", 40), ("elementwise_kernel", 1)]


def test_without_kernels_the_table_shows_the_hosts_time() -> None:
    device, rows = top_operators([counted("aten::mm", cpu=50), STEP_ON_CPU], on_gpu=True)
    assert device == "cpu"
    assert [row["name"] for row in rows] == [BETWEEN_OPERATORS, "aten::mm"]


@pytest.mark.parametrize("on_gpu", [False, True])
def test_nothing_profiled_makes_an_empty_table(on_gpu: bool) -> None:
    assert top_operators([], on_gpu=on_gpu) == ("cpu", [])


def test_the_table_is_bounded_in_rows_and_names() -> None:
    _, rows = top_operators([counted(f"{'x' * 500}{n}", cpu=n + 1) for n in range(100)], on_gpu=False)
    assert len(rows) == MOST_OPERATORS
    assert {len(row["name"]) for row in rows} == {LONGEST_NAME}
    assert sum(row["share"] for row in rows) < 1
