"""One training step of a GPT: ours and PyTorch eager.

Both start from the same weights and see the same batches, a fresh one at each step; after the
first steps they must predict the same, or the comparison would be of different things. (Not all
weights need agree: Adam divides a gradient by its own size, so where it is all but 0, as it is for
the biases of the keys, rounding decides.) PyTorch's model is written as one would write it there,
with its fused causal attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from paired import Variant
from torch import nn

from tinytorch import GPT, AdamW, CrossEntropyLoss, Tensor

BATCHES = 16
RATE = 0.001


@dataclass(frozen=True)
class GptWorkload:
    """The sizes of a GPT, the length of its texts, and how many are in a batch."""

    width: int
    layers: int
    heads: int
    length: int
    batch: int
    vocabulary: int = 65

    def __str__(self) -> str:
        sizes = f"GPT d{self.width} L{self.layers} H{self.heads}"
        return f"{sizes}, {self.length} tokens, batch {self.batch}, AdamW"

    def batches(self) -> list[np.ndarray]:
        """Texts, each one token longer than the model reads."""
        shape = self.batch, self.length + 1
        rng = np.random.default_rng(0)
        return [rng.integers(0, self.vocabulary, shape) for _ in range(BATCHES)]

    def model(self) -> GPT:
        """Ours, always with the same weights; no dropout."""
        np.random.seed(1)
        return GPT(
            self.vocabulary, self.width, self.layers, self.heads, self.length, dropout_prob=0.0
        )


def tinytorch_variant(work: GptWorkload) -> Variant:
    """The step as a learner writes it."""
    model = work.model()
    update = AdamW(model.parameters(), RATE, weight_decay=0.01)
    loss_fn, batches = CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        tokens = next(batches)
        update.zero_grad()
        loss_fn(model(Tensor(tokens[:, :-1])), Tensor(tokens[:, 1:])).backward()
        update.step()

    return step, lambda: [model(Tensor(work.batches()[0][:, :-1])).data]


class TorchBlock(nn.Module):
    """A pre-norm block, parameters in our order."""

    def __init__(self, work: GptWorkload) -> None:
        super().__init__()
        width = work.width
        self.heads = work.heads
        self.ln1 = nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.ln2 = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gelu = nn.GELU(approximate="tanh")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        y = self.ln1(x)
        q, k, v = (
            project(y).view(batch, length, self.heads, -1).transpose(1, 2)
            for project in (self.q, self.k, self.v)
        )
        found = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(found.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(self.gelu(self.up(self.ln2(x))))


class TorchGPT(nn.Module):
    """The same model, parameters in our order."""

    def __init__(self, work: GptWorkload) -> None:
        super().__init__()
        self.tokens = nn.Embedding(work.vocabulary, work.width)
        self.positions = nn.Embedding(work.length, work.width)
        self.blocks = nn.Sequential(*[TorchBlock(work) for _ in range(work.layers)])
        self.norm = nn.LayerNorm(work.width)
        self.head = nn.Linear(work.width, work.vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def _turned(model: nn.Module) -> list[tuple[torch.Tensor, bool]]:
    """Each parameter, and whether it lies the other way round than ours (a linear layer's)."""
    return [
        (parameter, isinstance(module, nn.Linear) and name == "weight")
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
    ]


def torch_variant(work: GptWorkload) -> Variant:
    """The same in PyTorch, eager, with its default options."""
    model = TorchGPT(work)
    with torch.no_grad():
        for (parameter, turned), ours in zip(
            _turned(model), work.model().parameters(), strict=True
        ):
            parameter.copy_(torch.from_numpy(ours.data.T.copy() if turned else ours.data))
    update = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    loss_fn, batches = nn.CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        tokens = torch.from_numpy(next(batches))
        update.zero_grad()
        logits = model(tokens[:, :-1])
        loss_fn(logits.reshape(-1, work.vocabulary), tokens[:, 1:].reshape(-1)).backward()
        update.step()

    def logits() -> list[np.ndarray]:
        tokens = torch.from_numpy(work.batches()[0])
        return [model(tokens[:, :-1]).detach().numpy()]

    return step, logits


VARIANTS = {"tinytorch": tinytorch_variant, "torch": torch_variant}
