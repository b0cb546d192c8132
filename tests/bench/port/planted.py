"""Faults that people make when they port a model, each one edit of a right port's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Planted:
    """edits: what is replaced in the port. place: words of the place that must be named. said:
    words that the sentence must hold."""

    name: str
    edits: tuple[tuple[str, str], ...]
    place: str
    said: str = ""

    def write(self, port: str, folder: Path) -> Path:
        """The port with the fault, as a file of its own."""
        text = (PROGRAMS / port).read_text(encoding="utf-8")
        for old, new in self.edits:
            assert text.count(old) == 1, (self.name, old, text.count(old))
            text = text.replace(old, new)
        path = folder / f"{self.name.replace(' ', '_')}.py"
        path.write_text(text, encoding="utf-8")
        return path


def planted(name: str, *words: str, place: str, said: str = "") -> Planted:
    """words: what is replaced, and by what, in turns."""
    return Planted(name, tuple(zip(words[::2], words[1::2], strict=True)), place, said)


STEP = "    model.optimizer.zero_grad()\n    loss = loss_of(model, x, y)\n    loss.backward()\n"
ADAM = "torch.optim.Adam(self.parameters(), lr=1e-3, eps=1e-7)"
ENTROPY = "nn.functional.cross_entropy(model(x), torch.as_tensor(y))"
IN_TURN = "        model.optimizer.step()"

CNN = (
    planted("wrong flatten", "x.permute(0, 2, 3, 1).flatten(1)", "x.flatten(1)",
            place="layer `flatten`", said="channels first"),
    planted("kernel turned over", "return value.permute(3, 2, 0, 1) if value.ndim == 4",
            "return value.permute(3, 2, 0, 1).flip(2, 3) if value.ndim == 4",
            "value = value.permute(2, 3, 1, 0) if value.ndim == 4",
            "value = value.flip(2, 3).permute(2, 3, 1, 0) if value.ndim == 4",
            place="layer `conv`", said="the first"),
    planted("kernel not turned back", "value = value.permute(2, 3, 1, 0) if value.ndim == 4",
            "value = value.permute(3, 2, 1, 0) if value.ndim == 4",
            place="weight `conv/kernel`", said="another order"),
    planted("average for maximum", "nn.MaxPool2d(2)", "nn.AvgPool2d(2)", place="layer `pool`"),
    planted("relu after norm too", "x = self.norm(x)", "x = torch.relu(self.norm(x))",
            place="layer `norm`", said="has the relu of what"),
    planted("relu6", "x = torch.relu(self.hidden(x))", "x = nn.functional.relu6(self.hidden(x))",
            place="layer `hidden`, on large rows", said="above 6"),
    planted("epsilon of batch norm", "eps=1e-3, ", "", place="layer `norm`", said="epsilon"),
    planted("momentum of batch norm", "momentum=0.01", "momentum=0.99",
            place="running statistic `norm/moving_mean`", said="99 times"),
    planted("batch norm always in training", "    model.eval()\n", "    model.train()\n",
            place="prediction"),
    planted("dropout left on", "self.dropout = nn.Dropout(dropout)",
            "self.dropout = nn.Dropout(dropout)\n        self.dropout.eval()",
            "        x = self.dropout(x)\n",
            "        x = nn.functional.dropout(x, 0.5, True)\n",
            place="prediction", said="dropout left on"),
    planted("another dropout rate", "nn.Dropout(dropout)", "nn.Dropout(dropout / 2)",
            place="dropout `dropout`", said="of the values"),
    planted("one mask for all rows", "x = self.dropout(x)",
            "x = x * self.dropout(torch.ones_like(x[:1]))",
            place="dropout `dropout`", said="same values in every row"),
    planted("dropout not scaled", "x = self.dropout(x)",
            "x = x * (self.dropout(torch.ones_like(x)) > 0).float() "
            "if self.training and self.dropout.p else x",
            place="dropout `dropout`", said="multiplies what is kept"),
    planted("no dropout", "        x = self.dropout(x)\n", "", place="dropout `dropout`",
            said="does not"),
    planted("sum for mean", ENTROPY, ENTROPY[:-1] + ", reduction='sum')", place="the loss",
            said="16 times"),
    planted("softmax twice", "nn.functional.cross_entropy(model(x)",
            "nn.functional.cross_entropy(model(x).softmax(1)", place="the loss"),
    planted("label smoothing", ENTROPY, ENTROPY[:-1] + ", label_smoothing=0.1)",
            place="the loss"),
    planted("probabilities given out", "return model(x).numpy()",
            "return model(x).softmax(1).numpy()", place="outputs", said="softmax"),
    planted("learning rate", "lr=1e-3", "lr=1e-2", place="the optimizer, in step 1",
            said="learning rate 0.01"),
    planted("epsilon of Adam", "eps=1e-7", "eps=1e-4", place="the optimizer", said="ε 0.0001"),
    planted("Adam's default epsilon", ", eps=1e-7", "",  # where it shows first is the rows' luck
            place="the optimizer", said="ε 1e-08"),
    planted("second moment", "eps=1e-7", "eps=1e-7, betas=(0.9, 0.99)", place="the optimizer",
            said="β2 0.99,"),
    planted("weight decay", "eps=1e-7", "eps=1e-7, weight_decay=1e-2", place="the optimizer",
            said="weight decay 0.01 in the gradient"),
    planted("AdamW", ADAM, ADAM.replace("Adam(", "AdamW("), place="the optimizer",
            said="weight decay 0.01 decoupled"),
    planted("another optimizer", ADAM, "torch.optim.SGD(self.parameters(), lr=1e-3)",
            place="the optimizer, in step 1", said="by SGD"),
    planted("gradients never zeroed", STEP, STEP.replace("    model.optimizer.zero_grad()\n", ""),
            place="the optimizer, in step 2", said="never zeroed"),
    planted("gradients clipped", "    loss.backward()\n    model.optimizer.step()",
            "    loss.backward()\n"
            "    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    model.optimizer.step()",
            place="the optimizer", said="clipped to a norm"),
    planted("a new optimizer each step", STEP,
            f"    self = model\n    model.optimizer = {ADAM}\n" + STEP,
            place="the optimizer, in step 2", said="as if new"),
    planted("a layer without optimizer", "torch.optim.Adam(self.parameters(), ",
            "torch.optim.Adam([*self.conv.parameters(), *self.norm.parameters(), "
            "*self.logits.parameters()], ",
            place="the first step of `hidden/kernel`", said="does not move"),
    planted("a learning rate that falls", "    model.optimizer.step()\n",
            "    model.optimizer.step()\n"
            "    model.count = getattr(model, 'count', 0) + 1\n"
            "    model.optimizer.param_groups[0]['lr'] = 1e-3 if model.count < 10 else 1e-4\n",
            place="the optimizer, in step 11", said="no rule"),
    planted("a frozen layer", "self.optimizer =",
            "self.conv.requires_grad_(False)\n        self.optimizer =",
            "if name in own}", "if name in own and own[name].grad is not None}",
            place="the gradient of `conv/", said="has none"),
    planted("a gradient cut off", "x = self.pool(x)", "x = self.pool(x).detach()",
            "unlaid(own[name].grad) for",
            "unlaid(torch.zeros_like(own[name]) if own[name].grad is None else own[name].grad) for",
            place="the gradient of `norm/beta`", said="zero there"),
)  # fmt: skip

LSTM = (
    planted("swapped gates", "return value.T if value.ndim == 2 and name != AS_IT_IS else value",
            'value = value.T if value.ndim == 2 and name != AS_IT_IS else value\n'
            '    if name.startswith("lstm"):\n'
            '        at = -1 if value.shape[-1] == 28 else 0\n'
            '        i, f, g, o = np.split(np.asarray(value), 4, at)\n'
            '        value = np.concatenate([i, g, f, o], at)\n'
            '    return value',
            place="layer `lstm`", said="the cell gate's weights as the forget gate's"),
    planted("the first state", "self.lstm(x)[0][:, -1]", "self.lstm(x)[0][:, 0]",
            place="layer `lstm`"),
    planted("read backwards", "x = self.lstm(x)", "x = self.lstm(x.flip(1))",
            place="layer `lstm`"),
    planted("state kept between calls", "x = self.lstm(x)[0][:, -1]",
            "x, state = self.lstm(x, getattr(self, 'state', None) if "
            "getattr(self, 'rows', 0) == len(x) else None)\n"
            "        self.state, self.rows = tuple(s.detach() for s in state), len(x)\n"
            "        x = x[:, -1]",
            place="prediction", said="state kept"),
    planted("padding not trained", "nn.Embedding(30, 6)", "nn.Embedding(30, 6, padding_idx=0)",
            place="the gradient of `embedding/embeddings`", said="rows 0 are zero"),
    planted("gradients cut in time", "x = self.lstm(x)[0][:, -1]",
            "_, state = self.lstm(x[:, :-3])\n"
            "        x = self.lstm(x[:, -3:], tuple(s.detach() for s in state))[0][:, -1]",
            place="the gradient of `lstm/", said="`out/kernel`"),
    planted("a second trained bias", "        self.lstm.bias_hh_l0.requires_grad_(False)\n", "",
            place="prediction after training", said="trains what `weights` does not give"),
    planted("momentum forgotten", ", momentum=0.9", "", place="the optimizer, in step 2",
            said="momentum 0.9"),
    planted("Nesterov", "momentum=0.9", "momentum=0.9, nesterov=True",
            place="the optimizer, in step 1", said="Nesterov"),
    planted("a penalty on weights", "return nn.functional.mse_loss(model(x), torch.as_tensor(y))",
            "return nn.functional.mse_loss(model(x), torch.as_tensor(y)) "
            "+ 1e-2 * (model.out.weight ** 2).sum()",
            place="the loss"),
    planted("half precision", "x = self.lstm(x)[0][:, -1]",
            "x = self.lstm(x.bfloat16().float())[0][:, -1]", place="layer `lstm`"),
    planted("targets that broadcast", "torch.as_tensor(y))", "torch.as_tensor(y)[:, 0])",
            place="the loss"),
    planted("the bias left out", '    "out/bias": "out.bias",\n', "", place="weight `out/bias`",
            said="has no"),
)  # fmt: skip
