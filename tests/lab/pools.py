# SPDX-License-Identifier: GPL-2.0-or-later
"""The three kinds of pool: routed to the edge, on the link and answered for,
or ports of the interface's own address."""

import capture
import netns
from applications import Application
from calls import Pair, finish, first_packets, hang_up, talk
from context import equal, require


def _arp_reply(frames, address):
    """Did anybody answer for the address?"""
    return any(p.kind == "arp" and p.raw[6:8] == b"\0\2" and p.src == address
               for p in frames)


def on_link(context, ours, foreign):
    """The edge answers ARP for its pool, and for nobody else."""
    lab = context.lab
    with context.test("answers_arp_for_the_pool_only"):
        lab.take()
        probe = Application(lab, "a", "1.1.1.1", 4000)
        probe.send(f"{ours}:9", "who has")
        probe.send(f"{foreign}:9", "who has")
        netns.time.sleep(0.3)
        frames = lab.take()["outside"]
        asked = {p.dst for p in frames if p.kind == "arp"}
        require({ours, foreign} <= asked, f"ARP asked only for {asked}")
        require(_arp_reply(frames, ours), f"nobody answered for {ours}")
        require(not _arp_reply(frames, foreign), f"somebody answered for {foreign}")
        probe.socket.close()


def own_address(context, address, ports):
    """Ports of the interface's own address: they are reserved, so that no
    program of the host gets one by chance, and the host's other ports stay its
    own."""
    lab = context.lab
    namespace = lab.namespace("e")
    first, last = (int(port) for port in ports.split("-"))
    with context.test("reserves_its_ports"):
        reserved = netns.read_sysctl(namespace, "net.ipv4.ip_local_reserved_ports")
        taken = set()
        for part in filter(None, reserved.split(",")):
            low, _, high = part.partition("-")
            taken |= set(range(int(low), int(high or low) + 1))
        missing = set(range(first, last + 1)) - taken
        require(not missing, f"{len(missing)} ports of the pool are not reserved: "
                             f"{reserved!r}")
    with context.test("the_hosts_other_ports_are_its_own"):
        host = Application(lab, "e", address, 9000)
        probe = Application(lab, "a", "1.1.1.1", 4000)
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            probe.send(host.endpoint, "to the host")
            host.gets("to the host", probe.endpoint)
            host.send(probe.endpoint, "from the host")
            probe.gets("from the host", host.endpoint)
            hang_up(a, b)
        host.socket.close()
        probe.socket.close()
        finish(context)


def behind_router(context, outer):
    """The pool is on no link: its packets come by a router that has a route,
    and nobody asks for its addresses on the link."""
    lab = context.lab
    with context.test("comes_by_the_router"):
        lab.take()
        with Pair(context) as (a, b):
            talk(a, b)
            first_packets(a, b)
            hang_up(a, b)
        frames = lab.take()["outside"]
        require(any(p.kind == "ip" and p.proto == capture.UDP and p.destination == outer
                    for p in frames), f"no packet to {outer} on the edge's link")
        asked = {p.dst for p in frames if p.kind == "arp"}
        require(outer.split(":")[0] not in asked, "somebody asked the link for the pool")
        finish(context)
