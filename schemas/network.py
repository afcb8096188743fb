"""Settings of the super-resolution networks: one model each; `NetworkConfig` is the union of all,
and the only list of them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, TypeAdapter, model_validator

from pairmill.schemas.base import Frozen

Count = Annotated[int, Field(ge=1, le=1024)]
Level = Annotated[float, Field(ge=0, le=1)]
Span = Annotated[float, Field(gt=0, le=65535)]
Side = Annotated[int, Field(ge=1, le=31)]
SCALES = (2, 3, 4, 8)
"""Scales that pairmill makes corpora and trains networks for; some networks have scale 1 too."""
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean red, green and blue of DIV2K in [0, 1], which published EDSR, RCAN and SwinIR take away from
their input."""


class NetworkBase(Frozen):
    """Settings of one network: what `pairmill.models.archs.build` needs besides the scale."""

    arch: str
    """Which network."""
    scales: ClassVar[tuple[int, ...]] = SCALES
    """Scales that it is built for."""

    def problem(self, scale: int) -> str | None:
        """Why it cannot be built for this scale; none if it can."""
        if scale in self.scales:
            return None
        return f"{self.arch} cannot be built for scale {scale}: it works for {_listed(self.scales)}"

    def words(self) -> str:
        """The network on one line, for tables: its name and what differs from the published
        settings.
        """
        plain = type(self).model_validate({})
        other = [f"{name} {_short(value)}" for name, value in self if value != getattr(plain, name)]
        return ", ".join([self.arch, *other])


class SrResNetConfig(NetworkBase):
    """SRResNet (Ledig et al. 2017) without batch normalisation: BasicSR's MSRResNet, which is what
    people train.
    """

    arch: Literal["srresnet"] = "srresnet"
    """Name of the network."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 16
    """Residual blocks of two convolutions."""


class EdsrConfig(NetworkBase):
    """EDSR (Lim et al. 2017). The defaults are the baseline (M); the large one (L): 256 features,
    32 blocks, residuals x 0.1.
    """

    arch: Literal["edsr"] = "edsr"
    """Name of the network."""
    features: Count = 64
    """Channels between the layers."""
    blocks: Count = 16
    """Residual blocks of two convolutions."""
    residual_scale: Level = 1.0
    """Factor of what a block adds."""
    range: Span = 255.0
    """What the network counts white as: the image in [0, 1], less the mean, is multiplied by it,
    and the result divided."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""


class RcanConfig(NetworkBase):
    """RCAN (Zhang et al. 2018): residual groups of residual blocks with channel attention."""

    arch: Literal["rcan"] = "rcan"
    """Name of the network."""
    features: Count = 64
    """Channels between the layers."""
    groups: Count = 10
    """Residual groups."""
    blocks: Count = 20
    """Residual blocks per group, 20 as published (the default of BasicSR's class is 16)."""
    squeeze: Count = 16
    """How many times fewer channels the attention has in its middle."""
    residual_scale: Level = 1.0
    """Factor of what a block adds; 1 if other tools shall read the checkpoint."""
    range: Span = 255.0
    """What the network counts white as; 255 if other tools shall read the checkpoint."""
    mean: tuple[Level, Level, Level] = DIV2K_MEAN
    """Red, green and blue in [0, 1] that are taken away first and added back last; not part of a
    checkpoint."""

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if self.features < self.squeeze:
            raise ValueError(
                f"squeeze: {self.squeeze} leaves nothing of {self.features} features; at most "
                f"{self.features}"
            )
        return self


class RrdbNetConfig(NetworkBase):
    """RRDBNet (ESRGAN, Wang et al. 2018): residual-in-residual dense blocks. Below scale 4 the
    input's pixels are packed into channels first, as in Real-ESRGAN.
    """

    arch: Literal["rrdbnet"] = "rrdbnet"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (1, 2, 4)
    """Scales that it is built for: its two doublings, less what packing takes back."""
    features: Count = 64
    """Channels between the blocks."""
    blocks: Count = 23
    """Blocks of three dense blocks; 6 in the small network for drawings."""
    growth: Count = 32
    """Channels that each convolution of a dense block adds; 32 if other tools shall read the
    checkpoint."""


class SwinIrConfig(NetworkBase):
    """SwinIR (Liang et al. 2021). The defaults are the classical network (M); the light one has
    depths and heads (6, 6, 6, 6), 60 features and the upsampler `pixelshuffledirect`; real-world
    ones have `nearest+conv`.
    """

    arch: Literal["swinir"] = "swinir"
    """Name of the network."""
    features: Count = 180
    """Channels between the layers; a multiple of every number of heads."""
    depths: tuple[Count, ...] = Field(default=(6, 6, 6, 6, 6, 6), min_length=1, max_length=32)
    """Transformer blocks of each group; every second one looks at shifted windows."""
    heads: tuple[Count, ...] = Field(default=(6, 6, 6, 6, 6, 6), min_length=1, max_length=32)
    """Attention heads of each group's blocks."""
    window: int = Field(default=8, ge=2, le=64)
    """Side of a window of attention, in LR pixels. Images are mirrored to fill the last ones."""
    mlp_ratio: float = Field(default=2.0, gt=0, le=16)
    """Width of the layer between a block's two linear layers, in features."""
    upsampler: Literal["pixelshuffle", "pixelshuffledirect", "nearest+conv"] = "pixelshuffle"
    """How the image gets large: in steps with features, at once (light), or by repeated pixels
    and convolutions (real-world; scales 2 and 4)."""
    residual: Literal["1conv", "3conv"] = "1conv"
    """What ends a group: one convolution, or three with a quarter of the features in between
    (SwinIR-L)."""
    patch: int = Field(default=64, ge=3, le=1024)
    """Side in LR pixels that the masks of shifted windows in the checkpoint are for, a multiple of
    the window and larger: that of the training patches. Other sizes work too; their masks are made
    when they come."""
    range: Span = 1.0
    """What the network counts white as."""

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase.problem`."""
        if self.upsampler == "nearest+conv" and scale not in (2, 4):
            return (
                f"swinir with upsampler nearest+conv cannot be built for scale {scale}: it "
                "works for 2 and 4"
            )
        return super().problem(scale)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.depths) != len(self.heads):
            raise ValueError(
                f"heads: {len(self.heads)} numbers for the {len(self.depths)} groups of depths; "
                "one each is wanted"
            )
        odd = [count for count in self.heads if self.features % count]
        if odd:
            raise ValueError(
                f"features: {self.features} cannot be shared by {odd[0]} heads; a multiple is "
                "wanted"
            )
        if self.patch <= self.window or self.patch % self.window:
            raise ValueError(
                f"patch: {self.patch} must be a multiple of the window, {self.window}, and larger"
            )
        return self


class CompactConfig(NetworkBase):
    """The compact network of the Real-ESRGAN family (SRVGGNetCompact): a row of convolutions with
    PReLU. Features 16 and blocks 4 make the smallest network that other tools read, which trains on
    a CPU.
    """

    arch: Literal["compact"] = "compact"
    """Name of the network."""
    features: Count = 64
    """Channels between the convolutions."""
    blocks: Count = 16
    """Convolutions between the first and the last; 32 in realesr-general-x4v3."""


class SrcnnConfig(NetworkBase):
    """SRCNN (Dong et al. 2014), the first of its kind: three convolutions over the bicubic
    upscaling (pre-upsampling).
    """

    arch: Literal["srcnn"] = "srcnn"
    """Name of the network."""
    features: tuple[Count, Count] = (64, 32)
    """Channels after the first and the second convolution."""
    sides: tuple[Side, Side, Side] = (9, 1, 5)
    """Sides of the filters, odd: 9-1-5 as first published, 9-5-5 is slower and better."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if any(side % 2 == 0 for side in self.sides):
            raise ValueError(
                f"sides: {list(self.sides)}: filters have odd sides, so that the image stays "
                "where it is"
            )
        return self


class EspcnConfig(NetworkBase):
    """ESPCN (Shi et al. 2016): convolutions at the size of the LR, whose last channels become
    pixels (post-upsampling).
    """

    arch: Literal["espcn"] = "espcn"
    """Name of the network."""
    features: tuple[Count, Count] = (64, 32)
    """Channels after the first (5 x 5) and the second (3 x 3) convolution."""


class LapSrnConfig(NetworkBase):
    """LapSRN (Lai et al. 2017): a pyramid that doubles the size at each level and adds a residual
    there (progressive).
    """

    arch: Literal["lapsrn"] = "lapsrn"
    """Name of the network."""
    scales: ClassVar[tuple[int, ...]] = (2, 4, 8)
    """Scales that it is built for: powers of 2."""
    features: Count = 64
    """Channels between the convolutions."""
    depth: Count = 10
    """Convolutions per level; 10 as published at scales 2 and 4, 5 at 8."""
    shared: bool = False
    """Whether all levels use the same weights, as in its successor MS-LapSRN; then one network has
    2, 4 and 8 in it."""


class DbpnConfig(NetworkBase):
    """D-DBPN (Haris et al. 2018): goes up and down again and corrects itself by the difference
    (iterative up-and-down).
    """

    arch: Literal["dbpn"] = "dbpn"
    """Name of the network."""
    start_features: Count = 256
    """Channels after the first convolution."""
    features: Count = 64
    """Channels of each projection."""
    stages: int = Field(default=7, ge=2, le=32)
    """Projections up; one fewer lead down."""


PlainNetworkConfig = (
    SrResNetConfig
    | EdsrConfig
    | RcanConfig
    | RrdbNetConfig
    | SwinIrConfig
    | CompactConfig
    | SrcnnConfig
    | EspcnConfig
    | LapSrnConfig
    | DbpnConfig
)


class CleanedConfig(NetworkBase):
    """A network that cleans LR, then one that upscales it, as Maeda and CinCGAN use them: what they
    learn is one network for real LR.
    """

    arch: Literal["cleaned"] = "cleaned"
    """Name of the network."""
    features: Count = 32
    """Channels between the layers that clean."""
    blocks: Count = 4
    """Residual blocks of two convolutions that clean."""
    network: Annotated[PlainNetworkConfig, Field(discriminator="arch")] = EdsrConfig()
    """The network that upscales."""

    def problem(self, scale: int) -> str | None:
        """See `NetworkBase`."""
        problem = self.network.problem(scale)
        return problem and f"{self.arch} {problem}"


AnyNetworkConfig = PlainNetworkConfig | CleanedConfig
NetworkConfig = Annotated[AnyNetworkConfig, Field(discriminator="arch")]
NETWORK_CONFIG: TypeAdapter[AnyNetworkConfig] = TypeAdapter(NetworkConfig)
"""Validates settings of any network, from a mapping or from JSON."""
NETWORK_CONFIGS: dict[str, type[AnyNetworkConfig]] = {
    each.model_fields["arch"].default: each for each in get_args(AnyNetworkConfig)
}
"""Settings by name of the network."""


class NetworkSpec(Frozen):
    """What a checkpoint is for; its header holds this."""

    network: NetworkConfig
    """Settings of the network."""
    scale: int = Field(ge=1, le=16)
    """HR pixels per LR pixel along each axis."""

    @model_validator(mode="after")
    def _built(self) -> Self:
        problem = self.network.problem(self.scale)
        if problem is not None:
            raise ValueError(problem)
        return self


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, NetworkBase):
        return f"({value.words()})"
    return str(value)
