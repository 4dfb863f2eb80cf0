#!/usr/bin/env python3
"""A trace that Ringside did not make: a driver and a network device in a few lines of Python, written as docs/trace.md says.

    python3 docs/examples/other_device.py > my.jsonl && ringside check my.jsonl
    python3 docs/examples/other_device.py --bug early > my.jsonl        (early, bytes, stray, silent)

The device sends one frame from a split ring. Where your simulator or bus analyser has packets, put them in the place of `Device.send`.
Standard library only.
"""

import argparse
import json

# The function's number, and where things are.
BDF = 0x0100
COMMON, NOTIFY, TABLE = 0xE000_0000, 0xE000_3000, 0xE001_0000
DESC, AVAIL, USED, BUFFER = 0x1_0000_0000, 0x1_0000_1000, 0x1_0000_2000, 0x1_0000_3000
MSI, MSI_DATA = 0xFEE0_0000, 0x41
SIZE, TX = 8, 1
VERSION_1 = 1 << 32
FRAME = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xB5]) + bytes(range(46))


class Trace:
    """The file: a header, then events in the order in which they took effect."""

    def __init__(self):
        self.cycle = 100
        link = {"generation": 3, "lanes": 8, "mps_bytes": 256, "mrrs_bytes": 512, "rcb_bytes": 64}
        self.line({
            "ringside_trace": 1, "dut": "other_device.py", "device_type": 1, "clock_mhz": 250.0, "data_width_bits": 512,
            "link": link, "driver_stores": True, "seed": 0, "scenario": "one frame",
        })

    def line(self, record):
        print(json.dumps(record, separators=(",", ":")))

    def event(self, kind, **fields):
        self.line({"c": self.cycle, "e": {kind: fields}})
        self.cycle += 10

    def packet(self, channel, kind, **fields):
        self.event("tlp", ch=channel, tlp={"body": {kind: fields}})


def enables(addr, length):
    """First dword's address, number of dwords, byte enables of the first and the last."""
    skip = addr & 3
    dwords = (skip + length + 3) // 4
    first, last = 0xF << skip & 0xF, 0xF >> (4 * dwords - skip - length)
    return (addr - skip, 1, first & last, 0) if dwords == 1 else (addr - skip, dwords, first, last)


def dwords(addr, data):
    """Payload of a packet: whole dwords, as hexadecimal digits."""
    data = bytes(addr & 3) + data
    return (data + bytes(-len(data) % 4)).hex()


class Host:
    """Root complex and driver. Memory is a dictionary of bytes."""

    def __init__(self, trace):
        self.trace, self.tag, self.memory = trace, 0, {}

    def answered(self, tag, data=b"", addr=0):
        self.trace.packet(
            "cc", "Cpl", cpl=BDF, req=0, tag=tag, status="Sc", bytes=len(data) or 4, lower=addr & 0x7F, data=dwords(addr, data) if data else ""
        )

    def config_write(self, reg, fbe, value):
        self.tag += 1
        self.trace.packet("cq", "CfgWr", req=0, tag=self.tag, target=BDF, reg=reg, fbe=fbe, data=value.to_bytes(4, "little").hex())
        self.answered(self.tag)

    def write(self, addr, value, length):
        base, _, fbe, lbe = enables(addr, length)
        data = dwords(addr, value.to_bytes(length, "little"))
        self.trace.packet("cq", "MWr", req=0, tag=0, addr=hex(base), fbe=fbe, lbe=lbe, data=data)

    def read(self, addr, answer, length):
        """A register read; `answer` is what your device says."""
        self.tag += 1
        base, dw, fbe, lbe = enables(addr, length)
        self.trace.packet("cq", "MRd", req=0, tag=self.tag, addr=hex(base), dw=dw, fbe=fbe, lbe=lbe)
        self.answered(self.tag, answer.to_bytes(length, "little"), addr)

    def store(self, addr, data):
        self.memory.update({addr + i: byte for i, byte in enumerate(data)})
        self.trace.event("store", addr=hex(addr), data=data.hex())

    def load(self, addr, length):
        return bytes(self.memory.get(addr + i, 0) for i in range(length))

    def bring_up(self):
        self.trace.event("hard_reset")
        for region, addr, length, more in [
            ("common", COMMON, 64, {}), ("notify", NOTIFY, 64, {"multiplier": 4}), ("msix_table", TABLE, 64, {})
        ]:
            self.trace.event("map", region=region, addr=hex(addr), len_bytes=length, **more)
        self.config_write(0x04, 0b0011, 0x0006)  # memory space, bus master
        self.write(TABLE + 16 * TX, MSI, 8)
        self.write(TABLE + 16 * TX + 8, MSI_DATA, 8)  # data, and an unmasked vector
        self.write(COMMON + 0x14, 0, 1)
        self.read(COMMON + 0x14, 0, 1)
        self.write(COMMON + 0x14, 1, 1)
        self.write(COMMON + 0x14, 3, 1)
        for window in (0, 1):
            bits = VERSION_1 >> 32 * window & 0xFFFF_FFFF
            self.write(COMMON + 0x00, window, 4)
            self.read(COMMON + 0x04, bits, 4)
            self.write(COMMON + 0x08, window, 4)
            self.write(COMMON + 0x0C, bits, 4)
        self.write(COMMON + 0x14, 0xB, 1)
        self.read(COMMON + 0x14, 0xB, 1)
        self.write(COMMON + 0x16, TX, 2)
        self.write(COMMON + 0x18, SIZE, 2)
        self.write(COMMON + 0x1A, TX, 2)
        self.read(COMMON + 0x1A, TX, 2)
        self.read(COMMON + 0x1E, TX, 2)
        for offset, ring in ((0x20, DESC), (0x28, AVAIL), (0x30, USED)):
            self.write(COMMON + offset, ring & 0xFFFF_FFFF, 4)
            self.write(COMMON + offset + 4, ring >> 32, 4)
        self.write(COMMON + 0x1C, 1, 2)
        self.write(COMMON + 0x14, 0xF, 1)

    def give(self, frame):
        packet = bytes(12) + frame
        self.store(BUFFER, packet)
        self.store(DESC, BUFFER.to_bytes(8, "little") + len(packet).to_bytes(4, "little") + bytes(4))
        self.store(AVAIL + 4, bytes(2))
        self.store(AVAIL + 2, (1).to_bytes(2, "little"))
        self.write(NOTIFY + 4 * TX, TX, 2)


class Device:
    """Your device: what it reads and writes over PCIe, and what it puts on the wire."""

    def __init__(self, trace, host, bug):
        self.trace, self.host, self.bug, self.tag = trace, host, bug, 0

    def ask(self, addr, length):
        self.tag += 1
        base, dw, fbe, lbe = enables(addr, length)
        self.trace.packet("rq", "MRd", req=BDF, tag=self.tag, addr=hex(base), dw=dw, fbe=fbe, lbe=lbe)
        return self.tag, addr, length

    def take(self, asked):
        tag, addr, length = asked
        data = self.host.load(addr, length)
        self.trace.packet("rc", "Cpl", cpl=0, req=BDF, tag=tag, status="Sc", bytes=length, lower=addr & 0x7F, data=dwords(addr, data))
        return data

    def write(self, addr, data):
        base, _, fbe, lbe = enables(addr, len(data))
        self.trace.packet("rq", "MWr", req=BDF, tag=0, addr=hex(base), fbe=fbe, lbe=lbe, data=dwords(addr, data))

    def give_back(self):
        self.write(USED + 4, bytes(8))  # head 0, nothing written
        self.write(USED + 2, (1).to_bytes(2, "little"))

    def send(self):
        self.take(self.ask(AVAIL + 2, 2))
        self.take(self.ask(AVAIL + 4, 2))
        descriptor = self.take(self.ask(DESC, 16))
        addr, length = int.from_bytes(descriptor[:8], "little"), int.from_bytes(descriptor[8:12], "little")
        asked = self.ask(addr, length + (64 if self.bug == "stray" else 0))
        if self.bug == "early":
            self.give_back()
        packet = bytearray(self.take(asked)[:length])
        if self.bug == "bytes":
            packet[40] ^= 1
        self.trace.event("wire_tx", queue=0, data=bytes(packet[12:]).hex())
        if self.bug != "early":
            self.give_back()
        self.take(self.ask(AVAIL, 2))  # does the driver want an interrupt?
        if self.bug != "silent":
            self.write(MSI, MSI_DATA.to_bytes(4, "little"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bug", choices=["early", "bytes", "stray", "silent"], help="what the device does wrong")
    trace = Trace()
    host = Host(trace)
    device = Device(trace, host, parser.parse_args().bug)
    host.bring_up()
    host.give(FRAME)
    device.send()
    trace.cycle += 100_000  # what is late by now does not come any more
    trace.event("end", reason="complete")


if __name__ == "__main__":
    main()
