"""The state of a run: network, running average of its weights, optimizer; a step, and its checkpoint."""

import copy
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from speediness.errors import SpeedinessError, WeightsError
from speediness.models.checkpoint import start_from
from speediness.models.encoder import EncoderConfig
from speediness.models.sync_norm import synchronise_norms
from speediness.models.torch_runtime import compiled
from speediness.results.documents import written_whole
from speediness.training.metrics import RESUMED
from speediness.training.processes import Processes
from speediness.training.recipe import Recipe
from speediness.training.tasks.task import Batch, Forward

MAY_CHANGE = ("steps", "evaluate_every", "checkpoint_minutes", "lr", "bf16", "compiled")
"""Settings of a recipe that may be others when a run is resumed."""


class Run:
    """Everything a checkpoint of a recipe's training by these processes holds.

    Attributes:
        done: steps done.
        spent_s: seconds spent on them.
        sums: losses summed over the steps since the last row of metrics; ``steps`` counts them.
    """

    def __init__(self, recipe: Recipe, processes: Processes) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.processes, self.device = recipe, processes, processes.device
        self.done, self.spent_s = 0, 0.0
        self.sums: Counter[str] = Counter()
        self.bf16 = recipe.bf16 and has_bf16(self.device, recipe.config)
        self.task = recipe.task
        self.network = self.task.network(recipe.config).to(self.device)
        if recipe.init:
            start_from(self.network, recipe.init)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.memory = self.task.memory().to(self.device)
        self.forward = _trainable(self.network, processes, recipe.compiled)
        least = 1 if recipe.decay_norms else 2  # dimensions; norms and biases have one
        decayed = [p for p in self.network.parameters() if p.ndim >= least]
        free = [p for p in self.network.parameters() if p.ndim < least]
        groups = [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ]
        if recipe.optimizer == "sgd":
            self.optimizer: torch.optim.Optimizer = torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9)
        else:
            self.optimizer = torch.optim.AdamW(groups, lr=recipe.lr)

    def prepare(self, videos: Sequence[Any]) -> None:
        """Fit what is fitted rather than trained, before the first step."""
        self.task.prepare(self.network, videos)
        self.average.load_state_dict(self.network.state_dict())

    def step(self, batch: Batch, progress: float) -> None:
        """One update.

        Args:
            batch: this process's share of the step's clips.
            progress: how much of the run is done, 0..1; the learning rate follows it.

        Raises:
            SpeedinessError: the loss or its gradient is not a number; no weight was changed.
        """
        for group in self.optimizer.param_groups:
            share = learning_rate(self.done, progress, self.recipe.warmup_steps, self.recipe.last_lr)
            group["lr"] = self.recipe.lr * share
        # Dropout too depends on seed and step alone, so that a resumed run repeats itself.
        torch.manual_seed((self.recipe.seed * 1_000_003 + self.done) * 1009 + self.processes.rank)
        self.network.train()
        batch = batch.to(self.device)
        losses = self.task.step(self._cast(self.forward), self._cast(self.average), self.memory, batch)
        values = {name: loss.item() for name, loss in losses.items()}
        self.optimizer.zero_grad(set_to_none=True)
        if math.isfinite(values["loss"]):
            losses["loss"].backward()
        most = self.recipe.clip_gradient or math.inf
        length = nn.utils.clip_grad_norm_(self.network.parameters(), most)
        if not math.isfinite(values["loss"]) or not torch.isfinite(length):
            raise SpeedinessError(
                f"the loss of step {self.done} is {values['loss']}, its gradient {length.item()} long "
                f"(seed {self.recipe.seed}); its batch: {', '.join(batch.origins)}; the last checkpoint is "
                "intact, resume with a lower lr"
            )
        self.optimizer.step()
        decay = self.recipe.ema_decay
        if not self.task.steady_average:
            # The average starts short, so that it does not drag the random start along.
            decay = min(decay, (1 + self.done) / (10 + self.done))
        _average(self.average, self.network, decay)
        self.sums.update({**values, "steps": 1})
        self.done += 1

    def _cast(self, forward: Callable[..., tuple[Tensor, ...]]) -> Forward:
        """A network at the precision of this run, its answers in float32."""

        def cast(*inputs: Tensor) -> tuple[Tensor, ...]:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                answers = forward(*inputs)
            return tuple(answer.float() for answer in answers)

        return cast

    def means(self) -> dict[str, float]:
        """The mean losses since the last call, over all processes; all of them must call it."""
        steps = self.sums.pop("steps")
        means = self.processes.mean([total / steps for total in self.sums.values()])
        row = dict(zip(self.sums, means, strict=True))
        self.sums.clear()
        return row

    def save(self, path: Path) -> None:
        """Write everything needed to go on; the checkpoint before stays until this one is whole.

        Raises:
            OutputError: the disk is full or the folder cannot be written.
        """
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"memory.{k}": v for k, v in self.memory.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        header = {
            "step": str(self.done),
            "spent_s": str(self.spent_s),
            "sums": json.dumps(self.sums),
            "recipe": json.dumps(self.recipe.to_json()),
        }
        with written_whole(path, RESUMED, also=SafetensorError) as partial:
            save_file({k: v.detach().contiguous() for k, v in tensors.items()}, partial, metadata=header)
            with partial.open("rb") as file:
                os.fsync(file.fileno())

    def restore(self, path: Path) -> None:
        """Load what :meth:`save` wrote.

        Raises:
            SpeedinessError: the checkpoint is of another recipe; MAY_CHANGE names what may be another.
            WeightsError: not a checkpoint, or one of another network.
        """
        header = read_header(path)
        self._refuse_another(Recipe.from_json(json.loads(header["recipe"])), path)
        try:
            tensors = load_file(path)
            for part in ("network", "average", "memory"):
                prefix = f"{part}."
                state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
                getattr(self, part).load_state_dict(state)
        except (RuntimeError, SafetensorError) as error:
            raise WeightsError(
                f"{path} does not fit this recipe: {error}; resume with the recipe and settings of its run"
            ) from error
        optimizer = self.optimizer.state_dict()
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                optimizer["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(optimizer)
        self.done, self.spent_s = int(header["step"]), float(header["spent_s"])
        self.sums = Counter(json.loads(header["sums"]))

    def _refuse_another(self, recipe: Recipe, path: Path) -> None:
        before, now = vars(recipe), vars(self.recipe)
        changed = [name for name in now if name not in MAY_CHANGE and now[name] != before[name]]
        if changed:
            was = ", ".join(f"{name} was {before[name]}, is {now[name]}" for name in changed)
            raise SpeedinessError(
                f"{path} is of another recipe: {was}; resume with the recipe and --set of its run, or"
                " choose another --out"
            )


def read_header(path: Path) -> dict[str, Any]:
    """What a checkpoint says about itself: ``step``, ``spent_s``, ``sums`` and ``recipe``, as text.

    Raises:
        WeightsError: not a checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata()
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a checkpoint: {error}; train anew in another folder") from error


def has_bf16(device: torch.device, config: EncoderConfig) -> bool:
    """Whether bfloat16 is to be trusted there, and worth it.

    A CPU without it is 15 times slower in it. One that has it (AVX-512) gave 3D convolutions over few
    frames and pixels, as at the end of r3d18, gradients of 1e30 and more in every other run (torch
    2.13); MotionNet, which has none of the kind, was not hit.
    """
    if device.type != "cpu":
        return True
    return config.backbone == "motion" and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _trainable(
    network: nn.Module, processes: Processes, compile_it: bool
) -> Callable[..., tuple[Tensor, ...]]:
    """The network as it is called in training: shared between processes, compiled."""
    forward: Callable[..., tuple[Tensor, ...]] = network
    if processes.count > 1:
        synchronise_norms(network, processes.device)
        # Every process computes the same running statistics, so there is nothing to broadcast.
        forward = nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)
    if processes.device.type == "cuda":
        for parameter in network.parameters():
            if parameter.ndim == 5:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
        torch.set_float32_matmul_precision("high")
    return compiled(forward) if compile_it else forward


def learning_rate(step: int, progress: float, warmup_steps: int, last: float = 0.0) -> float:
    """Share of the full rate: linear warm-up, under a cosine that ends at ``last`` with the run."""
    cosine = last + (1 - last) * 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, (step + 1) / max(1, warmup_steps)) * cosine


@torch.no_grad()
def _average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of weights and batch-norm statistics."""
    current = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(current[name], 1 - decay)
        else:
            value.copy_(current[name])
