"""The design as a device on cocotbext-pcie's link: TLPs pass between its port and the pins, nothing is emulated."""

import cocotb
from cocotb.queue import Queue

from cocotbext.pcie.core.device import Device
from cocotbext.pcie.core.dllp import FcType

from pins import TlpSink, TlpSource

# What the transmitter may be ahead by; modular arithmetic needs less than half of the field.
HEADER_CREDITS, DATA_CREDITS = 64, 1024


class DutDevice(Device):
    """Configuration space, BARs and DMA are the RTL's own; the link's credits are the port model's work."""

    def __init__(self, dut, link_speed: int, link_width: int):
        super().__init__()
        self.dut = dut
        self.upstream_port.max_link_speed = link_speed
        self.upstream_port.max_link_width = link_width
        self.upstream = Queue()
        self.cq, self.rc = TlpSource(dut, "cq"), TlpSource(dut, "rc")
        self.rq = TlpSink(dut, "rq", self.from_design)
        self.cc = TlpSink(dut, "cc", self.from_design)
        self.consumed = {kind: [0, 0] for kind in (FcType.P, FcType.NP, FcType.CPL)}
        for kind in self.consumed:
            self.grant(kind)

    def start(self):
        for part in (self.cq, self.rc, self.rq, self.cc):
            cocotb.start_soon(part.run())
        cocotb.start_soon(self.run_upstream())

    async def upstream_recv(self, tlp):
        """From the root port."""
        (self.rc if tlp.is_completion() else self.cq).queue.put_nowait(tlp)

    def from_design(self, tlp):
        kind = tlp.get_fc_type()
        self.consumed[kind][0] += 1
        self.consumed[kind][1] += tlp.get_data_credits()
        self.grant(kind)
        self.upstream.put_nowait(tlp)

    def grant(self, kind):
        """Credit limits are cumulative, as in UpdateFC."""
        header, data = self.consumed[kind]
        name = {FcType.P: "p", FcType.NP: "np", FcType.CPL: "cpl"}[kind]
        getattr(self.dut, f"fc_{name}h_limit_i").value = (header + HEADER_CREDITS) & 0xFF
        getattr(self.dut, f"fc_{name}d_limit_i").value = (data + DATA_CREDITS) & 0xFFF

    async def run_upstream(self):
        while True:
            await self.upstream_send(await self.upstream.get())
