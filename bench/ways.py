# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways through a box that are compared: each has a lab of its own, with
straight veths, that stays up while all are measured in turn."""

import contextlib
import copy
import json
import os
import subprocess
import time

import casefile
import edge as edges
import netns
import ngclient
import topology
from netns import LabError

HERE = os.path.dirname(os.path.abspath(__file__))
BOX_CORE, LOAD_CORE = 0, 1
FLOWS = 4000
INSIDE, OUTSIDE, POOL = "1.1.1.1", "2.2.2.2", "4.4.4.4"
CLOSED = "4.4.4.5:2000"
BOX_INSIDE, BOX_OUTSIDE = "1.1.1.254", "2.2.2.254"
RECEIVER = """table netdev receiver {
	counter right { }
	counter wrong { }
	chain ingress {
		type filter hook ingress device "%(device)s" priority 0
		meta l4proto != udp accept
		ip saddr %(source)s ip daddr %(target)s udp length 180 \\
			udp dport 1024-65535 counter name "right" drop
		counter name "wrong" drop
	}
}
"""
NAT = """table ip nat {
	map inward {
		type ipv4_addr . inet_service : ipv4_addr . inet_service
		elements = { %(inward)s }
	}
	map outward {
		type ipv4_addr . inet_service : ipv4_addr . inet_service
		elements = { %(outward)s }
	}
	chain prerouting {
		type nat hook prerouting priority dstnat
		iifname "outside" meta l4proto udp \\
			dnat ip to ip daddr . udp dport map @inward
	}
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname "outside" meta l4proto udp \\
			snat ip to ip saddr . udp sport map @outward
	}
}
"""


def port(flow):
    return 10000 + 2 * flow


def the_case():
    return casefile.Parser(os.path.join(HERE, "edge.lab")).parse()


class StraightLab(topology.Lab):
    """The lab's nodes with a veth from each outer node to the edge: no bridge
    and no capture on the way, for they would cost more than what is measured."""

    def build(self):
        names = [self.wire] + [self.namespace(n) for n in self.case.nodes]
        netns.ip_batch([f"netns add {name}" for name in names])
        for name in names:
            for where in ("all", "default"):
                netns.write_sysctl(name, f"net.ipv6.conf.{where}.disable_ipv6", 1)
        netns.ip_batch([
            f"link add name {device} netns {self.namespace(node)} type veth "
            f"peer name {device} netns {self.namespace('e')}"
            for node, device in (("a", "inside"), ("b", "outside"))], self.wire)
        for node in self.case.nodes.values():
            self.build_node(node)
        self.switch_offloads_off()
        self.verify_isolation()
        for node in self.case.edges:
            self.edges[node.name] = edges.Edge(node, self.namespace(node.name),
                                               os.path.join(self.folder, node.name))

    def switch_offloads_off(self):
        for node, device in (("a", "inside"), ("b", "outside"), ("e", "inside"),
                             ("e", "outside")):
            done = netns.run(self.namespace(node),
                             ["ethtool", "-K", device] + topology.OFFLOADS)
            if done.returncode:
                raise LabError(f"ethtool {device}: {done.stderr.strip()}")

    def verify_isolation(self):
        ours = {self.namespace(n) for n in self.case.nodes}
        for name in ours:
            peers = netns.namespace_ids(name)
            for link in netns.links(name):
                kind = link.get("linkinfo", {}).get("info_kind", "")
                if link["ifname"] == "lo" or (link["ifname"] in netns.FALLBACK
                                              and "UP" not in link["flags"]):
                    continue
                if kind != "veth" or peers.get(link.get("link_netnsid")) not in ours:
                    raise LabError(f"not isolated: {link['ifname']} of {name}")
        for line in netns.links(self.wire):
            if line["ifname"] != "lo" and "UP" in line["flags"]:
                raise LabError(f"not isolated: {line['ifname']} of {self.wire}")


class Load:
    """One running rtpblast."""

    def __init__(self, process):
        self.process = process

    def begin(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def result(self):
        line = self.process.stdout.readline()
        if not line:
            raise LabError(f"the load generator ended with {self.process.wait(5)}")
        return json.loads(line)

    def call(self, *words):
        """One command; what it tells."""
        self.begin(*words)
        return self.result()

    def end(self):
        self.process.stdin.close()
        self.process.wait(5)


class Way:
    """One box with its load. `cores`: 1, the box's work is on BOX_CORE; 2, it
    may be on both."""
    name = title = ""
    cores = 1
    daemons = ()
    settings = ""
    source_inside, source_outside = OUTSIDE, INSIDE     # as the receivers see them

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.lab = self.load = None

    def __enter__(self):
        try:
            self.lab = self.stack.enter_context(StraightLab(self.case()))
            self.steer()
            self.receivers()
            self.set_up()
            self.start_load()
            self.warm_up()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def case(self):
        case = copy.deepcopy(the_case())
        case.nodes["e"].daemons[:] = self.daemons
        case.nodes["e"].config = self.settings + case.nodes["e"].config
        return case

    def steer(self):
        """What arrives at the box is worked on by the box's core, not by the
        sender's; the addresses of the neighbours do not expire."""
        mask = 1 << BOX_CORE if self.cores == 1 else 3
        for device in ("inside", "outside"):
            self.inside_of("e", ["sh", "-c", f"echo {mask} > "
                                 f"/sys/class/net/{device}/queues/rx-0/rps_cpus"])
        mac = {(n, d): self.mac(n, d) for n, d in (
            ("a", "inside"), ("b", "outside"), ("e", "inside"), ("e", "outside"))}
        for node, to, device in (("e", "a", "inside"), ("e", "b", "outside"),
                                 ("a", "e", "inside"), ("b", "e", "outside")):
            address = {"ea": INSIDE, "eb": OUTSIDE, "ae": BOX_INSIDE,
                       "be": BOX_OUTSIDE}[node + to]
            netns.ip_batch([f"neigh replace {address} dev {device} lladdr "
                            f"{mac[to, device]} nud permanent"],
                           self.lab.namespace(node))

    def inside_of(self, node, argv):
        return netns.command(["ip", "netns", "exec", self.lab.namespace(node), *argv])

    def mac(self, node, device):
        return next(link["address"] for link in netns.links(self.lab.namespace(node))
                    if link["ifname"] == device)

    def receivers(self):
        """A queue of its own (NAPI, by GRO) for each receiving device, and the
        cheapest end of a packet: counted and dropped at ingress."""
        for node, device, source, target in (
                ("a", "inside", self.source_inside, INSIDE),
                ("b", "outside", self.source_outside, OUTSIDE)):
            self.inside_of(node, ["ethtool", "-K", device, "gro", "on"])
            self.drop_at(node, device, source, target)

    def drop_at(self, node, device, source, target):
        path = self.lab.write(f"receiver-{node}-{device}.nft", RECEIVER % {
            "device": device, "source": source, "target": target})
        self.nft(node, path)

    def nft(self, node, path):
        done = netns.run(self.lab.namespace(node), ["nft", "-f", path], timeout=60)
        if done.returncode:
            raise LabError(f"{self.name}: nft: {done.stderr.strip()[:300]}")

    def set_up(self):
        """Brings the box up with FLOWS pairings in force."""

    def forwarding(self):
        netns.write_sysctl(self.lab.namespace("e"), "net.ipv4.ip_forward", 1)

    def flow(self, number):
        """(where INSIDE sends, where OUTSIDE sends) as (address, port)."""
        return (OUTSIDE, port(number)), (INSIDE, port(number))

    def receiver_of(self, sender):
        """(node, device) where a packet of that node comes out."""
        return ("b", "outside") if sender == "a" else ("a", "inside")

    def flow_lines(self):
        """The flows of each sender, as rtpblast reads them."""
        return {"a": "".join("%s %d %s %d\n" % (INSIDE, port(i), *self.flow(i)[0])
                             for i in range(FLOWS)),
                "b": "".join("%s %d %s %d\n" % (OUTSIDE, port(i), *self.flow(i)[1])
                             for i in range(FLOWS))}

    def new_load(self, lines):
        """A load generator of its own for the flows of each sender."""
        words = []
        for node, device in (("a", "inside"), ("b", "outside")):
            receiver, receiving = self.receiver_of(node)
            words += [self.lab.namespace(node), device, self.mac("e", device),
                      self.lab.namespace(receiver), receiving,
                      self.lab.write(f"flows-{node}", lines[node])]
        return Load(self.lab.popen(
            "e", [os.path.join(edges.build_folder(), "bench", "rtpblast"),
                  str(LOAD_CORE), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def start_load(self):
        self.load = self.new_load(self.flow_lines())
        self.load.call("load", 1, 1, 1000, 1)       # it has read its flows

    def blast(self, *words):
        return self.load.call(*words)

    def mend(self, flows):
        """After an overload: what gave up for good is made anew."""

    def warm_up(self):
        """Each flow has passed both ways, and is right, before it counts."""
        for sides in (2, 1, 2):
            self.blast("load", sides, FLOWS, 20000, 1000 * FLOWS * sides // 20000 + 100)
        before = self.counted()
        tally = self.blast("load", 2, FLOWS, 20000, 500)
        after = self.counted()
        right = after["right"] - before["right"]
        if tally["sent"] != right or after["wrong"] != before["wrong"]:
            raise LabError(f"{self.name}: {tally['sent']} packets sent, {right} right "
                           f"ones received, {after['wrong'] - before['wrong']} wrong")

    def counted(self):
        found = {"right": 0, "wrong": 0}
        for node in {self.receiver_of("a")[0], self.receiver_of("b")[0]}:
            done = netns.run(self.lab.namespace(node), ["nft", "-j", "list", "counters"])
            for entry in json.loads(done.stdout)["nftables"]:
                if "counter" in entry:
                    found[entry["counter"]["name"]] += entry["counter"]["packets"]
        return found

    def pin(self, process):
        """All threads of a process to the box's core, if it has but one."""
        if self.cores == 1:
            for thread in os.listdir(f"/proc/{process.pid}/task"):
                os.sched_setaffinity(int(thread), {BOX_CORE})


class Bare(Way):
    """The load alone: the box drops what arrives."""
    name, title = "bare", "bare delivery"

    def receivers(self):
        self.drop_at("e", "inside", INSIDE, OUTSIDE)
        path = self.lab.write("receiver-outside.nft", (RECEIVER % {
            "device": "outside", "source": OUTSIDE, "target": INSIDE}).replace(
                "table netdev receiver", "table netdev receiver_outside"))
        self.nft("e", path)

    def receiver_of(self, sender):
        return "e", "inside" if sender == "a" else "outside"


class Forward(Way):
    name, title = "forward", "plain forwarding"

    def set_up(self):
        self.forwarding()


class Nat(Way):
    name, title = "nat", "nftables DNAT + SNAT"
    source_outside = POOL

    def set_up(self):
        pairs = range(FLOWS)
        self.nft("e", self.lab.write("nat", NAT % {
            "inward": ", ".join(f"{POOL} . {port(i)} : {INSIDE} . {port(i)}"
                                for i in pairs),
            "outward": ", ".join(f"{INSIDE} . {port(i)} : {POOL} . {port(i)}"
                                 for i in pairs)}))
        self.forwarding()

    def flow(self, number):
        return (OUTSIDE, port(number)), (POOL, port(number))


class Rtpengine(Way):
    name, title = "rtpengine1", "rtpengine, 1 thread"
    source_inside, source_outside = BOX_INSIDE, BOX_OUTSIDE

    def set_up(self):
        self.engine = ngclient.Engine(self.lab, "e", self.cores, BOX_INSIDE,
                                      BOX_OUTSIDE)
        self.pin(self.engine.process)
        self.ports = [None] * FLOWS
        self.serial = 0
        self.connect(range(FLOWS))

    def connect(self, flows):
        for i in flows:
            call = f"bench-{self.serial}-{i}"
            self.ports[i] = (call, *self.engine.connect(
                call, (INSIDE, port(i)), (OUTSIDE, port(i))))
        self.serial += 1

    def flow(self, number):
        _, at_inside, at_outside = self.ports[number]
        return (BOX_INSIDE, at_inside), (BOX_OUTSIDE, at_outside)

    def mend(self, flows):
        """It closes a stream for good whose socket held more than 50 packets
        five times: such calls are made anew."""
        time.sleep(0.3)                             # what its sockets still hold
        for _ in range(5):
            tally = self.blast("load", 2, flows, 20000, max(20, flows // 8))
            if tally["received"] >= tally["sent"] > 0:
                return
            time.sleep(0.2)
            for call, *_ in self.ports[:flows]:
                self.engine.client.call("delete", call_id=call, delete_delay=0)
            self.connect(range(flows))
            self.load.end()
            self.start_load()
        raise LabError(f"{self.name}: calls made anew do not carry packets")


class Rtpengine2(Rtpengine):
    name, title, cores = "rtpengine2", "rtpengine, 2 threads", 2


class Viaduct(Way):
    """`settings` go before the configuration of edge.lab."""
    daemons = ("translator", "natctl")
    source_outside = POOL

    def set_up(self):
        self.lab.start_edges()
        self.pin(self.lab.edges["e"].processes["translator"])
        with self.lab.edges["e"].channel("natctl") as channel:
            for start in range(0, FLOWS, 50):
                channel.call("ask", group=f"flows-{start}", lifetime=7200, leases=[
                    {"inner": f"{INSIDE}:{port(i)}@inside", "realm": "outside",
                     "ports": 1, "kind": "both", "protocol": "udp",
                     "request": {"outer": f"{POOL}:{port(i)}", "mode": "strict"}}
                    for i in range(start, min(start + 50, FLOWS))])

            channel.call("ask", group="closed", lifetime=7200, leases=[
                {"inner": f"{INSIDE}:9000@inside", "realm": "outside", "ports": 1,
                 "kind": "both", "protocol": "udp",
                 "request": {"outer": CLOSED, "mode": "strict"},
                 "conditions": [{"source": "9.9.9.9/32"}]}])

    def flow(self, number):
        return (OUTSIDE, port(number)), (POOL, port(number))

    def closed_load(self):
        """A load whose packets from OUTSIDE are all discarded by a condition:
        each of them crosses the TUN, and never anything comes out."""
        address, at = CLOSED.split(":")
        lines = self.flow_lines()
        lines["b"] = "".join(f"{OUTSIDE} {port(i)} {address} {at}\n"
                             for i in range(FLOWS))
        return self.new_load(lines)

    def fresh_load(self, flows):
        """A load of flows that the box has not seen yet."""
        return self.new_load({
            "a": "".join(f"{INSIDE} {port(i)} {OUTSIDE} {30001 + 2 * i}\n"
                         for i in range(flows)),
            "b": "".join(f"{OUTSIDE} {30001 + 2 * i} {POOL} {port(i)}\n"
                         for i in range(flows))})

    def tun_packets(self):
        """Packets that the kernel has given to the TUNs so far."""
        text = self.inside_of("e", ["cat", "/proc/net/dev"])
        return sum(int(line.split(":")[1].split()[9]) for line in text.split("\n")
                   if line.strip().startswith("viaduct"))


class Tun(Viaduct):
    name, title = "tun", "viaduct, TUN path"


class Tun2(Tun):
    name, title, cores = "tun2", "viaduct, TUN path, 2 workers", 2


class Fast(Viaduct):
    name, title = "fast", "viaduct, fast path"


def understands(setting):
    """Whether this build's configuration has such a setting."""
    path = os.path.join("/tmp", f"viaduct-bench-{os.getpid()}.conf")
    text = the_case().nodes["e"].config.replace("$DIR", "/nowhere")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'rundir = "/nowhere"\n{setting}\n{text}')
    try:
        done = subprocess.run([edges.program("viaduct"), "check", path],
                              capture_output=True, text=True, timeout=10, check=False)
    finally:
        os.unlink(path)
    word = setting.split()[0]
    return word not in done.stdout + done.stderr


def available():
    """The ways that can be measured with this build, in the order of the
    table."""
    slow = "fastpath = no\n" if understands("fastpath = no") else ""
    Tun.settings = slow
    ways = [Bare, Forward, Nat, Rtpengine, Rtpengine2, Tun]
    if understands("workers = 2"):
        Tun.settings = slow + "workers = 1\n"
        Tun2.settings = slow + "workers = 2\n"
        ways.append(Tun2)
    if slow:
        Fast.settings = "fastpath = yes\n"
        ways.append(Fast)
    return ways

