# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the lab itself: it sees what crosses a segment, it leaves nothing
behind, and it refuses what is not isolated."""

import os
import tempfile

import capture
import casefile
import netns
import scan
from context import equal, require
from report import Failed
from topology import Lab

CASE = """\
# A - middle (a router) - B
case {name}
title Two nodes and a router
run nothing
segment left
	valid 1.1.1.0/24
segment right
	valid 1.1.1.0/24 2.2.2.0/24
node a
	address left 1.1.1.1/24
	route default via 1.1.1.254
node middle
	address left 1.1.1.254/24
	address right 2.2.2.254/24
	sysctl net.ipv4.ip_forward 1
node b
	address right 2.2.2.2/24
	route default via 2.2.2.254
"""

MISTAKES = {
    "unknown_word": ("node b", "knot b", "16: unknown word 'knot'"),
    "no_segment": ("address left 1.1.1.1/24", "address lost 1.1.1.1/24",
                   "10: no segment lost"),
    "bad_prefix": ("valid 1.1.1.0/24 2", "valid 1.1.1.7/24 2", "8: 1.1.1.7/24 has host"),
    "name_used_twice": ("node middle", "node a", "12: a is there already"),
}


def parse(text, name="tiny"):
    with tempfile.TemporaryDirectory(prefix="vdlab-check.") as folder:
        path = os.path.join(folder, name + ".lab")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(name=name))
        return casefile.Parser(path).parse()


def udp_across(lab):
    """One datagram from A to B and its answer."""
    a, b = lab.udp("a", "1.1.1.1", 1111), lab.udp("b", "2.2.2.2", 2222)
    a.sendto(b"there", ("2.2.2.2", 2222))
    data, source = b.recvfrom(100)
    equal("received", (data, source), (b"there", ("1.1.1.1", 1111)))
    b.sendto(b"and back", source)
    equal("received", a.recvfrom(100)[0], b"and back")


def run(report):
    for name, (old, new, words) in MISTAKES.items():
        with report.test(f"lab/case_file_mistake_{name}"):
            try:
                parse(CASE.replace(old, new, 1))
            except casefile.CaseError as error:
                require(words in str(error), f"said {error}")
            else:
                raise Failed("the mistake was taken")
    with report.test("lab/all_cases_parse"):
        for name in casefile.names():
            casefile.load(name)
        require(casefile.names(), "there is no case")
    case = parse(CASE)
    with report.test("lab/sees_every_frame_of_a_segment"):
        with Lab(case) as lab:
            udp_across(lab)
            captures = lab.take()
            for segment in ("left", "right"):
                seen = [str(p) for p in captures[segment] if p.kind == "ip"]
                equal(segment, seen, ["udp 1.1.1.1:1111 > 2.2.2.2:2222",
                                      "udp 2.2.2.2:2222 > 1.1.1.1:1111"])
                require(not any(p.faults for p in captures[segment]), "bad checksums")
            view = scan.View("left", ["1.1.1.0/24"])
            require(scan.scan(view, captures["left"]), "2.2.2.2 on the left is a leak")
    with report.test("lab/has_its_own_checksums"):
        with Lab(case) as lab:
            for index in range(3):
                lab.udp("a").sendto(b"x" * (3000 + index), ("2.2.2.2", 9))
            netns.time.sleep(0.1)
            packets = [p for p in lab.take()["right"] if p.proto == capture.UDP]
            require(packets and not any(p.faults for p in packets),
                    f"fragmented datagrams: {[p.faults for p in packets]}")
    with report.test("lab/leaves_nothing_behind"):
        with Lab(case) as lab:
            process = lab.popen("a", ["sleep", "30"])
            names, folder = [lab.namespace(n) for n in ("a", "b", "wire")], lab.folder
        require(process.poll() is not None, "a program still runs")
        require(not any(netns.exists(name) for name in names), "a namespace is left")
        require(not os.path.exists(folder), "a folder is left")
    with report.test("lab/leaves_nothing_behind_after_a_failure"):
        broken = parse(CASE.replace("route default via 2.2.2.254",
                                    "route default via 3.3.3.3"))
        try:
            with Lab(broken) as lab:
                raise Failed("the impossible route was taken")
        except netns.LabError:
            require(not [n for n in os.listdir(netns.RUN)
                         if n.startswith(f"vd{os.getpid()}-")], "a namespace is left")
    with report.test("lab/refuses_a_foreign_interface"):
        with Lab(case) as lab:
            netns.ip_batch(["tuntap add dev stray mode tun"], lab.namespace("b"))
            refuses(lab, "stray")
    with report.test("lab/refuses_a_way_out"):
        with Lab(case) as lab:
            # A veth that looks like the lab's but ends where the lab began.
            netns.ip_batch(["link del right"], lab.namespace("b"))
            netns.ip_batch([f"link add vdtest{os.getpid() % 10000} type veth peer name "
                            f"right netns {lab.namespace('b')}"])
            refuses(lab, "leads out of the lab")


def refuses(lab, words):
    try:
        lab.verify_isolation()
    except netns.LabError as error:
        require(words in str(error), f"said {error}")
    else:
        raise Failed("the lab found itself isolated")
