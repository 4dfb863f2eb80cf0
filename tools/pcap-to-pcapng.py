#!/usr/bin/env python3
"""Turn a classic pcap into a plain pcapng: one section, one interface, one enhanced packet block a frame.

    pcap-to-pcapng.py IN.pcap OUT.pcapng

Wireshark's own converter writes the operating system and processor into the section header; this one
writes no such options, because the result is published.
"""

import struct
import sys


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def main() -> int:
    source, target = sys.argv[1:]
    data = open(source, "rb").read()
    magic, _, _, _, _, snaplen, linktype = struct.unpack_from("<IHHiIII", data)
    if magic not in (0xA1B2C3D4, 0xA1B23C4D):
        print(f"{source}: not a little-endian pcap (magic {magic:#010x})", file=sys.stderr)
        return 2
    nanoseconds = magic == 0xA1B23C4D
    per_second, resolution = (10**9, 9) if nanoseconds else (10**6, 6)

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    # if_tsresol (option 9), then end of options.
    out += block(1, struct.pack("<HHI", linktype, 0, snaplen) + struct.pack("<HHB3xHH", 9, 1, resolution, 0, 0))
    at = 24
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        at += 16
        stamp = seconds * per_second + fraction
        frame = data[at : at + captured]
        at += captured
        out += block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, captured, original) + frame)
    open(target, "wb").write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
