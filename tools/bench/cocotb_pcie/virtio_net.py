"""A small virtio-net driver on cocotbext-pcie: one queue pair, split rings, MSI-X, EVENT_IDX.

It does what a driver has to do and no more: this is the yardstick's driver, not the reference driver of Ringside.
"""

import struct

from cocotb.triggers import Event

CAP_VENDOR = 0x09
CFG_COMMON, CFG_NOTIFY, CFG_ISR, CFG_DEVICE = 1, 2, 3, 4
STATUS_ACKNOWLEDGE, STATUS_DRIVER, STATUS_DRIVER_OK, STATUS_FEATURES_OK = 1, 2, 4, 8
F_MRG_RXBUF, F_EVENT_IDX, F_VERSION_1, F_ACCESS_PLATFORM = 15, 29, 32, 33
DESC_NEXT, DESC_WRITE = 1, 2
NET_HEADER_BYTES = 12
RX_BUFFER_BYTES = 2048


class Common:
    """Offsets in the common configuration structure (virtio 1.2, 4.1.4.3)."""

    DEVICE_FEATURE_SELECT, DEVICE_FEATURE = 0x00, 0x04
    DRIVER_FEATURE_SELECT, DRIVER_FEATURE = 0x08, 0x0C
    CONFIG_MSIX_VECTOR, NUM_QUEUES, DEVICE_STATUS = 0x10, 0x12, 0x14
    QUEUE_SELECT, QUEUE_SIZE, QUEUE_MSIX_VECTOR, QUEUE_ENABLE, QUEUE_NOTIFY_OFF = 0x16, 0x18, 0x1A, 0x1C, 0x1E
    QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE = 0x20, 0x28, 0x30


class SplitQueue:
    """One split virtqueue in host memory; a buffer per descriptor, no chains."""

    def __init__(self, rc, index: int, size: int, buffer_bytes: int):
        self.index, self.size, self.buffer_bytes = index, size, buffer_bytes
        self.desc_addr, self.desc = rc.alloc_region(16 * size)
        self.avail_addr, self.avail = rc.alloc_region(4096)
        self.used_addr, self.used = rc.alloc_region(4096)
        self.buffers_addr, self.buffers = rc.alloc_region(size * buffer_bytes)
        self.free = list(range(size))
        self.avail_idx = self.used_idx = 0
        self.kick_addr = None
        self.interrupt = Event()

    def post(self, data: bytes | None, length: int | None = None):
        slot = self.free.pop(0)
        flags = DESC_WRITE
        if data is not None:
            self.buffers[slot * self.buffer_bytes : slot * self.buffer_bytes + len(data)] = data
            length, flags = len(data), 0
        address = self.buffers_addr + slot * self.buffer_bytes
        self.desc[16 * slot : 16 * slot + 16] = struct.pack("<QIHH", address, length, flags, 0)
        at = 4 + 2 * (self.avail_idx % self.size)
        self.avail[at : at + 2] = struct.pack("<H", slot)
        self.avail_idx = (self.avail_idx + 1) & 0xFFFF

    def publish(self) -> bool:
        """Makes posted buffers visible; true if the device wants to be told."""
        old = struct.unpack("<H", self.avail[2:4])[0]
        self.avail[2:4] = struct.pack("<H", self.avail_idx)
        at = 4 + 8 * self.size
        event = struct.unpack("<H", self.used[at : at + 2])[0]
        return (self.avail_idx - event - 1) & 0xFFFF < (self.avail_idx - old) & 0xFFFF

    def want_interrupt(self, after: int):
        """used_event: interrupt when the used index passes `after` more buffers."""
        at = 4 + 2 * self.size
        self.avail[at : at + 2] = struct.pack("<H", (self.used_idx + after - 1) & 0xFFFF)

    def take_used(self):
        """Yields (slot, written bytes) of everything used so far."""
        while struct.unpack("<H", self.used[2:4])[0] != self.used_idx:
            at = 4 + 8 * (self.used_idx % self.size)
            slot, written = struct.unpack("<II", self.used[at : at + 8])
            self.used_idx = (self.used_idx + 1) & 0xFFFF
            yield slot, written
            self.free.append(slot)


class VirtioNet:
    def __init__(self, rc, pci_device, queue_size: int):
        self.rc, self.pci, self.queue_size = rc, pci_device, queue_size
        self.kicks = 0

    async def start(self):
        await self.pci.enable_device()
        await self.pci.set_master()
        await self.find_structures()
        await self.pci.alloc_irq_vectors(1, 2048)
        await self.negotiate()
        self.rx = SplitQueue(self.rc, 0, self.queue_size, RX_BUFFER_BYTES)
        self.tx = SplitQueue(self.rc, 1, self.queue_size, RX_BUFFER_BYTES)
        for queue in (self.rx, self.tx):
            await self.set_up(queue)
        self.rx.want_interrupt(1)
        await self.status(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK)
        await self.refill()

    async def find_structures(self):
        windows = {}
        for cap_id, offset in self.pci.capabilities:
            if cap_id != CAP_VENDOR:
                continue
            raw = bytes(await self.pci.config_read(offset, 16))
            kind, bar, start, _length = raw[3], raw[4], *struct.unpack("<II", raw[8:16])
            if kind == CFG_NOTIFY:
                self.notify_multiplier = await self.pci.config_read_dword(offset + 16)
            windows.setdefault(kind, (self.pci.bar_window[bar], start))
        self.common_window, self.common_base = windows[CFG_COMMON]
        self.notify_window, self.notify_base = windows[CFG_NOTIFY]

    async def write(self, offset: int, value: int, size: int):
        await self.common_window.write(self.common_base + offset, value.to_bytes(size, "little"))

    async def read(self, offset: int, size: int) -> int:
        return int.from_bytes(await self.common_window.read(self.common_base + offset, size), "little")

    async def status(self, value: int):
        await self.write(Common.DEVICE_STATUS, value, 1)

    async def negotiate(self):
        await self.status(0)
        while await self.read(Common.DEVICE_STATUS, 1):
            pass
        await self.status(STATUS_ACKNOWLEDGE)
        await self.status(STATUS_ACKNOWLEDGE | STATUS_DRIVER)
        offered = 0
        for window in (0, 1):
            await self.write(Common.DEVICE_FEATURE_SELECT, window, 4)
            offered |= await self.read(Common.DEVICE_FEATURE, 4) << (32 * window)
        wanted = sum(1 << bit for bit in (F_MRG_RXBUF, F_EVENT_IDX, F_VERSION_1, F_ACCESS_PLATFORM))
        accepted = offered & wanted
        assert accepted >> F_EVENT_IDX & 1 and accepted >> F_VERSION_1 & 1, f"offered {offered:#x}"
        for window in (0, 1):
            await self.write(Common.DRIVER_FEATURE_SELECT, window, 4)
            await self.write(Common.DRIVER_FEATURE, accepted >> (32 * window) & 0xFFFFFFFF, 4)
        await self.status(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK)
        assert await self.read(Common.DEVICE_STATUS, 1) & STATUS_FEATURES_OK, "FEATURES_OK was refused"

    async def set_up(self, queue: SplitQueue):
        await self.write(Common.QUEUE_SELECT, queue.index, 2)
        assert await self.read(Common.QUEUE_SIZE, 2) >= queue.size
        await self.write(Common.QUEUE_SIZE, queue.size, 2)
        await self.write(Common.QUEUE_MSIX_VECTOR, queue.index, 2)
        assert await self.read(Common.QUEUE_MSIX_VECTOR, 2) == queue.index
        for offset, address in (
            (Common.QUEUE_DESC, queue.desc_addr),
            (Common.QUEUE_DRIVER, queue.avail_addr),
            (Common.QUEUE_DEVICE, queue.used_addr),
        ):
            await self.write(offset, address & 0xFFFFFFFF, 4)
            await self.write(offset + 4, address >> 32, 4)
        notify_offset = await self.read(Common.QUEUE_NOTIFY_OFF, 2)
        queue.kick_addr = self.notify_base + notify_offset * self.notify_multiplier

        async def fired():
            queue.interrupt.set()

        self.pci.request_irq(queue.index, fired)
        await self.write(Common.QUEUE_ENABLE, 1, 2)

    async def kick(self, queue: SplitQueue):
        if queue.publish():
            self.kicks += 1
            await self.notify_window.write(queue.kick_addr, queue.index.to_bytes(2, "little"))

    async def refill(self):
        while self.rx.free:
            self.rx.post(None, RX_BUFFER_BYTES)
        await self.kick(self.rx)

    async def send(self, frames, batch: int):
        """Sends all frames, `batch` to a publication; waits for buffers when the ring is full."""
        queue = self.tx
        left = list(frames)
        while left:
            for slot, _ in queue.take_used():
                pass
            room = min(batch, len(left), len(queue.free))
            if not room:
                queue.interrupt.clear()
                queue.want_interrupt(min(batch, queue.size // 2))
                if struct.unpack("<H", queue.used[2:4])[0] == queue.used_idx:
                    await queue.interrupt.wait()
                continue
            for frame in left[:room]:
                queue.post(bytes(NET_HEADER_BYTES) + frame)
            del left[:room]
            await self.kick(queue)

    async def receive(self, count: int):
        """Returns `count` frames in the order of arrival."""
        queue, frames = self.rx, []
        while len(frames) < count:
            queue.interrupt.clear()
            before = len(frames)
            for slot, written in queue.take_used():
                at = slot * queue.buffer_bytes
                frames.append(bytes(queue.buffers[at + NET_HEADER_BYTES : at + written]))
            await self.refill()
            queue.want_interrupt(1)
            if len(frames) == before and struct.unpack("<H", queue.used[2:4])[0] == queue.used_idx:
                await queue.interrupt.wait()
        return frames
