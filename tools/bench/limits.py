"""What the link and the boundary allow, per packet, for rings of one-descriptor packets.

A batch is what the device learnt of at once (a read of the index; of a packed ring, what was published when it asked): the driver
publishes k packets at a time, but while a read is under way more become visible, and a device that reads less often than the driver
publishes is allowed to. So the limit of a run is that of its own mean batch (never below k) and its own kicks, not of k: a ratio
above 100 % cannot hide a bad device.

Link: bytes of every TLP with framing and header, on a link less Ack and flow control (the yardstick's accounting: write and read
header 24, completion 20). Boundary: one beat per clock and channel, a TLP starts on a beat of its own and its header lies beside
the data. A split batch costs one read of the index, as few reads of entries and descriptors as the link's limits and the ids allow,
one write of elements per 32, one of the index; a packed one as few reads of descriptors and one write of used descriptors per 16.
"""
MWR, MRD, CPLD, MPS, MRRS = 24, 24, 20, 256, 512
HEADER = 12


def ceil_div(a, b):
    return -(-a // b)


class Cost:
    """Bytes and beats of one batch, both ways: up = rq, down = rc."""

    def __init__(self, width_bits):
        self.beat = width_bits // 8
        self.up = self.down = self.rq = self.rc = 0
        self.requests = 0

    def _beats(self, n):
        return max(1, ceil_div(n, self.beat))

    def read(self, n):
        while n > 0:
            take = min(n, MRRS)
            self.requests += 1
            self.up += MRD
            self.rq += 1
            left = ceil_div(take, 4) * 4
            while left > 0:
                piece = min(left, MPS)
                self.down += CPLD + piece
                self.rc += self._beats(piece)
                left -= piece
            n -= take

    def write(self, n):
        while n > 0:
            take = min(n, MPS)
            self.requests += 1
            self.up += MWR + ceil_div(take, 4) * 4
            self.rq += self._beats(ceil_div(take, 4) * 4)
            n -= take


def batch(ring, direction, k, runs, frame, width_bits):
    """Cost of k packets of one direction, polling driver, `runs` runs of ascending ids among them (split rings)."""
    c = Cost(width_bits)
    if ring == "split":
        c.read(2)                                   # index
        c.read(2 * k)                               # entries
        for run in range(runs):
            c.read(16 * (k * (run + 1) // runs - k * run // runs))
    else:
        c.read(16 * k)
    for _ in range(k):
        (c.read if direction == "tx" else c.write)(frame + HEADER)
    if ring == "split":
        c.write(8 * k)                              # elements
        c.write(2)                                  # index
    else:
        c.write(16 * k)
    return c


def limits(ring, direction, batches, run_length, kicks, frame, width_bits, clock_mhz, gbps):
    """(link, boundary) in Mpps of each direction; "both" is both at the same time. `batches`: packets that the device learnt of at
    once, by direction; `kicks` per packet, `run_length` descriptors that one read could bring, both over all packets of both
    directions; `gbps`: the link's usable rate."""
    ways = ("tx", "rx") if direction == "both" else (direction,)
    each = [(batch(ring, d, k, min(k, max(1, round(k / run_length))), frame, width_bits), k) for d in ways for k in (batches[d],)]
    total = {name: sum(getattr(c, name) / k for c, k in each) for name in ("up", "down", "rq", "rc")}
    total["down"] += kicks * len(ways) * (MWR + 4)
    wire = ceil_div(frame, width_bits // 8)         # net_tx and net_rx: one direction each
    link = gbps * 1e3 / 8 / max(total["up"], total["down"])
    boundary = clock_mhz / max(total["rq"], total["rc"], kicks * len(ways), wire)
    return link, boundary
