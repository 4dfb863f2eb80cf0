#!/usr/bin/env python3
"""Drivers that nobody here wrote, on the RTL, run by run, and a table of what came of it: DPDK's testpmd over vhost-user, Linux with the
whole function in its PCI slot (tools/uml).

    tools/drivers.py [--only WORDS] [--seconds S] [--markdown] -- RINGSIDE [ARGUMENTS...]

WORDS are comma-separated; a run whose name holds one of them is made. A run is good when the device violated nothing and the
counters of both sides agree. Exit code: 0 all good (what is not installed is skipped, said loudly), 1 not, 2 there is no such run.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "uml"))
import runs as linux  # noqa: E402

# Name, options of the virtual device, options of testpmd, what the wire does, how forwarding is started, mode.
ECHO, SINK, GENERATE = ("echo", "start tx_first"), ("sink", "start"), ("generate", "start")
TXONLY, RXONLY = "--forward-mode=txonly", "--forward-mode=rxonly"
FOUR = "--rxq=4 --txq=4"
WIDE = "--force-max-simd-bitwidth=512"
RUNS = [
    ("split in-order echo", "", "", ECHO, ""),
    ("split in-order tx", "", TXONLY, SINK, ""),
    ("split in-order rx", "", RXONLY, GENERATE, ""),
    ("split mergeable echo", ",in_order=0", "", ECHO, ""),
    ("split mergeable tx", ",in_order=0", TXONLY, SINK, ""),
    ("split mergeable rx", ",in_order=0", RXONLY, GENERATE, ""),
    ("split standard echo", ",in_order=0,mrg_rxbuf=0", "", ECHO, ""),
    ("split vectorised echo", ",in_order=0,mrg_rxbuf=0,vectorized=1", "", ECHO, ""),
    ("split indirect tx", ",in_order=0", TXONLY + " --txpkts=64,64,1000", SINK, ""),
    ("packed in-order echo", ",packed_vq=1", "", ECHO, ""),
    ("packed in-order tx", ",packed_vq=1", TXONLY, SINK, ""),
    ("packed in-order rx", ",packed_vq=1", RXONLY, GENERATE, ""),
    ("packed mergeable echo", ",packed_vq=1,in_order=0", "", ECHO, ""),
    ("packed standard echo", ",packed_vq=1,in_order=0,mrg_rxbuf=0", "", ECHO, ""),
    ("packed vectorised echo", ",packed_vq=1,in_order=1,mrg_rxbuf=0,vectorized=1", "", ECHO, WIDE),
    ("packed indirect tx", ",packed_vq=1,in_order=0", TXONLY + " --txpkts=64,64,1000", SINK, ""),
    ("four pairs split echo", ",queues=4,cq=1", FOUR, ECHO, ""),
    ("four pairs split tx", ",queues=4,cq=1", FOUR + " " + TXONLY, SINK, ""),
    ("four pairs packed echo", ",packed_vq=1,queues=4,cq=1", FOUR, ECHO, ""),
    ("four pairs packed rx", ",packed_vq=1,queues=4,cq=1", FOUR + " " + RXONLY, GENERATE, ""),
]
# What comes of a driver's own mistake, and is told as such; see docs/drivers.md.
KNOWN = {
    "packed indirect tx": "DPDK marks read-only entries of packed indirect tables as writable (F_WRITE); the device takes the flag as it "
    "stands, refuses the chain and asks for a reset",
}
# Frames that testpmd has under way on each queue when it forwards: one burst. They come back when it has stopped looking.
BURST = 32
READY_SECONDS = 900  # a model may have to be built first
PEER_SECONDS = 60


def counters(text):
    """Received, sent: the port's counters, the last that testpmd showed."""
    shown = re.findall(r"RX-packets:\s*(\d+)\s+RX-missed.*?TX-packets:\s*(\d+)\s+TX-errors", text, re.S)
    return tuple(map(int, shown[-1])) if shown else None


def testpmd(socket, tag, vdev, options, start, eal, seconds):
    """Runs testpmd; all that it said."""
    command = ["dpdk-testpmd", "--lcores", "0@0,1@0", f"--file-prefix={tag}", "--no-pci", "--no-huge", "-m", "256"]
    command += ["--log-level=pmd.net.virtio.*:debug", f"--vdev=net_virtio_user0,path={socket}{vdev}"] + eal.split()
    command += ["--", "-i", "--total-num-mbufs=4096", "--no-mlockall"] + options.split()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(child.stdout.read()))
    reader.start()
    try:
        for line, pause in [("", 1.5), (start, seconds), ("stop", 1.0), ("show port stats all", 0.5), ("quit", 0)]:
            child.stdin.write(line + "\n")
            child.stdin.flush()
            time.sleep(pause)
        child.stdin.close()
    except BrokenPipeError:
        pass  # what it said tells why
    try:
        child.wait(PEER_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
    reader.join()
    return "".join(heard)


def serve(ringside, folder, socket, name, wire):
    command = ringside + ["serve", "vhost-user", socket, "--once", "--json", "--wire", wire, "--name", name, "--out", folder]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = []
    ready = threading.Event()

    def listen():
        for line in child.stderr:
            said.append(line)
            if "ready at" in line:
                ready.set()
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(READY_SECONDS)
    return child, said


def one(ringside, run, seconds, folder):
    name, vdev, options, (wire, start), eal = run
    tag = name.replace(" ", "-")
    socket = os.path.join(folder, "s")
    begun = time.monotonic()
    child, said = serve(ringside, os.path.join(folder, tag), socket, tag, wire)
    if child.poll() is not None:
        return name, None, "ringside: " + " ".join(said).strip()
    text = testpmd(socket, tag, vdev, options, start, eal, seconds)
    try:
        out, _ = child.communicate(timeout=PEER_SECONDS)
    except subprocess.TimeoutExpired:
        child.terminate()
        out, _ = child.communicate()
    paths = re.findall(r"virtio: using (.*?) (Rx|Tx) path", text)
    try:
        result = json.loads(out)
    except ValueError:
        return name, None, "ringside gave no result: " + " ".join(said).strip()
    shown = counters(text)
    rules = {r["id"]: r["violated"] for r in result["verdict"]["rules"] if r["violated"]}
    mine = {k: v for k, v in rules.items() if not k.startswith("DRIVER-")}
    theirs = {k: v for k, v in rules.items() if k.startswith("DRIVER-")}
    frames = result["frames"]
    packets = frames["wire_tx"] + frames["wire_rx"] - frames["dropped"]
    pcie = result["pcie"].items()
    dma = [t for k, t in pcie if k not in ("config", "register", "configuration")]
    row = {
        "paths": ", ".join(sorted({f"{p} {d}" for p, d in paths})),
        "out": (shown[1] if shown else None, frames["wire_tx"]),
        "in": (shown[0] if shown else None, frames["wire_rx"] - frames["dropped"]),
        "violations": mine,
        "findings": theirs,
        "requests": sum(t["requests"] for t in dma) / max(packets, 1),
        "bytes": sum(t["up_wire_bytes"] + t["down_wire_bytes"] for t in dma) / max(packets, 1),
        "cycles": result["cycles"],
        "wall": time.monotonic() - begun,
    }
    why = []
    if not result["passed"]:
        why.append("the run did not pass: " + (", ".join(mine) or result["ended"]))
    if shown is None:
        why.append("testpmd showed no counters: " + text[-300:].replace("\n", " "))
    elif packets == 0:
        why.append("nothing moved")
    else:
        if row["out"][0] != row["out"][1]:
            why.append(f"testpmd sent {row['out'][0]}, {row['out'][1]} left the device")
        if wire == "echo" and row["in"][0] == 0:
            why.append("testpmd received nothing of what came back")
        queues = int(re.search(r"queues=(\d+)", vdev).group(1)) if "queues=" in vdev else 1
        late = BURST * queues if wire == "echo" else 0
        if not 0 <= row["in"][1] - row["in"][0] <= late:
            why.append(f"testpmd received {row['in'][0]}, the device delivered {row['in'][1]}")
    # Known is what this driver does while it runs; a driver that was not there is a failure like any other.
    if name in KNOWN and why and paths and shown and packets == 0 and set(mine) <= {"RUN-EMPTY"}:
        row["known"] = KNOWN[name]
        why = []
    return name, row, "; ".join(why)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--keep", help="folder for traces and reports")
    parser.add_argument("ringside", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    ringside = [word for word in args.ringside if word != "--"] or ["target/release/ringside"]
    wanted = [w.strip() for w in args.only.split(",") if w.strip()]
    chosen = [(of, r) for of, all_runs in (("dpdk", RUNS), ("linux", linux.RUNS)) for r in all_runs if not wanted or any(w in r[0] for w in wanted)]
    strays = [w for w in wanted if not any(w in r[0] for _, r in chosen)]
    if strays:
        print(f"drivers: no run's name holds {', '.join(strays)}; there are: {', '.join(r[0] for r in RUNS + linux.RUNS)}", file=sys.stderr)
        return 2
    lacking = {"dpdk": None if shutil.which("dpdk-testpmd") else "there is no dpdk-testpmd here (make setup-drivers installs it)", "linux": linux.why_not()}
    for of, why in lacking.items():
        count = sum(1 for o, _ in chosen if o == of)
        if why and count:
            print(f"drivers: SKIPPED {count} runs: {why}")
    chosen = [(of, r) for of, r in chosen if not lacking[of]]
    if not chosen:
        return 0
    print("| run | driver: out, in | device: out, in | violations | driver findings | requests a packet | link bytes a packet | cycles | wall |")
    print("|---|---|---|---|---|---|---|---|---|")
    bad, known = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or scratch
        os.makedirs(folder, exist_ok=True)
        for of, run in chosen:
            name, row, why = one(ringside, run, args.seconds, folder) if of == "dpdk" else linux.one(ringside, run, folder)
            if why:
                bad.append(f"{name}: {why}")
            if row is None:
                print(f"| {name} | - | - | - | - | - | - | - | - |", flush=True)
                continue
            if "known" in row:
                known.append(f"{name}: {row['known']}")
            words = lambda rules: ", ".join(f"{k} x{v}" for k, v in rules.items()) or "none"
            print(
                f"| {name} | {row['out'][0]}, {row['in'][0]} | {row['out'][1]}, {row['in'][1]} | {words(row['violations'])} | "
                f"{words(row['findings'])} | {row['requests']:.2f} | {row['bytes']:.0f} | {row['cycles']} | {row['wall']:.1f} s |",
                flush=True,
            )
    for line in known:
        print("KNOWN", line)
    for line in bad:
        print("FAIL", line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
