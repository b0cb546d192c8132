"""PyTorch, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Export, Framework, Implementation, Installation, Place, Scheme
from adapters.repeating import Repeating


def torchrun(place: Place) -> dict[str, str]:
    """The variables that torchrun sets for a process."""
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(place.ports[0]),
        "RANK": str(place.rank),
        "LOCAL_RANK": str(place.rank),
        "WORLD_SIZE": str(place.size),
    }


_SCHEMES = "adapters.pytorch.distributed"

FRAMEWORK = Framework(
    name="pytorch",
    title="PyTorch",
    order=2,
    package="torch",
    repeating=Repeating(
        "a switch",
        "seeds, and `torch.use_deterministic_algorithms(True)`, on one platform and release",
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
    ),
    implementations=(
        Implementation(
            "pytorch", "eager", "adapters.pytorch.contender", "torch",
            "torch.nn and torch.optim, run eagerly",
            tests=("tests/adapters/test_pytorch_device.py",),  # of the documented row as well
            division="tuned",
            departures=(
                "batches are gathered by index_select from rows that are on the device, "
                "without a DataLoader",
                "images stay height, width, channels in memory (channels_last), and are flattened "
                "in that order",
                "Adam is asked for in its fused form, and relu works in place",
                "losses are read once a call, not once a step",
                "predictions run under inference_mode, and one batch is not split",
                "numbers too small for an ordinary float32 count as zero (set_flush_denormal), as "
                "TensorFlow and JAX have it by default",
                "on a GPU cuDNN tries its kernels and keeps the fastest (cudnn.benchmark)",
                "one thread between operators (set_num_interop_threads)",
            ),
        ),
        Implementation(
            "pytorch", "compile", "adapters.pytorch.compiled", "torch",
            "a step compiled by torch.compile without a break; up to 32 time steps", usual=False,
            tests=("tests/adapters/test_cuda_graphs.py",),  # need PyTorch, but no GPU
            division="tuned",
            departures=(
                "a whole step, gathering and gradients included, is one graph (fullgraph=True), "
                "not the model alone",
                "private switches of torch.compile are set (trace_autograd_ops, allow_rnn, "
                "fail_on_recompile_limit_hit)",
                "recurrent layers are written out time step by time step",
                "for recurrent networks, and on a GPU for all, Adam is written by hand inside the "
                "graph; elsewhere it is torch.optim's fused form",
                "on a GPU a step is recorded as a CUDA graph (mode reduce-overhead), and what it "
                "writes to is marked by a private function",
                "images stay height, width, channels in memory (channels_last), and are flattened "
                "in that order",
                "losses are read once a call, not once a step",
                "numbers too small for an ordinary float32 count as zero (set_flush_denormal), as "
                "TensorFlow and JAX have it by default",
                "on a GPU cuDNN tries its kernels and keeps the fastest (cudnn.benchmark)",
            ),
        ),
        Implementation(
            "pytorch", "loop", "adapters.pytorch.documented", "torch",
            "the tutorials' program: torch.nn, a DataLoader, the training loop, torch.optim",
            usual=False, division="documented",
            tests=("tests/adapters/test_documented_pytorch.py",),
        ),
        Implementation(
            "pytorch", "torch-compile", "adapters.pytorch.documented", "torch",
            "the tutorials' program with torch.compile(model) and nothing else",
            usual=False, division="documented",
            tests=("tests/adapters/test_documented_pytorch.py",),
        ),
        Implementation(
            "pytorch", "lightning", "adapters.pytorch.documented_lightning", "lightning",
            "the tutorials' network in a LightningModule, by Trainer.fit and Trainer.predict",
            environment="pytorch_lightning", usual=False, division="documented",
            tests=("tests/adapters/test_documented_pytorch.py",),
        ),
        Implementation(
            "pytorch", "fastai", "adapters.pytorch.documented_fastai", "fastai",
            "the tutorials' network in a fastai Learner, by Learner.fit and Learner.get_preds",
            environment="pytorch_fastai", usual=False, division="documented",
            tests=("tests/adapters/test_documented_pytorch.py",),
        ),
    ),
    installations=(
        Installation("pytorch_lightning", after="pytorch"),
        Installation("pytorch_fastai", after="pytorch"),
    ),
    schemes=(
        Scheme(
            "pytorch", "ddp", _SCHEMES, "DistributedDataParallel over gloo", variables=torchrun
        ),
        Scheme("pytorch", "fsdp", _SCHEMES, "fully_shard (FSDP2) over gloo", variables=torchrun),
    ),
    exports=(
        Export("onnx", "pytorch_export"),
        Export("onnx-int8-dynamic", "onnx_export", of="onnx"),
        Export("onnx-int8-static", "onnx_export", of="onnx"),
        Export("openvino", "pytorch_export"),
        Export("torch-export", "pytorch_export"),
        Export("aot-inductor", "pytorch_export"),
        Export("torchscript", "pytorch_export"),
        Export("executorch", "executorch"),
        Export(
            "litert",
            refused="litert-torch 0.10.0 is PyTorch's converter to LiteRT and asks for another "
            "PyTorch (2.14.1) than the one that is measured here",
        ),
    ),
)  # fmt: skip
