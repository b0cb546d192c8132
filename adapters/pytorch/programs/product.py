"""PyTorch: one large matrix product and one copy, for the machine's ceiling."""

import torch


def product(a, b, device, precision):
    torch.backends.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.from_numpy(x).to(device, kind) for x in (a, b))
    out = torch.empty_like(left)
    return waited(lambda: torch.mm(left, right, out=out), device)


def copy(x, device):
    source = torch.from_numpy(x).to(device)
    target = torch.empty_like(source)
    return waited(lambda: target.copy_(source), device)


def waited(call, device):
    def run():
        call()
        if device == "cuda":
            torch.cuda.synchronize()

    return run
