"""The training recipe: what a network is trained on, by what, and for how long; and what a run
leaves.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairmill.schemas.base import Digest, Frozen, Grown, Key
from pairmill.schemas.discriminator import DiscriminatorConfig
from pairmill.schemas.joint import JointConfig
from pairmill.schemas.learned import Betas
from pairmill.schemas.losses import GanConfig, L1Config, LossConfig
from pairmill.schemas.network import NetworkConfig
from pairmill.schemas.networks.base import HeadsBase
from pairmill.schemas.networks.ikc import IkcConfig
from pairmill.schemas.schedule import ConstantSchedule, ScheduleConfig

Weight = Annotated[float, Field(ge=0)]
Reference = Annotated[str, Field(min_length=1)]


class OptimiserConfig(Frozen):
    """How weights follow their gradients."""

    kind: Literal["adam", "adamw"] = "adam"
    """`adam` (Kingma and Ba 2015), or `adamw`, whose decay is not scaled by the gradients
    (Loshchilov and Hutter 2019)."""
    learning_rate: float = Field(default=2e-4, gt=0)
    """Highest learning rate."""
    betas: Betas = (
        0.9,
        0.99,
    )
    """Memory of the means of gradients and of their squares."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Pull of every weight towards 0."""
    clip: float = Field(default=0.0, ge=0)
    """Greatest norm of all gradients together; 0 clips nothing."""
    schedule: ScheduleConfig = ConstantSchedule()
    """How the rate goes over the steps."""


class StartConfig(Frozen):
    """Weights that training starts from instead of random ones."""

    file: str
    """Checkpoint, .safetensors or .pth; a relative path counts from the recipe's folder."""
    part: Literal["all", "body"] = "all"
    """`all`: the same network and scale; `body`: everything but the upsampling layers and the
    kernel's code, for a network of another scale."""


class PhaseConfig(Frozen):
    """From a step on, other samples: one part of a curriculum. What is not said stays as it was in
    the phase before.
    """

    at: int = Field(ge=1)
    """First step of the phase, counted from 0."""
    crop: int | None = Field(default=None, ge=8)
    """Side of HR crops, in pixels."""
    batch: int | None = Field(default=None, ge=1)
    """Pairs per step and process."""
    degraders: dict[str, Weight] | None = None
    """How often a pair of a degrader is taken, by the degrader's name in the corpus; those not
    named are left out."""


class ValidationConfig(Frozen):
    """How a run looks at itself."""

    every: int = Field(default=5000, ge=1)
    """Steps between two validations; the last step has one too."""
    split: Literal["val", "test", "train"] = "val"
    """Split that is looked at."""
    images: int = Field(default=64, ge=1)
    """Maximum number of tiles that are looked at, evenly spread over the split."""
    pictures: int = Field(default=4, ge=0)
    """Tiles that are shown."""
    patience: int = Field(default=0, ge=0)
    """Validations without a better PSNR after which training stops; 0 never stops early."""


class CheckpointConfig(Frozen):
    """What is kept of a run on the way."""

    every: int = Field(default=5000, ge=1)
    """Steps between two checkpoints; every one is a place that a killed run continues from."""
    keep: int = Field(default=3, ge=0)
    """How many of those checkpoints are kept as weights; the last and the best are kept besides."""


class LoadingConfig(Frozen):
    """How pairs are read; it changes no batch."""

    workers: int = Field(default=1, ge=0, le=64)
    """Processes that decode; 0 decodes between the steps. Corpora of several scales share them, one
    each at least."""
    prefetch: int = Field(default=4, ge=1)
    """Batches that each of them keeps ready."""


class TrainConfig(Frozen):
    """Everything that determines a training run, given the corpus."""

    name: Key
    """Name of the run and of its folder."""
    corpus: (
        Reference
        | Annotated[dict[Annotated[int, Field(ge=2, le=8)], Reference], Field(min_length=2)]
    )
    """Version to train on: NAME for the newest, NAME@VERSION or NAME@TAG. For a network of several
    scales one for each, such as `{2: NAME, 4: NAME}`: every batch is of one of them, drawn by
    lot."""
    scale: int | None = Field(default=None, ge=2, le=8)
    """HR side over LR side that the corpus must have; without it, that of the corpus."""
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seed of the initial weights, of the order and of the crops."""
    network: NetworkConfig
    """What is trained."""
    losses: tuple[LossConfig, ...] = Field(default=(L1Config(),), min_length=1)
    """Terms of the sum that is minimised."""
    discriminator: DiscriminatorConfig | None = None
    """Who judges, for loss `gan`."""
    discriminator_optimiser: OptimiserConfig | None = None
    """How it learns; without it, as the network does."""
    discriminator_from: int = Field(default=0, ge=0)
    """Step that the discriminator and loss `gan` join at."""
    steps: int = Field(default=300_000, ge=1)
    """Length of the run."""
    batch: int = Field(default=16, ge=1)
    """Pairs per step and process."""
    crop: int = Field(default=128, ge=8)
    """Side of HR crops, in pixels; a multiple of the scale, of each where there are several."""
    degraders: dict[str, Weight] | None = None
    """How often a pair of a degrader is taken, by the degrader's name in the corpus; those not
    named are left out. Without it every pair is taken once per epoch.
    """
    labels: Literal["told", "ignored"] = "told"
    """Of a network that takes the kernel and the noise: `told`: it learns with those of each pair,
    which the corpus knows; `ignored`: it always assumes the usual ones. Others never ask."""
    phases: tuple[PhaseConfig, ...] = ()
    """A curriculum: other samples from given steps on."""
    optimiser: OptimiserConfig = OptimiserConfig()
    """How the network learns."""
    start_from: StartConfig | None = None
    """Weights to start from; random ones without it."""
    ema: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the EMA of the weights, which is what is validated and saved; 0 keeps
    none."""
    joint: JointConfig | None = None
    """Who learns beside the network from real photographs and makes its LR; without it, LR are the
    corpus'."""
    precision: Literal["full", "bf16", "fp16"] = "full"
    """`full`: float32; `bf16` and `fp16`: mixed; `fp16` scales the loss and needs a GPU."""
    compile: bool = False
    """Whether torch.compile makes the network faster, after a slow first step."""
    channels_last: bool = False
    """Whether images lie channels last in memory, which is faster on many GPUs."""
    loading: LoadingConfig = LoadingConfig()
    """How pairs are read."""
    validation: ValidationConfig = ValidationConfig()
    """How the run looks at itself."""
    checkpoints: CheckpointConfig = CheckpointConfig()
    """What is kept on the way."""
    log_every: int = Field(default=100, ge=1)
    """Steps between two lines of the log."""

    @property
    def corpora(self) -> dict[int, str]:
        """Versions by scale, rising, of a network of several; empty for one corpus."""
        if isinstance(self.corpus, str):
            return {}
        return dict(sorted(self.corpus.items()))

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator takes part."""
        return any(isinstance(loss, GanConfig) for loss in self.losses)

    @property
    def labelled(self) -> bool:
        """Whether the network learns from how each LR was made."""
        return self.network.labelled and self.labels == "told"

    def identity(self) -> dict[str, Any]:
        """What a run that continues must not change; a longer run and another look at it are no
        other run.
        """
        return self.model_dump(mode="json", exclude=FREE)

    def at_step(self, step: int) -> tuple[int, PhaseConfig]:
        """Number of the phase that a step is in, and the phase in full; number 0 is what the recipe
        begins with.
        """
        number, found = (
            0,
            PhaseConfig(at=1, crop=self.crop, batch=self.batch, degraders=self.degraders),
        )
        for phase in self.phases:
            if step >= phase.at:
                number, found = number + 1, found.with_(**phase.model_dump(exclude_none=True))
        return number, found

    @model_validator(mode="after")
    def _scales(self) -> Self:
        heads = self.network.heads if isinstance(self.network, HeadsBase) else ()
        if not self.corpora:
            if heads:
                raise ValueError(
                    f"network.heads {list(heads)} need a corpus each: corpus: "
                    f"{{{', '.join(f'{head}: NAME' for head in heads)}}}"
                )
            return self
        scales, largest = list(self.corpora), max(self.corpora)
        if self.scale is not None or self.joint is not None:
            key = "scale" if self.scale is not None else "joint"
            raise ValueError(f"{key}: goes with one corpus, not with one per scale")
        if problem := self.network.problem(largest):
            raise ValueError(f"network: {problem}")
        has = list(self.network.heads_at(largest))
        if set(scales) - set(has) or (heads and has != scales):
            raise ValueError(
                f"network: {self.network.arch} has scales {has}, the corpora are of {scales}"
                + (f"; say heads: {scales}" if isinstance(self.network, HeadsBase) else "")
            )
        return self

    def _untaught(self) -> str:
        """What a network with a loss of its own cannot learn with; empty if it can."""
        name = self.network.arch
        if self.labels == "ignored" or self.joint is not None:
            return f"labels: {name} learns from how each LR was made, and from nothing else"
        if self.losses != (L1Config(),):
            return f"losses: {name} has its own; leave `losses:` out"
        if isinstance(self.network, IkcConfig) and self.start_from is None:
            return (
                "start_from: ikc finds kernels for a network that was trained before; train "
                "`sftmd` with `network:` of these settings, and name its checkpoint"
            )
        return ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        starts = [phase.at for phase in self.phases]
        if starts != sorted(set(starts)):
            raise ValueError(f"phases must begin one after the other, got {starts}")
        if self.adversarial and self.discriminator is None:
            raise ValueError("loss gan needs a `discriminator:`")
        if self.discriminator is not None and not self.adversarial:
            raise ValueError(
                "a discriminator without a loss gan has nothing to say; add {loss: gan}"
            )
        sides = {self.crop, *(phase.crop for phase in self.phases if phase.crop is not None)}
        if self.discriminator is not None:
            problems = [self.discriminator.problem(side) for side in sorted(sides)]
        else:
            problems = []
        if problem := next((problem for problem in problems if problem), ""):
            raise ValueError(f"crop: {problem}")
        widest = max(getattr(loss, "low_pass", 0) for loss in self.losses)
        if widest > min(sides):
            raise ValueError(f"losses: low_pass {widest} is wider than a crop of {min(sides)}")
        if self.network.taught and (problem := self._untaught()):
            raise ValueError(problem)
        if self.joint is not None and self.labelled:
            raise ValueError(
                "nobody knows the kernels of LR that joint training makes; say `labels: ignored`"
            )
        if self.joint is not None and self.precision == "fp16":
            raise ValueError("joint training knows precision full and bf16, got fp16")
        if self.joint is not None and self.joint.cleans and self.network.arch != "cleaned":
            raise ValueError(
                f"joint.kind {self.joint.kind} trains a network that cleans first; say network: "
                f"{{arch: cleaned, network: {{arch: {self.network.arch}, ...}}}}"
            )
        if self.joint is not None and len(sides) > 1:
            raise ValueError(f"joint training keeps one crop, got {sorted(sides)}")
        if not any(
            loss.weight
            for loss in self.losses
            if not self.discriminator_from or not isinstance(loss, GanConfig)
        ):
            raise ValueError(
                "losses: nothing is minimised; give one a weight above 0, other than gan before "
                "discriminator_from"
            )
        return self


FREE = {"steps", "loading", "validation", "checkpoints", "log_every", "compile", "channels_last"}
"""Settings that a run may change when it is resumed. A longer run of a cosine without periods has
another curve from there on."""


class TrainedOn(Frozen):
    """A corpus version that a run trains on."""

    corpus: str
    """Name of the corpus."""
    version: str
    """Its version."""
    digest: Digest
    """The version's digest."""

    @property
    def reference(self) -> str:
        """NAME@VERSION."""
        return f"{self.corpus}@{self.version}"


class TrainingRun(Grown):
    """`run.json`: what a run was started with."""

    added: ClassVar[tuple[str, ...]] = ("smaller",)

    config: TrainConfig
    """The recipe with every default."""
    corpus: str
    """Name of the corpus."""
    version: str
    """Its version, found when the run was started."""
    digest: Digest
    """The version's digest."""
    scale: int
    """HR side over LR side; the largest of a network of several scales."""
    smaller: dict[int, TrainedOn] = Field(default={})
    """The versions of the smaller scales."""
    parameters: int
    """Parameters of the network."""
    real: Digest | None = None
    """Digest of the real photographs of joint training."""
    started: str
    """When it was started, ISO 8601, UTC."""
    software: dict[str, str]
    """Versions of Python and of the libraries."""

    @property
    def versions(self) -> dict[int, TrainedOn]:
        """All versions by scale, rising."""
        last = TrainedOn(corpus=self.corpus, version=self.version, digest=self.digest)
        return self.smaller | {self.scale: last}


class Score(Grown):
    """What a validation found."""

    added: ClassVar[tuple[str, ...]] = ("scales",)

    step: int
    """Steps made."""
    psnr_y: float
    """Mean PSNR of luma, in dB, on 8-bit images, without a border of `scale` pixels; of several
    scales the mean of theirs."""
    scales: dict[int, float] = Field(default={})
    """The same by scale, where there are several."""
    images: int
    """Tiles looked at."""
    degraders: dict[str, float]
    """The same by degrader; `x2/NAME` where there are several scales."""


class CheckpointCard(Grown):
    """The JSON next to a checkpoint."""

    added: ClassVar[tuple[str, ...]] = ("smaller",)

    format: Literal["pairmill-checkpoint/1"] = "pairmill-checkpoint/1"
    """What this is."""
    run: str
    """Name of the run."""
    network: NetworkConfig
    """The network."""
    scale: int
    """HR side over LR side; the largest of a network of several scales."""
    corpus: str
    """Version trained on, as NAME@VERSION."""
    smaller: dict[int, str] = Field(default={})
    """Those of the smaller scales."""
    digest: Digest
    """Digest of that version."""
    step: int
    """Steps made."""
    averaged: bool
    """Whether the weights are the EMA."""
    score: Score | None
    """What the last validation up to here found; none before the first."""
    sha256: Digest
    """Digest of the file of weights."""
