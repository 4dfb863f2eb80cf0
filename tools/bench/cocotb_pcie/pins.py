"""The design's pins as cocotb coroutines: TLP channels and frame streams (rtl/README.md, "The boundary").

Everything samples and drives right after the rising edge: samples see the values before it, as flops do.
"""

from cocotb.queue import Queue
from cocotb.triggers import RisingEdge

from cocotbext.pcie.core.tlp import Tlp

HEADER_DWORDS_MAX = 4


def header_of(tlp: Tlp) -> int:
    """The header as the design takes it: dword n, as a number, in bits 32n."""
    packed = bytes(tlp.pack_header()).ljust(4 * HEADER_DWORDS_MAX, b"\0")
    return sum(int.from_bytes(packed[4 * n : 4 * n + 4], "big") << (32 * n) for n in range(HEADER_DWORDS_MAX))


def tlp_of(header: int, payload: bytes) -> Tlp:
    packed = b"".join((header >> (32 * n) & 0xFFFFFFFF).to_bytes(4, "big") for n in range(HEADER_DWORDS_MAX))
    tlp = Tlp.unpack_header(packed)
    tlp.data = bytearray(payload)
    return tlp


class TlpSource:
    """Drives `cq` or `rc`: one TLP after the other, back to back."""

    def __init__(self, dut, name: str):
        self.clock = dut.clk_i
        self.data = getattr(dut, f"{name}_tdata_i")
        self.keep = getattr(dut, f"{name}_tkeep_i")
        self.valid = getattr(dut, f"{name}_tvalid_i")
        self.last = getattr(dut, f"{name}_tlast_i")
        self.header = getattr(dut, f"{name}_thdr_i")
        self.ready = getattr(dut, f"{name}_tready_o")
        self.beat_bytes = len(self.data) // 8
        self.queue = Queue()
        self.valid.value = 0
        for pin in (self.data, self.keep, self.last, self.header):
            pin.value = 0
        for prefix in (f"{name}_tprefix_i", f"{name}_tprefix_valid_i"):
            getattr(dut, prefix).value = 0

    async def run(self):
        while True:
            tlp = await self.queue.get()
            payload = bytes(tlp.data)
            self.header.value = header_of(tlp)
            offsets = range(0, len(payload), self.beat_bytes) if payload else (0,)
            for offset in offsets:
                chunk = payload[offset : offset + self.beat_bytes]
                self.data.value = int.from_bytes(chunk, "little")
                self.keep.value = (1 << (len(chunk) + 3) // 4) - 1
                self.last.value = int(offset + self.beat_bytes >= len(payload))
                self.valid.value = 1
                await RisingEdge(self.clock)
                while not int(self.ready.value):
                    await RisingEdge(self.clock)
            self.valid.value = 0
            tlp.release_fc()


class TlpSink:
    """Watches `rq` or `cc`, always ready; hands each TLP to `deliver`, in order."""

    def __init__(self, dut, name: str, deliver):
        self.clock = dut.clk_i
        self.data = getattr(dut, f"{name}_tdata_o")
        self.keep = getattr(dut, f"{name}_tkeep_o")
        self.valid = getattr(dut, f"{name}_tvalid_o")
        self.last = getattr(dut, f"{name}_tlast_o")
        self.header = getattr(dut, f"{name}_thdr_o")
        self.ready = getattr(dut, f"{name}_tready_i")
        self.beat_bytes = len(self.data) // 8
        self.deliver = deliver
        self.tlps = 0
        self.ready.value = 1

    async def run(self):
        header, payload = None, bytearray()
        while True:
            await RisingEdge(self.clock)
            if int(self.valid.value):
                if header is None:
                    header = int(self.header.value)
                dwords = int(self.keep.value).bit_count()
                payload += int(self.data.value).to_bytes(self.beat_bytes, "little")[: 4 * dwords]
                if int(self.last.value):
                    self.tlps += 1
                    self.deliver(tlp_of(header, bytes(payload)))
                    header, payload = None, bytearray()


class FrameSink:
    """Watches `net_tx`, always ready: (queue pair, frame) for each good frame."""

    def __init__(self, dut, deliver):
        self.dut = dut
        self.beat_bytes = len(dut.net_tx_tdata_o) // 8
        self.deliver = deliver
        dut.net_tx_tready_i.value = 1

    async def run(self):
        dut, frame = self.dut, bytearray()
        while True:
            await RisingEdge(dut.clk_i)
            if int(dut.net_tx_tvalid_o.value):
                count = int(dut.net_tx_tkeep_o.value).bit_count()
                frame += int(dut.net_tx_tdata_o.value).to_bytes(self.beat_bytes, "little")[:count]
                if int(dut.net_tx_tlast_o.value):
                    if not int(dut.net_tx_error_o.value):
                        self.deliver(int(dut.net_tx_queue_o.value), bytes(frame))
                    frame = bytearray()


class FrameSource:
    """Drives `net_rx`."""

    def __init__(self, dut):
        self.dut = dut
        self.beat_bytes = len(dut.net_rx_tdata_i) // 8
        self.queue = Queue()
        for pin in (dut.net_rx_tdata_i, dut.net_rx_tkeep_i, dut.net_rx_tvalid_i, dut.net_rx_tlast_i, dut.net_rx_flow_i):
            pin.value = 0

    async def run(self):
        dut = self.dut
        while True:
            flow, frame = await self.queue.get()
            dut.net_rx_flow_i.value = flow
            for offset in range(0, len(frame), self.beat_bytes):
                chunk = frame[offset : offset + self.beat_bytes]
                dut.net_rx_tdata_i.value = int.from_bytes(chunk, "little")
                dut.net_rx_tkeep_i.value = (1 << len(chunk)) - 1
                dut.net_rx_tlast_i.value = int(offset + self.beat_bytes >= len(frame))
                dut.net_rx_tvalid_i.value = 1
                await RisingEdge(dut.clk_i)
                while not int(dut.net_rx_tready_o.value):
                    await RisingEdge(dut.clk_i)
            dut.net_rx_tvalid_i.value = 0
