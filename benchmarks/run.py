"""`make bench`: every speed goal in one table, saved with machine, versions and date."""

from __future__ import annotations

import argparse

from benchmarks import bench_engine, bench_kernelgan, bench_noise, bench_synthesis
from benchmarks.common import machine, save, show


def main() -> None:
    """Run all benchmarks one after the other."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pictures and iterations")
    parser.add_argument("--name", default="speed_cpu", help="name of the result file")
    arguments = parser.parse_args()
    rows = []
    for bench in (bench_synthesis, bench_noise, bench_engine, bench_kernelgan):
        measured = bench.run(arguments.quick)
        show(measured)
        rows += measured
    print(f"\n{machine()}\nsaved {save(rows, arguments.name)}")


if __name__ == "__main__":
    main()
