"""What device PyTorch computes on, and how strictly it computes float32 there."""

from __future__ import annotations

from typing import Any

import torch

from adapters.base import Device, Precision, Unsupported, modes_on


def require(device: Device) -> None:
    """Raises `Unsupported`, with PyTorch's own reason, where it cannot compute on "cuda"."""
    if device != "cuda" or torch.cuda.is_available():
        return
    if torch.version.cuda is None:
        raise Unsupported(
            f"this PyTorch, {torch.__version__}, is a build for CPUs only: the machine may have a "
            "GPU, but a build for CUDA has to be installed"
        )
    reason = f"this PyTorch is built for CUDA {torch.version.cuda} and finds no device for it"
    try:
        torch.cuda.init()  # tells of a driver that is too old, or of none
    except RuntimeError as error:
        raise Unsupported(f"{reason}: {' '.join(str(error).split())}") from error
    raise Unsupported(reason)


def set_precision(precision: Precision) -> None:
    """TF32 on a GPU where it is asked for, strict float32 everywhere else.

    PyTorch has old and new switches of the same thing, and raises where the old ones are read and
    do not agree with the new: so the old ones first, then each new one by itself.
    """
    narrow = precision == "tf32"
    torch.set_float32_matmul_precision("high" if narrow else "highest")
    torch.backends.cudnn.allow_tf32 = narrow
    for name, backend in fp32_backends().items():
        backend.fp32_precision = "tf32" if narrow and name.startswith("cu") else "ieee"


def flushes_denormals() -> bool:
    """Whether numbers too small for an ordinary float32 count as zero, in every thread.

    1.2e-38 is hardly an ordinary one, and its half is none.
    """
    values = torch.full((2**16 * torch.get_num_threads(),), 1.2e-38)
    return int(torch.count_nonzero(values * 0.5)) == 0


def debugging() -> str:
    """Which of PyTorch's modes for finding faults are on, as `settings` say it."""
    on_gpu = torch.version.cuda is not None and torch.cuda.is_initialized()
    waits = on_gpu and torch.cuda.get_sync_debug_mode() != 0
    return modes_on({"anomaly detection": torch.is_anomaly_enabled(), "cuda sync debug": waits})


def fp32_backends() -> dict[str, Any]:
    """Every switch of the arithmetic inside float32 operations; only "ieee" is strict."""
    return {
        "mkldnn_matmul": torch.backends.mkldnn.matmul,
        "mkldnn_conv": torch.backends.mkldnn.conv,
        "mkldnn_rnn": torch.backends.mkldnn.rnn,
        "cuda_matmul": torch.backends.cuda.matmul,
        "cudnn_conv": torch.backends.cudnn.conv,
        "cudnn_rnn": torch.backends.cudnn.rnn,
    }
