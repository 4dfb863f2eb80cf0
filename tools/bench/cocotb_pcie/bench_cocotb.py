"""The main job's transfers on cocotb and cocotbext-pcie: every frame of a capture out, looped back, in again.

Settings come from the environment (see tools/bench/cocotb_run.py): BENCH_PCAP, BENCH_FRAMES, BENCH_RESULT.
"""

import json
import logging
import os
import resource
import struct
import sys
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotb.utils import get_sim_time

sys.path.insert(0, str(Path(__file__).parent))
from device import DutDevice  # noqa: E402 (the folder has to be on the path first)
from pins import FrameSink, FrameSource  # noqa: E402
from virtio_net import VirtioNet  # noqa: E402

from cocotbext.pcie.core import RootComplex  # noqa: E402

CLOCK_NS = 4
QUEUE_SIZE, BATCH = 256, 16
TIMEOUT_MS = 100


def frames_of(path: str, count: int) -> list[bytes]:
    data = Path(path).read_bytes()
    frames, at = [], 24
    while at < len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16 : at + 16 + captured])
        at += 16 + captured
    return [frames[n % len(frames)] for n in range(count)]


@cocotb.test()
async def transfers(dut):
    # At the default level cocotbext-pcie logs every TLP, which would measure the logger.
    level = os.environ.get("COCOTB_LOG_LEVEL", "ERROR")
    for name in ("cocotb", "cocotb.pcie"):
        logging.getLogger(name).setLevel(level)
    frames = frames_of(os.environ["BENCH_PCAP"], int(os.environ["BENCH_FRAMES"]))

    device = DutDevice(dut, link_speed=3, link_width=8)
    rc = RootComplex()
    rc.max_payload_size = 1  # 256 bytes
    rc.max_read_request_size = 2  # 512 bytes
    for log in (rc.log, device.log, device.upstream_port.log):
        log.setLevel(level)
    rc.make_port().connect(device)
    back = FrameSource(dut)
    # One queue pair is active, so the flow of the frame decides nothing.
    out = FrameSink(dut, lambda _queue, frame: back.queue.put_nowait((0, frame)))
    dut.link_up_i.value = 1
    dut.rst_ni.value = 0
    cocotb.start_soon(Clock(dut.clk_i, CLOCK_NS, unit="ns").start())
    await ClockCycles(dut.clk_i, 8)
    dut.rst_ni.value = 1
    await ClockCycles(dut.clk_i, 8)
    device.start()
    cocotb.start_soon(out.run())
    cocotb.start_soon(back.run())

    await rc.enumerate(timeout=20_000)
    found = rc.host_bridge.find_device(device_id(rc))
    driver = VirtioNet(rc, found, QUEUE_SIZE)
    await driver.start()

    started_cpu, started_ns = cpu_seconds(), get_sim_time("ns")
    sending = cocotb.start_soon(driver.send(frames, BATCH))
    received = await with_timeout(driver.receive(len(frames)), TIMEOUT_MS, "ms")
    await sending
    cpu, ns = cpu_seconds() - started_cpu, get_sim_time("ns") - started_ns

    assert received == frames, "frames came back changed or in another order"
    Path(os.environ["BENCH_RESULT"]).write_text(
        json.dumps(
            {
                "frames": len(frames),
                "frame_bytes": sum(map(len, frames)),
                "cycles": int(ns / CLOCK_NS),
                "cpu_s": cpu,
                "request_tlps": device.rq.tlps,
                "kicks": driver.kicks,
            }
        )
    )


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def device_id(rc):
    """The first function that is not a bridge."""
    for bus_device in walk(rc.host_bridge.bus):
        if not bus_device.is_bridge():
            return bus_device.pcie_id
    raise AssertionError("enumeration found no device")


def walk(bus):
    for device in bus.devices:
        yield device
        if device.subordinate:
            yield from walk(device.subordinate)
