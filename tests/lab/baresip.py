# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls between two baresip: a client that nobody here wrote. Registered, with
ports of its own, audio both ways."""

import array
import glob
import math
import os
import subprocess
import time
import wave

import capture
import media
import netns
import scan
import sip
from applications import check_nothing_left
from context import equal, require
from report import NotReached

SECONDS = 4
UNDER_WAY = 0.1         # seconds that a packet may be under way on a busy machine
CONFIG = """\
sip_listen {sip}
net_interface {address}
audio_source aufile,{tone}
audio_player aufile,{tone}
audio_alert aufile,{tone}
snd_path {folder}
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
"""


def tone(path, frequency, seconds=20):
    """A sine of 8 kHz samples to speak with."""
    samples = array.array("h", (int(9000 * math.sin(2 * math.pi * frequency * n / 8000))
                                for n in range(8000 * seconds)))
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def loudness(path):
    """The highest RMS of any tenth of a second in a recording."""
    with wave.open(path, "rb") as file:
        samples = array.array("h", file.readframes(file.getnframes()))
    step = 800
    return max((math.sqrt(sum(s * s for s in samples[at:at + step]) / step)
                for at in range(0, max(len(samples) - step, 0), step)), default=0)


def outbound(proxy, transport):
    """Where the edge listens so: TLS one port above the others."""
    address, port = proxy.rsplit(":", 1)
    if transport == "tls":
        port = int(port) + 1
    return f"sip:{address}:{port};transport={transport}"


class Baresip:
    def __init__(self, lab, setup, frequency, transport="udp"):
        self.setup = setup
        self.folder = os.path.join(lab.folder, f"baresip-{setup.name}")
        os.makedirs(self.folder, exist_ok=True)
        self.output = os.path.join(lab.folder, f"baresip-{setup.name}.log")
        sound = os.path.join(self.folder, "tone.wav")
        tone(sound, frequency)
        self.write("config", CONFIG.format(sip=setup.sip, folder=self.folder,
                                           address=setup.sip.split(":")[0], tone=sound))
        self.write("accounts",
                   f"<{setup.aor};transport={transport}>;"
                   f"outbound=\"{outbound(setup.proxy, transport)}\";"
                   f"regint=60;auth_user={setup.user};auth_pass={setup.password};"
                   f"answermode=auto;audio_codecs=PCMU/8000/1\n")
        self.write("contacts", "")
        argv = ["baresip", "-f", self.folder, "-t", str(SECONDS + 6)]
        with open(self.output, "wb") as log:
            self.process = lab.popen(setup.node, argv, stdin=subprocess.PIPE,
                                     stdout=log, stderr=log)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def says(self, *words):
        with open(self.output, errors="replace", encoding="utf-8") as file:
            text = file.read()
        return any(word in text for word in words)

    def wait_says(self, *words, timeout=5):
        netns.wait_until(f"baresip {self.setup.name} says {words}",
                         lambda: self.says(*words), timeout)

    def type(self, keys):
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()

    def recording(self):
        files = glob.glob(os.path.join(self.folder, "dump-*-dec.wav"))
        require(files, f"baresip {self.setup.name} recorded nothing")
        return files[-1]

    def quit(self):
        """Ends it as a user would, so that it hangs up and unregisters."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(4)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(4)
        self.process.stdin.close()


def own_view(context, captures, segment):
    """The segment's view, and the ports that the clients chose themselves are
    hidden where the NAT shows another one."""
    old = context.views[segment]
    hidden, seen = set(old.hidden_ports), set()
    for name, packets in captures.items():
        for what in ("offer", "answer"):
            ports = {int(e.split(":")[1]) for e in sip.shown(packets, what)}
            if name == segment:
                seen |= ports
            else:
                # Only the clients' own endpoints are of interest.
                hidden |= {int(e.split(":")[1]) for e in sip.shown(packets, what)
                           if e.split(":")[0] in old.hidden}
    seen |= {port + 1 for port in seen}
    hidden |= {port + 1 for port in hidden}
    return scan.View(old.segment, old.valid, old.hidden, hidden - seen, old.hidden_names)


def baresip(context, transport="udp"):
    """The caller speaks so with its edge, the callee UDP."""
    lab, record = context.lab, {}
    name = "baresip" if transport == "udp" else f"baresip_{transport}"
    a, b = context.case.phones["a"], context.case.phones["b"]
    with context.test(name + "/call"):
        record = call(lab, a, b, transport)
    with context.test(name + "/audio_both_ways"):
        if not record:
            raise NotReached("the call")
        for who, loud in record["loudness"].items():
            require(loud > 500, f"what {who} recorded is silent: RMS {loud:.0f}")
    with context.test(name + "/rtp_on_every_segment"):
        if not record:
            raise NotReached("the call")
        check_rtp(context, record["captures"])
    with context.test(name + "/empty_after_bye"):
        if not record:
            raise NotReached("the call")
        for edge in lab.edges.values():
            check_nothing_left(edge)
    with context.test(name + "/no_leak", ["X5"]):
        if not record:
            raise NotReached("the call")
        captures = record["captures"]
        leaks = [leak for segment, packets in captures.items()
                 for leak in scan.scan(own_view(context, captures, segment), packets)]
        require(not leaks, f"{len(leaks)} leaks: " + "; ".join(leaks[:5]))


def call(lab, a, b, transport):
    lab.take()
    callee = Baresip(lab, b, 440)
    caller = None
    try:
        callee.wait_says("200 OK", "registered successfully")
        caller = Baresip(lab, a, 880, transport)
        caller.wait_says("200 OK", "registered successfully")
        caller.type(f"d{b.aor}\n")
        caller.wait_says("Call established", "call established")
        time.sleep(SECONDS - 1)
        caller.type("b")
        callee.wait_says("terminated", "session closed", "call closed")
        time.sleep(0.2)
    finally:
        for client in (caller, callee):
            if client:
                client.quit()
    return {"captures": lab.take(),
            "loudness": {c.setup.name: loudness(c.recording()) for c in (caller, callee)}}


def first_time(captures, method):
    """When a request of the last call was first seen, on each segment that has
    seen it: what a tap tells late may be of the call before."""
    times = []
    for packets in captures.values():
        seen = [(p.time, m.first.split(" ")[0]) for p, m in sip.messages(packets)]
        begin = max([time for time, name in seen if name == "INVITE"], default=0)
        times += [time for time, name in seen if name == method and time > begin][:1]
    require(times, f"no {method} was seen")
    return times


def check_rtp(context, captures):
    """On every segment that the case states media for, RTP goes both ways, and
    each payload is the same on all of them, from the ACK to the BYE: a client
    does not stop sending at the moment at which the other hangs up, and what is
    under way then may come behind the end of the rules."""
    up = max(first_time(captures, "ACK"))
    down = min(first_time(captures, "BYE"))
    chains = {}
    for flow, segment, _, _ in context.case.expected("media"):
        chains.setdefault(flow, []).append(segment)
    for flow, segments in chains.items():
        counts = []
        sender = context.case.phones[flow.split(">")[0]]
        source = sender.media.split(":")[0]
        first = [p.payload for p in captures[segments[0]]
                 if capture.is_rtp(p) and p.src == source and up < p.time < down - UNDER_WAY]
        require(len(first) > 50, f"{flow}: {len(first)} RTP packets on {segments[0]}")
        for segment in segments[1:]:
            there = {p.payload for p in captures[segment] if capture.is_rtp(p)}
            counts.append(sum(payload in there for payload in first))
        equal(f"{flow}: RTP of {segments[0]} seen on {segments[1:]}",
              counts, [len(first)] * (len(segments) - 1))
    for segment, packets in captures.items():
        faults = media.check_segment(segment, [p for p in packets if p.faults], set())
        require(not faults, "; ".join(faults))
