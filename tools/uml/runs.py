"""Linux in the device's PCI slot, run by run: rows of tools/drivers.py."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel  # noqa: E402

TRAFFIC, LIFE = "ping,jumbo,fragments,udp,tcp", "rebind,flr,queues,rings,ping"
# Name, what the guest does, what it is not shown, its MTU, whether its time is simulated.
RUNS = [
    ("linux packed traffic", TRAFFIC, "", 9000, True),
    ("linux packed life", LIFE, "", 9000, True),
    ("linux packed in real time", TRAFFIC, "", 9000, False),
    ("linux packed out of order", TRAFFIC, "in-order", 9000, True),
    ("linux split traffic", TRAFFIC, "packed", 9000, True),
    ("linux split life", LIFE, "packed", 9000, True),
    ("linux split plain", "ping,fragments,udp,tcp", "packed,in-order,indirect,event-idx,mrg-rxbuf", 1500, True),
    ("linux packed repeats", "ping,jumbo,tcp", "", 9000, True),
    ("linux split repeats", "ping,jumbo,tcp", "packed", 9000, True),
]
READY_SECONDS = 900
GUEST_SECONDS = 300


def why_not():
    """Why there is no guest here; None if there is."""
    if not kernel.kernels():
        return "there is no user-mode Linux here (make setup-uml builds it)"
    return None


def await_ready(child):
    """Reads until it is ready, or has ended; what it said."""
    said = []
    for line in child.stderr:
        said.append(line)
        if "ready at" in line:
            break
    return said


def boot(ringside, run, folder):
    """One guest from its start to its end: the run's result, what the guest said, seconds."""
    name, does, without, mtu, travels = run
    linux, initrd, steady = (path and os.path.abspath(path) for path in kernel.there())
    tag = name.replace(" ", "-")
    with tempfile.TemporaryDirectory(prefix="uml") as place:
        slot, calendar = os.path.join(place, "slot"), os.path.join(place, "calendar")
        command = ringside + ["serve", "pci", slot, "--once", "--json", "--name", tag, "--out", os.path.join(folder, tag)]
        command += ["--time-travel", calendar] if travels else []
        command += ["--without", without] if without else []
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = await_ready(server)
        if server.poll() is not None or not said or "ready at" not in said[-1]:
            return None, " ".join(said).strip() or "ringside said nothing", 0.0
        # Paths are part of the kernel's command line, and so of where it puts things: in every place they are the same.
        for target, link in ((linux, "linux"), (initrd, "initrd"), (steady, "steady.so")):
            if target:
                os.symlink(target, os.path.join(place, link))
        guest = ["./linux", "mem=96M", "uml_dir=.", "umid=guest", "initrd=initrd", "con0=null,fd:1", "con=null", "ssl=null", "panic=-1", "quiet"]
        guest += [f"do={does}", f"mtu={mtu}", "virtio_pcidev.max_delay_us=100000000", "virtio_uml.device=slot:1234"]
        guest += ["time-travel=ext:calendar"] if travels else []
        # The same addresses in every run, and no chance: with simulated time a run then repeats.
        if shutil.which("setarch"):
            guest = ["setarch", os.uname().machine, "-R", *guest]
        world = {"PATH": "/usr/bin:/bin", "HOME": "/", "TMPDIR": "/dev/shm" if os.access("/dev/shm", os.W_OK) else "."}
        if steady:
            world["LD_PRELOAD"] = "./steady.so"
        begun = time.monotonic()
        machine = subprocess.Popen(guest, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=world, cwd=place)
        try:
            heard, _ = machine.communicate(timeout=GUEST_SECONDS)
        except subprocess.TimeoutExpired:
            machine.kill()
            heard, _ = machine.communicate()
        wall = time.monotonic() - begun
        try:
            out, rest = server.communicate(timeout=GUEST_SECONDS)
        except subprocess.TimeoutExpired:
            server.terminate()
            out, rest = server.communicate()
    heard = heard.decode(errors="replace")
    try:
        return json.loads(out), heard, wall
    except ValueError:
        return None, f"ringside gave no result: {' '.join(said)} {rest}".strip(), wall


def digest(folder, name):
    hasher = hashlib.sha256()
    with open(os.path.join(folder, name.replace(" ", "-"), "trace.jsonl"), "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            hasher.update(part)
    return hasher.hexdigest()


def one(ringside, run, folder):
    """A row, as tools/drivers.py prints it: name, row, why it is not good."""
    name, does, _, _, travels = run
    result, heard, wall = boot(ringside, run, folder)
    if result is None:
        return name, None, heard
    lines = [line.split()[1:] for line in heard.splitlines() if line.startswith("GUEST ")]
    steps = {line[0]: line[1:] for line in lines if len(line) > 1 and line[1] in ("ok", "FAILED")}
    numbers = next((dict(zip(line[1::2], map(int, line[2::2]))) for line in lines if line[0] == "counters"), None)
    why = [f"{step}: {' '.join(said)}" for step, said in steps.items() if said[0] != "ok"]
    why += [f"{step} was not done" for step in ["up", *does.split(",")] if step not in steps]
    if ["end"] not in lines:
        why.append("the guest did not come to its end: " + heard[-300:].replace("\n", " "))
    rules = {r["id"]: r["violated"] for r in result["verdict"]["rules"] if r["violated"]}
    mine = {k: v for k, v in rules.items() if not k.startswith("DRIVER-")}
    frames = result["frames"]
    sent, given = frames["wire_tx"], frames["wire_rx"] - frames["dropped"]
    if not result["passed"]:
        why.append("the run did not pass: " + (", ".join(mine) or str(result["ended"])))
    if numbers is None:
        why.append("the guest showed no counters")
    # A driver that is bound anew counts from the beginning.
    elif "rebind" not in does and (numbers["tx"], numbers["rx"]) != (sent, given):
        why.append(f"the guest counts {numbers['tx']} sent and {numbers['rx']} received, the device {sent} and {given}")
    if numbers and (numbers["errors"] or numbers["dropped"]):
        why.append(f"the guest counts {numbers['errors']} errors, {numbers['dropped']} dropped")
    if "repeats" in name and not why:
        first = digest(folder, name)
        again, heard_again, _ = boot(ringside, run, folder)
        if again is None:
            why.append(heard_again)
        elif digest(folder, name) != first:
            why.append("the second run has another trace than the first")
        elif heard_again != heard:
            why.append("the second guest says something else than the first")
    dma = [t for k, t in result["pcie"].items() if k not in ("config", "register", "configuration")]
    packets = max(sent + given, 1)
    row = {
        "out": ((numbers or {}).get("tx"), sent),
        "in": ((numbers or {}).get("rx"), given),
        "violations": mine,
        "findings": {k: v for k, v in rules.items() if k.startswith("DRIVER-")},
        "requests": sum(t["requests"] for t in dma) / packets,
        "bytes": sum(t["up_wire_bytes"] + t["down_wire_bytes"] for t in dma) / packets,
        "cycles": result["cycles"],
        "wall": wall,
    }
    return name, row, "; ".join(why)
