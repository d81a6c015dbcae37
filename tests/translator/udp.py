#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One UDP exchange between two network namespaces.

udp.py FROM BIND PORT TO-NETNS TO-BIND TO-PORT TARGET TARGET-PORT OUTCOME [SIZE]

A socket in FROM sends SIZE bytes to TARGET; OUTCOME is "SOURCE:PORT" (the other
socket gets it from there, and its answer comes back from TARGET), "nothing", or
"refused" (an ICMP error comes back; the other socket is not opened).
"""
import os
import socket
import sys

CLONE_NEWNET = 0x40000000
WAIT = 1.0


def socket_in(netns, address, port, kind=socket.SOCK_DGRAM, protocol=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with open(f"/run/netns/{netns}") as there, open("/proc/self/ns/net") as here:
        os_setns(there.fileno())
        try:
            made = socket.socket(family, kind, protocol)
        finally:
            os_setns(here.fileno())
    # May fragment: what is too long for the path is not refused here.
    made.setsockopt(socket.IPPROTO_IP, 10, 0)
    made.bind((address, port))
    made.settimeout(WAIT)
    return made


def os_setns(descriptor):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def main(words):
    netns, address, port, other, other_address, other_port, target, target_port, outcome = words[:9]
    payload = os.urandom(int(words[9]) if len(words) > 9 else 100)
    sender = socket_in(netns, address, int(port))
    sender.connect((target, int(target_port)))
    if outcome == "refused":
        sender.send(payload)
        try:
            sender.recv(65535)
        except ConnectionRefusedError:
            return None
        except socket.timeout:
            return "no ICMP error came"
        return "got an answer"
    receiver = socket_in(other, other_address, int(other_port))
    sender.send(payload)
    try:
        got, source = receiver.recvfrom(65535)
    except socket.timeout:
        return None if outcome == "nothing" else "nothing came"
    if outcome == "nothing":
        return f"came from {source}"
    if got != payload:
        return f"{len(got)} other bytes came"
    if "%s:%u" % source[:2] != outcome:
        return "came from %s:%u" % source[:2]
    receiver.sendto(payload[::-1], source)
    try:
        return None if sender.recv(65535) == payload[::-1] else "another answer came"
    except socket.timeout:
        return "no answer came"


if __name__ == "__main__":
    fault = main(sys.argv[1:])
    if fault:
        sys.exit(f"udp.py {' '.join(sys.argv[1:])}: {fault}")
