#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which ICMP errors one UDP packet brings back to its sender's namespace.

icmp_errors.py NETNS BIND PORT TARGET TARGET-PORT SIZE EXPECTED

A packet of SIZE bytes that may not be fragmented is sent to TARGET. EXPECTED is
"SOURCE TYPE CODE about SOURCE:PORT > DESTINATION:PORT", or "nothing".
"""
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
from udp import socket_in    # noqa: E402

WAIT = 1.5
MORE = 0.2
MTU_DISCOVER, PROBE = 10, 3


def told(data):
    """The text of an ICMP error, or None."""
    start = 4 * (data[0] & 15)
    kind, code = data[start:start + 2]
    if kind not in (3, 11, 12):
        return None
    quoted = data[start + 8:]
    ports = struct.unpack("!HH", quoted[20:24])
    source, destination = (socket.inet_ntoa(quoted[i:i + 4]) for i in (12, 16))
    return (f"{socket.inet_ntoa(data[12:16])} {kind} {code} about "
            f"{source}:{ports[0]} > {destination}:{ports[1]}")


def main(words):
    netns, address, port, target, target_port, size, expected = words
    sender = socket_in(netns, address, int(port))
    sender.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, PROBE)
    watcher = socket_in(netns, address, 0, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sender.sendto(bytes(int(size) - 28), (target, int(target_port)))
    heard, end = [], time.monotonic() + WAIT
    while time.monotonic() < end:
        watcher.settimeout(max(end - time.monotonic(), 0.01))
        try:
            text = told(watcher.recv(65535))
        except socket.timeout:
            break
        if text:
            heard.append(text)
            end = time.monotonic() + MORE
    if heard != ([] if expected == "nothing" else [expected]):
        return f"came: {'; '.join(heard) or 'nothing'}"
    return None


if __name__ == "__main__":
    fault = main(sys.argv[1:])
    if fault:
        sys.exit(f"icmp_errors.py {' '.join(sys.argv[1:])}: {fault}")
