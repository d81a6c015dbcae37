# SPDX-License-Identifier: GPL-2.0-or-later
"""The leak scanner (requirement X5): no byte that anybody sees on a segment
may tell an address, a port or a host name that is not valid there."""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import capture

QUAD = re.compile(rb"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
# The scanner's only named exception: what a client hashed cannot be changed.
DIGEST_URI = re.compile(
    rb'(?im)^((?:proxy-)?authorization[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?'
    rb'\buri[ \t]*=[ \t]*)"[^"\r\n]*"')
# Places of SIP and SDP where a number is a port
PORTS = (re.compile(rb"(?m)^m=\S+ (\d{1,5})"),
         re.compile(rb"(?m)^a=rtcp:(\d{1,5})"),
         re.compile(rb"(?m)^a=candidate:(?:\S+ ){5}(\d{1,5})"),
         re.compile(rb"\brport (\d{1,5})"),
         re.compile(rb"\brport=(\d{1,5})"),
         re.compile(rb"[\w-]+(?:\.[\w-]+)+:(\d{1,5})(?!\d)"))


@dataclass
class View:
    """What is valid on one segment, and what is known to be hidden from it."""
    segment: str
    valid: list                                   # prefixes
    hidden: set = field(default_factory=set)      # addresses valid elsewhere only
    hidden_ports: set = field(default_factory=set)
    hidden_names: set = field(default_factory=set)

    def __post_init__(self):
        self.networks = [ip_network(prefix) for prefix in self.valid]
        self.spellings = {}
        for address in sorted(self.hidden):
            for text in spellings(address):
                self.spellings[text] = address
        self.spelled = _any_of(self.spellings)
        self.named = _any_of(name.lower().encode() for name in self.hidden_names)

    def allows(self, address):
        address = ip_address(address)
        return (int(address) == 0 or address == IPv4Address("255.255.255.255")
                or (address.version == 6 and (address.is_link_local or address.is_multicast))
                or any(address in network for network in self.networks))


def _any_of(texts):
    texts = sorted(texts)
    if not texts:
        return None
    return re.compile(rb"(?<![0-9a-z])(?:" + b"|".join(map(re.escape, texts))
                      + rb")(?![0-9a-z])")


def spellings(address):
    """Other ways in which software writes an address down; of IPv6, all."""
    if ":" in address:
        number = IPv6Address(address)
        return [s.encode() for s in (str(number), number.exploded, number.packed.hex())]
    parts = address.split(".")
    number = IPv4Address(address)
    return [s.encode() for s in
            ("-".join(parts), "_".join(parts), "%2e".join(parts),
             number.packed.hex(), str(int(number)),
             ".".join(reversed(parts)) + ".in-addr.arpa",
             ".".join(p.zfill(3) for p in parts))]


def scan_text(view, data):
    """The leaks in one message, packet payload or TCP stream, as texts."""
    data = DIGEST_URI.sub(rb'\1""', data)
    lower = data.lower()
    leaks = []

    def report(what, at):
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        line = data[start:end if end >= 0 else len(data)]
        leaks.append(f"{what} in {line.strip()[:160].decode('latin-1')!r}")

    for match in QUAD.finditer(data):
        try:
            address = ip_address(match.group().decode())
        except ValueError:
            continue
        if not view.allows(address):
            report(f"address {address}", match.start())
    if view.spelled:
        for match in view.spelled.finditer(lower):
            report(f"address {view.spellings[match.group()]}", match.start())
    if view.named:
        for match in view.named.finditer(lower):
            report(f"name {match.group().decode()}", match.start())
    for pattern in PORTS:
        for match in pattern.finditer(data):
            if int(match.group(1)) in view.hidden_ports:
                report(f"port {int(match.group(1))}", match.start(1))
    return leaks


def scan_headers(view, packet):
    """The leaks in a packet's own headers and in a packet that it quotes."""
    leaks = []
    for where, address in (("source", packet.src), ("destination", packet.dst)):
        if address and not view.allows(address):
            leaks.append(f"{where} address {address}")
    if packet.proto in (capture.UDP, capture.TCP):
        for where, port in (("source", packet.sport), ("destination", packet.dport)):
            if port in view.hidden_ports:
                leaks.append(f"{where} port {port}")
    if packet.quoted:
        inner = scan_headers(view, packet.quoted)
        inner += scan_text(view, packet.quoted.payload)
        leaks += [f"quoted packet: {leak}" for leak in inner]
    return leaks


def scan(view, packets):
    """All leaks on a segment, each with the packet in which it is."""
    leaks = []
    for packet in packets:
        found = scan_headers(view, packet) if packet.kind != "other" else []
        if packet.kind != "arp":
            found += scan_text(view, packet.payload or
                               (packet.raw if packet.kind == "other" else b""))
        leaks += [f"{view.segment}: {packet}: {leak}" for leak in found]
    for (src, dst), stream in capture.streams(packets).items():
        for leak in scan_text(view, stream):
            text = f"{view.segment}: tcp {src} > {dst}: {leak}"
            if text not in leaks:
                leaks.append(text)
    return leaks
