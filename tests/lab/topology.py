# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds a case's topology out of namespaces, and takes it away again.

One namespace per node, and one more, the wire, that holds a bridge per
segment: all frames of a segment cross its bridge, where tcpdump sees them.
Nothing of it touches the namespace from which the lab is started."""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import capture
import netns
from edge import Edge
from netns import LabError

OFFLOADS = ["tx", "off", "rx", "off", "sg", "off", "gso", "off", "gro", "off",
            "tso", "off"]
OURS = re.compile(r"vd(\d+)-")


class Tap:
    """tcpdump on one segment's bridge, read while it writes."""

    def __init__(self, segment, namespace, folder, keep):
        self.segment = segment
        self.path = os.path.join(folder, f"{segment}.pcap")
        self.offset = 0
        self.log = open(os.path.join(folder, f"{segment}.tcpdump"), "w+b")
        self.process = netns.popen(
            namespace, ["tcpdump", "-i", segment, "-w", self.path, "-s", "0", "-n",
                        "--immediate-mode", "-U", "-Z", "root", "-B", "8192"],
            stdin=open(os.devnull, "rb"), stdout=self.log, stderr=self.log, keep=keep)

    def wait_ready(self):
        def listening():
            if self.process.poll() is not None:
                raise LabError(f"tcpdump on {self.segment} ended: {self.words()}")
            return "listening on" in self.words() and os.path.exists(self.path)
        netns.wait_until(f"tcpdump listens on {self.segment}", listening)

    def words(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").strip()

    def drain(self):
        """Waits until the file has not grown for a moment; bounded."""
        size = -1
        for _ in range(40):
            now = os.path.getsize(self.path)
            if now == size:
                return
            size = now
            netns.time.sleep(0.03)

    def take(self):
        """The packets since the last take."""
        defragmenter = capture.Defragmenter()
        packets = []
        for time, frame, offset in capture.records(self.path, self.offset):
            self.offset = offset
            packet = defragmenter.feed(capture.parse_frame(time, frame))
            if packet is not None:
                packets.append(packet)
        return packets

    def stop(self):
        netns.end(self.process)
        self.log.close()
        dropped = re.search(r"(\d+) packets? dropped by kernel", self.text_of_log())
        return int(dropped.group(1)) if dropped else 0

    def text_of_log(self):
        with open(self.log.name, errors="replace", encoding="utf-8") as file:
            return file.read()


def free_prefix():
    """What the names of a lab's namespaces begin with: unique for this run, and
    for each of several labs that one run keeps up."""
    for serial in range(100):
        prefix = f"vd{os.getpid()}-{serial or ''}"
        if not netns.exists(prefix + "wire"):
            return prefix
    raise LabError("a hundred labs are up already")


class Lab:
    """The running topology of one case."""

    def __init__(self, case, keep=False):
        self.case = case
        self.keep = keep                    # outlives the program (lab up)
        self.prefix = free_prefix()
        self.folder = tempfile.mkdtemp(prefix=f"vdlab-{case.name}.")
        os.chmod(self.folder, 0o755)
        self.wire = self.prefix + "wire"
        self.taps = {}
        self.edges = {}
        self.processes = []                 # phones and other programs
        self.sockets = []
        self.ports = {}                     # (node, segment) -> wire end
        self.removed = False
        atexit.register(self.remove)

    def namespace(self, node):
        return self.prefix + node

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *exc):
        self.remove()

    def build(self):
        names = [self.wire] + [self.namespace(n) for n in self.case.nodes]
        for name in names:
            if netns.exists(name):
                raise LabError(f"namespace {name} is there already")
        netns.ip_batch([f"netns add {name}" for name in names])
        for name in names:
            for where in ("all", "default"):
                netns.write_sysctl(name, f"net.ipv6.conf.{where}.disable_ipv6", 1)
        for node in self.case.nodes.values():
            if any(":" in address for _, address in node.addresses):
                self.enable_ipv6(self.namespace(node.name))
        self.build_wire()
        for node in self.case.nodes.values():
            self.build_node(node)
        self.switch_offloads_off()
        self.verify_isolation()
        for segment in self.case.segments:
            self.taps[segment] = Tap(segment, self.wire, self.folder, self.keep)
        for tap in self.taps.values():
            tap.wait_ready()
        for node in self.case.edges:
            self.edges[node.name] = Edge(node, self.namespace(node.name),
                                         os.path.join(self.folder, node.name))

    def enable_ipv6(self, name):
        for key, value in (("router_solicitations", 0), ("accept_ra", 0),
                           ("accept_dad", 0), ("disable_ipv6", 0)):
            for where in ("default", "all"):
                netns.write_sysctl(name, f"net.ipv6.conf.{where}.{key}", value)

    def build_wire(self):
        lines = ["link set lo up"]
        for segment in self.case.segments:
            lines.append(f"link add {segment} type bridge stp_state 0 "
                         f"forward_delay 0 mcast_snooping 0")
            lines.append(f"link set {segment} up")
        for node in self.case.nodes.values():
            for segment in dict.fromkeys(s for s, _ in node.addresses):
                port = f"p{len(self.ports)}"
                self.ports[node.name, segment] = port
                lines.append(f"link add {port} type veth peer name {segment} "
                             f"netns {self.namespace(node.name)}")
                lines.append(f"link set {port} master {segment} up")
        netns.ip_batch(lines, self.wire)

    def build_node(self, node):
        name = self.namespace(node.name)
        lines = ["link set lo up"]
        for segment in dict.fromkeys(s for s, _ in node.addresses):
            lines.append(f"link set {segment} up")
        for segment, address in node.addresses:
            how = "nodad" if ":" in address else "brd +"
            lines.append(f"addr add {address} {how} dev {segment}")
        for prefix, how, where in node.routes:
            lines.append(f"route add {prefix} {how} {where}")
        netns.ip_batch(lines, name)
        for key, value in node.sysctls:
            netns.write_sysctl(name, key, value)
        if node.nft:
            done = netns.run(name, ["nft", "-f", self.write("nft", node.nft)])
            if done.returncode:
                raise LabError(f"node {node.name}: nft: {done.stderr.strip()}")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def switch_offloads_off(self):
        """So that what is captured has its real size and checksum."""
        running = []
        for (node, segment), port in self.ports.items():
            for name, device in ((self.wire, port), (self.namespace(node), segment)):
                running.append((device, netns.popen(
                    name, ["ethtool", "-K", device] + OFFLOADS,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)))
        for device, process in running:
            _, errors = process.communicate(timeout=10)
            if process.returncode:
                raise LabError(f"ethtool {device}: {errors.decode().strip()}")

    def verify_isolation(self):
        """Refuses to go on if anything leads out of the lab: only lo and the
        lab's own veths and bridges may be in its namespaces, each veth's other
        end in the wire (or in a node), and default routes only through them."""
        for node in [None, *self.case.nodes.values()]:
            name = self.namespace(node.name) if node else self.wire
            segments = {s for s, _ in node.addresses} if node else set()
            ports = set() if node else set(self.ports.values())
            neighbours = {self.wire} if node else \
                {self.namespace(n) for n in self.case.nodes}
            peers = netns.namespace_ids(name)
            for link in netns.links(name):
                device = link["ifname"]
                kind = link.get("linkinfo", {}).get("info_kind", "")
                if device == "lo":
                    continue
                if device in netns.FALLBACK and "UP" not in link["flags"]:
                    continue
                if kind == "veth" and device in segments | ports:
                    if peers.get(link.get("link_netnsid")) in neighbours:
                        continue
                    raise LabError(f"not isolated: interface {device} of namespace "
                                   f"{name} leads out of the lab")
                if kind == "bridge" and not node and device in self.case.segments:
                    continue
                raise LabError(f"not isolated: namespace {name} has an "
                               f"interface {device} ({kind or 'unknown kind'})")
            for route in netns.default_routes(name):
                if route.get("dev") not in segments:
                    raise LabError(f"not isolated: namespace {name} has a "
                                   f"default route by {route.get('dev')}")

    def start_edges(self):
        for edge in self.edges.values():
            edge.start_all(keep=self.keep)

    # Programs and sockets inside
    def popen(self, node, argv, **options):
        process = netns.popen(self.namespace(node), argv, **options)
        self.processes.append(process)
        return process

    def udp(self, node, address="0.0.0.0", port=0, timeout=2.0):
        """A UDP socket of a plain application on that node."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = netns.make_socket(self.namespace(node), family=family)
        self.sockets.append(sock)
        sock.settimeout(timeout)
        sock.bind((address, port))
        return sock

    # Captures
    def take(self):
        """{segment: packets since the last take}."""
        for tap in self.taps.values():
            tap.drain()
        return {segment: tap.take() for segment, tap in self.taps.items()}

    def daemon_that_ended(self):
        for edge in self.edges.values():
            words = edge.alive()
            if words:
                return words
        return None

    def keep_evidence(self, test):
        """Copies captures and logs to a folder that stays; its name."""
        folder = tempfile.mkdtemp(prefix=f"vdlab-failed-{test.replace('/', '-')[:60]}.")
        os.chmod(folder, 0o755)
        for tap in self.taps.values():
            shutil.copy(tap.path, folder)
        for edge in self.edges.values():
            edge.keep_logs(folder)
        for file in os.listdir(self.folder):
            path = os.path.join(self.folder, file)
            if os.path.isfile(path) and not file.endswith((".pcap", ".tcpdump")):
                shutil.copy(path, folder)
        return folder

    def let_go(self):
        """The lab stays when the program ends."""
        self.removed = True
        atexit.unregister(self.remove)

    def remove(self):
        """Everything away, whatever has happened before."""
        if self.removed:
            return
        self.removed = True
        atexit.unregister(self.remove)
        with _signals_held():
            for sock in self.sockets:
                sock.close()
            for process in self.processes:
                _quietly(lambda p=process: netns.end(p, kill=True))
            for edge in self.edges.values():
                for process in edge.processes.values():
                    _quietly(lambda p=process: netns.end(p))
            for tap in self.taps.values():
                _quietly(tap.stop)
            for node in [*self.case.nodes, "wire"]:
                _quietly(lambda n=node: netns.remove(self.namespace(n)))
            shutil.rmtree(self.folder, ignore_errors=True)


def _quietly(action):
    """Removal goes on whatever one step says; the step's words are shown."""
    try:
        action()
    except Exception as error:           # pylint: disable=broad-except
        print(f"lab: while removing: {error}", file=sys.stderr)


class _signals_held:
    """Ctrl-C and TERM wait until the block is through."""
    SIGNALS = {signal.SIGINT, signal.SIGTERM}

    def __enter__(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, self.SIGNALS)

    def __exit__(self, *exc):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.SIGNALS)


def sweep(kept):
    """Removes namespaces that a killed lab left behind. `kept` names those
    that a `lab up` still wants."""
    for name in os.listdir(netns.RUN) if os.path.isdir(netns.RUN) else []:
        match = OURS.match(name)
        if match and name not in kept and not os.path.exists(f"/proc/{match.group(1)}"):
            netns.remove(name)
