"""`make bench`: every speed goal in one table, saved with machine, versions and date."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import (
    bench_build,
    bench_chains,
    bench_encoders,
    bench_engine,
    bench_export,
    bench_kernelgan,
    bench_noise,
    bench_ops,
    bench_replayed,
    bench_synthesis,
)
from benchmarks.common import Row, machine, row, save, show


def main() -> None:
    """Run all benchmarks one after the other."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images and iterations")
    parser.add_argument("--name", default="speed_cpu", help="name of the result file")
    arguments = parser.parse_args()
    rows: list[Row] = []
    benches: list[Callable[[bool], list[Row]]] = [
        bench_encoders.run,
        bench_synthesis.run,
        bench_chains.run,
        bench_replayed.run,
        bench_ops.run,
        mining,
        bench_build.run,
        bench_engine.run,
        bench_export.run,
        kernels,
    ]
    for bench in benches:
        measured = bench(arguments.quick)
        show(measured)
        rows += measured
    print(f"\n{machine()}\nsaved {save(rows, arguments.name)}")


def mining(quick: bool) -> list[Row]:
    """Mining against decoding alone, for each kind of file, and the whole stage with the files that
    it writes.
    """
    return [
        row(
            f"noise mining, {found['images']}",
            "only decoding",
            found["ratio"],
            goal,
            reached=goal == "report" or found["ratio"] <= 1.15,
            detail=f"{found['decode ns/px']} ns/px to decode, {found['decode + mine ns/px']} "
            "with mining",
        )
        for found in bench_noise.run(quick)
        for goal in ["report" if "files" in found["images"] else "<= 1.15"]
    ]


def kernels(quick: bool) -> list[Row]:
    """KernelGAN collapsed and batched against layer by layer, per image and iteration."""
    plain, *ours = bench_kernelgan.run(quick)
    return [
        row(
            f"KernelGAN, {found['what']}",
            plain["what"],
            found["times faster"],
            ">= 25",
            reached=found["times faster"] >= 25,
            detail=f"{found['ms per iteration']} ms per iteration and restart, plain "
            f"{plain['ms per iteration']}",
        )
        for found in ours
    ]


if __name__ == "__main__":
    main()
