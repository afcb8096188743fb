"""What a run begins with: networks, losses, and the weights of a file."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from pairmill.models.archs import build
from pairmill.models.archs.aware import KernelAware
from pairmill.models.archs.kernel_code import Array as Kernels
from pairmill.models.archs.kernel_code import KernelCode
from pairmill.models.archs.layers import Network
from pairmill.models.archs.ncnn import read_checkpoint
from pairmill.models.archs.published_srmd import LacksComponentsError, with_components
from pairmill.models.archs.recognise import recognise
from pairmill.models.archs.taught import Taught
from pairmill.models.archs.weights import put_weights, read_weights_for
from pairmill.models.discriminators import build as build_discriminator
from pairmill.models.training.objective import Objective
from pairmill.models.training.training import Training, Wrap
from pairmill.pipeline.training.joint import Joint
from pairmill.pipeline.workspace.storage import clear_errors
from pairmill.schemas.errors import UserError
from pairmill.schemas.networks.aware import KernelAwareBase
from pairmill.schemas.training import TrainConfig

ENLARGING = ("upsample.", "upconv", "conv_up", "levels.")
"""First letters of the names of upsampling layers, which a start from the body leaves out."""
ENOUGH = 0.5
"""Smallest share of a body's numbers that a file must bring."""


def begin(
    config: TrainConfig,
    base: str,
    scale: int,
    device: str,
    wrap: Wrap,
    joint: Joint | None = None,
    *,
    fresh: bool,
    kernels: Kernels | None = None,
) -> Training:
    """A training at step 0.

    Args:
        config: the training recipe.
        base: folder that relative files start at.
        scale: of the corpus.
        device: `cpu` or `cuda`.
        wrap: see `Training`.
        joint: what joint training begins with.
        fresh: whether the weights of `start_from` are wanted; a run that continues has its own.
        kernels: (N, K, K) of the corpus, for a network that is told them; those that `start_from`
            was trained for go before.

    Raises:
        UserError: if the network cannot be built for the scale, or a file does not fit.
    """
    try:
        network = build(config.network, scale, config.seed)
        judge = None
        if config.discriminator is not None:
            judge = build_discriminator(config.discriminator, config.seed)
        objective = Objective(config.losses, lambda file: read_file(file, base), device)
        if kernels is not None and isinstance(network, KernelAware | Taught):
            network.learn(kernels)
        if config.start_from is not None and fresh:
            load_start(network, config, base, scale)
        partner = joint.partner(config, scale, network, device) if joint is not None else None
        return Training(config, network, objective, judge, device, wrap, partner)
    except ValueError as error:
        raise UserError(
            "this training cannot start", where=f"training recipe {config.name}", got=str(error)
        ) from error


def load_start(network: Network, config: TrainConfig, base: str, scale: int) -> None:
    """Put the weights of `start_from` into a network.

    Raises:
        UserError: if they are those of another network, or of another scale.
    """
    start = config.start_from
    assert start is not None
    data = read_checkpoint(lambda file: read_file(file, base), start.file)
    tensors = read_weights_for(config.network, data, start.file)
    if start.part == "body":
        _put_body(network, tensors, start.file)
        return
    if isinstance(config.network, KernelAwareBase):
        _check_told(tensors, config.network, scale, start.file)
    try:
        put_weights(_receiver(network, tensors), tensors, start.file)
    except UserError as error:
        if _other_scale(config, tensors, scale):
            todo = "`part: body` takes all but the upsampling layers"
        else:
            todo = error.todo
        raise UserError(
            "the weights to start from are those of another network or scale",
            where=start.file,
            got=error.got,
            wanted=error.wanted,
            todo=todo,
        ) from error


def _check_told(
    tensors: dict[str, Tensor], network: KernelAwareBase, scale: int, file: str
) -> None:
    """That weights of this kind of network come with what they mean by a kernel."""
    try:
        if recognise(tensors)[0].arch == network.arch:
            with_components(tensors, network, scale, file, None)
    except LacksComponentsError as error:
        raise UserError(
            error.what,
            where=file,
            got=error.got,
            wanted="a checkpoint of `pairmill train`, which has them",
            todo="`part: body` takes the weights alone, which then learn the code of this corpus; "
            "as it is the file serves `pairmill upscale --pca`",
        ) from error
    except ValueError:
        # Of no network that is known: `put_weights` says what differs.
        return


def _receiver(network: Network, tensors: dict[str, Tensor]) -> Network:
    """Who the weights are for: the network, or the one within it, as of an IKC, where they have its
    names.
    """
    inner = getattr(network, "network", None)
    if isinstance(inner, Network) and not network.state_dict().keys() & tensors.keys():
        return inner
    return network


def _put_body(network: Network, tensors: dict[str, Tensor], file: str) -> None:
    own = network.state_dict()
    left = (*ENLARGING, *_codes(network))
    body = {key: value for key, value in own.items() if not key.startswith(left)}
    fitting = {
        key: value
        for key, value in tensors.items()
        if key in body and value.shape == body[key].shape
    }
    share = sum(value.numel() for value in fitting.values()) / sum(
        value.numel() for value in body.values()
    )
    if share < ENOUGH:
        raise UserError(
            "the weights to start from have another body",
            where=file,
            got=f"{share:.0%} of the body's numbers fit",
            wanted=f"the body of {network.config.words()}",
            todo="name a checkpoint of the same network, of any scale",
        )
    network.load_state_dict(own | fitting)


def _codes(network: Network) -> list[str]:
    """First letters of the names of kernels' codes, whose parts mean something only together: at
    another scale a network has that of its own corpus.
    """
    return [f"{name}." for name, part in network.named_modules() if isinstance(part, KernelCode)]


def _other_scale(config: TrainConfig, tensors: dict[str, Tensor], scale: int) -> bool:
    try:
        network, of = recognise(tensors)
    except ValueError:
        return False
    return network.arch == config.network.arch and of != scale


def read_file(file: str, base: str) -> bytes:
    """Bytes of a file; a relative path counts from `base`.

    Raises:
        UserError: if there is none.
    """
    path = Path(base) / Path(file).expanduser()
    if not path.is_file():
        raise UserError(
            "there is no such weights file",
            where=str(path),
            todo="relative paths start at the recipe",
        )
    with clear_errors("read", str(path)):
        return path.read_bytes()


def parameters(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in network.parameters())
