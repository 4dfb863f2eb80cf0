#!/usr/bin/env python3
"""An 802.1Q access port in user space: a TAP device for the stack, tagged frames on the wire.

    vlan-port.py WIRE TAP VLAN-ID

Frames that the kernel sends into TAP get a tag and go out on WIRE; frames with that tag on WIRE go
untagged into TAP. For make-traffic.sh, which must also run where the kernel has no 802.1Q module.
Runs until it is killed.
"""

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ETH_P_ALL, TPID = 0x0003, 0x8100
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
TP_STATUS_VLAN_VALID = 1 << 4


def main() -> None:
    wire_name, tap_name, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", tap_name.encode(), IFF_TAP | IFF_NO_PI))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((wire_name, ETH_P_ALL))
    # The kernel takes a received tag off the frame and hands it over beside it.
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    while True:
        for ready in select.select([tap, wire], [], [])[0]:
            if ready is tap:
                frame = os.read(tap, 65536)
                wire.send(frame[:12] + struct.pack(">HH", TPID, vlan) + frame[12:])
                continue
            frame, extra, _, source = wire.recvmsg(65536, socket.CMSG_SPACE(20))
            if source[2] == PACKET_OUTGOING:
                continue
            for level, kind, data in extra:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tag, _ = struct.unpack_from("IIIHHHH", data)
                    if status & TP_STATUS_VLAN_VALID and tag & 0xFFF == vlan:
                        os.write(tap, frame)


if __name__ == "__main__":
    main()
