#!/usr/bin/env python3
"""64-byte packet rate on one queue against what the link could carry: `make bench-rates`.

Runs golden/rates/*.toml through the `ringside` command given as argument, every checker on, and prints packets per clock, the
rate, the limit and their ratio. Cycles are exact: the numbers repeat to the digit.
"""
import json
import math
import subprocess
import sys

FRAME, HEADER, K = 60, 12, 32
MWR, MRD, CPLD, MPS, MRRS = 24, 24, 20, 256, 512      # bytes around a payload; link settings of the scenarios


def ceil_div(a, b):
    return -(-a // b)


def dwords(n):
    return ceil_div(n, 4) * 4


def fetch(k):
    """Bytes up and down for making k split descriptors known: index, entries, descriptors, with contiguous ids."""
    up = 2 * MRD + MRD * ceil_div(16 * k, MRRS)
    down = (CPLD + 4) + (CPLD * ceil_div(2 * k, MPS) + dwords(2 * k)) + (CPLD * ceil_div(16 * k, MPS) + 16 * k)
    return up, down


def publish(k):
    """Bytes up for giving k buffers back: elements and index."""
    return MWR * ceil_div(8 * k, MPS) + 8 * k + MWR + 4


def per_packet(direction, k=K):
    data = FRAME + HEADER
    up, down = fetch(k)
    up += publish(k)
    down += MWR + 4                                    # one kick
    if direction == "tx":
        up += k * MRD
        down += k * (CPLD * ceil_div(data, MPS) + dwords(data))
    else:
        up += k * (MWR * ceil_div(data, MPS) + dwords(data))
    return up / k, down / k


def main():
    ringside = sys.argv[1:] or ["cargo", "run", "--quiet", "--release", "-p", "ringside", "--"]
    # Raw rate less Ack and flow control packets, as the yardstick counts them: Gb/s.
    budget = {f"gen3x{n}": 8 * n * 128 / 130 * (1 - 16 / lim - 4 / 1538) for n, lim in ((8, 203), (16, 168))}
    print(f"{'64-byte frames':16} {'packets/clock':>13} {'Mpps':>7} {'limit':>7} {'of it':>7}   verdict")
    worst = math.inf
    for link, gbps in budget.items():
        for direction in ("tx", "rx"):
            command = ringside + ["run", "--scenario", f"golden/rates/{direction}64.toml", "--link", link, "--json",
                                  "--no-report", "--no-rerun", "--no-files"]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode:
                sys.exit(f"{' '.join(command)}\nfailed with {run.returncode}\n{run.stdout}{run.stderr}")
            result = json.loads(run.stdout)
            rate = result["rate"]["packets_per_clock"] * result["rate"]["clock_mhz"]
            limit = gbps * 1e3 / 8 / max(per_packet(direction))
            worst = min(worst, rate / limit)
            print(f"{direction + ' ' + link:16} {result['rate']['packets_per_clock']:13.3f} {rate:7.1f} {limit:7.1f} "
                  f"{rate / limit:7.1%}   {'pass' if result['passed'] else 'FAIL'}")
    print(f"worst {worst:.1%}; goal of this stage: 50 %")


if __name__ == "__main__":
    main()
