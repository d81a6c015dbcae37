# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads pcap files; takes Ethernet, ARP, IPv4, UDP, TCP and ICMP apart and
verifies every checksum on the way."""

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

ETH_IP, ETH_ARP, ETH_IP6 = 0x0800, 0x0806, 0x86dd
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
# ICMP messages that quote the packet they are about
QUOTING = {3, 4, 5, 11, 12}
QUOTING6 = {1, 2, 3, 4}
# Of ICMPv6 on a link: listeners, routers, neighbours
LINK6 = {130, 131, 132, 133, 134, 135, 136, 137, 143}
# Headers between IPv6's and the transport's
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def checksum(data):
    """The Internet checksum (RFC 1071); 0 over data that includes a right one."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


@dataclass
class Packet:
    """One packet. `faults` names what is wrong with it (checksums, lengths)."""
    time: float
    kind: str                      # "arp", "ip", "other"
    src: str = ""
    dst: str = ""
    proto: int = 0
    ttl: int = 0
    dscp: int = 0
    sport: int = 0
    dport: int = 0
    payload: bytes = b""
    seq: int = 0                   # TCP
    flags: int = 0                 # TCP
    icmp: tuple = ()               # type, code
    quoted: "Packet" = None        # the packet inside an ICMP error
    fragment: tuple = ()           # id, offset, more: set on fragments only
    faults: list = field(default_factory=list)
    raw: bytes = b""

    @property
    def source(self):
        return endpoint(self.src, self.sport)

    @property
    def destination(self):
        return endpoint(self.dst, self.dport)

    def __str__(self):
        if self.kind == "arp":
            return f"arp {self.src} asks for {self.dst}"
        name = {ICMP: "icmp", ICMP6: "icmp6", TCP: "tcp", UDP: "udp"}.get(self.proto, self.proto)
        return f"{name} {self.source} > {self.destination}"


def records(path, offset=0):
    """Yields (time, frame, offset of the next record) for each whole record
    after `offset` (0 = the first one). A record that is still being written
    ends the walk."""
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24:
            return
        magic = head[:4]
        order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        fraction = 1e-9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
        if struct.unpack(order + "I", magic)[0] not in (0xa1b2c3d4, 0xa1b23c4d):
            raise ValueError(f"{path}: not a pcap file")
        if struct.unpack(order + "I", head[20:])[0] & 0xffff != 1:
            raise ValueError(f"{path}: not a capture of Ethernet frames")
        position = max(offset, 24)
        file.seek(position)
        while True:
            head = file.read(16)
            if len(head) < 16:
                return
            sec, sub, caplen, length = struct.unpack(order + "4I", head)
            frame = file.read(caplen)
            if len(frame) < caplen:
                return
            position += 16 + caplen
            if caplen != length:
                raise ValueError(f"{path}: a frame was cut: {caplen} of {length}")
            yield sec + sub * fraction, frame, position


def parse_frame(time, frame):
    """One Ethernet frame as a Packet."""
    if len(frame) < 14:
        return Packet(time, "other", raw=frame, faults=["short frame"])
    kind = struct.unpack(">H", frame[12:14])[0]
    if kind == ETH_ARP and len(frame) >= 42:
        return Packet(time, "arp", src=str(IPv4Address(frame[28:32])),
                      dst=str(IPv4Address(frame[38:42])), raw=frame[14:])
    if kind == ETH_IP:
        return parse_ip(time, frame[14:])
    if kind == ETH_IP6:
        return parse_ip6(time, frame[14:])
    return Packet(time, "other", raw=frame[14:])


def parse_ip(time, data, quoted=False):
    """One IPv4 packet. A quoted one may be cut: its checksums are not read."""
    packet = Packet(time, "ip", raw=data)
    size = (data[0] & 15) * 4 if data else 0
    if size < 20 or len(data) < size or data[0] >> 4 != 4:
        packet.faults.append("ip header")
        return packet
    total, ident, frag = struct.unpack(">HHH", data[2:8])
    packet.ttl, packet.proto = data[8], data[9]
    packet.dscp = data[1] >> 2
    packet.src = str(IPv4Address(data[12:16]))
    packet.dst = str(IPv4Address(data[16:20]))
    if checksum(data[:size]) and not quoted:
        packet.faults.append("ip checksum")
    if not quoted and (total < size or total > len(data)):
        packet.faults.append("ip length")
    body = data[size:total] if size <= total <= len(data) else data[size:]
    packet.raw = data[:size] + body
    if frag & 0x3fff:
        packet.fragment = (ident, (frag & 0x1fff) * 8, bool(frag & 0x2000))
        packet.payload = body
        return packet
    parse_transport(packet, body, quoted)
    return packet


def parse_ip6(time, data, quoted=False):
    """One IPv6 packet; neighbour discovery and the like are of kind "link6"."""
    packet = Packet(time, "ip", raw=data)
    if len(data) < 40 or data[0] >> 4 != 6:
        packet.faults.append("ip header")
        return packet
    length, proto, packet.ttl = struct.unpack(">HBB", data[4:8])
    packet.src = str(IPv6Address(data[8:24]))
    packet.dst = str(IPv6Address(data[24:40]))
    if not quoted and 40 + length > len(data):
        packet.faults.append("ip length")
    body = data[40:40 + length]
    packet.raw = data[:40] + body
    while proto in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION) and len(body) >= 8:
        follows, size = body[0], 8 if proto == FRAGMENT else (body[1] + 1) * 8
        if proto == FRAGMENT:
            where, ident = struct.unpack(">HI", body[2:8])
            packet.fragment = (ident, where & 0xfff8, bool(where & 1))
        proto, body = follows, body[size:]
        if packet.fragment and packet.fragment[1]:
            break
    packet.proto = proto
    if packet.fragment[1:] in ((), (0, False)):
        packet.fragment = ()
        parse_transport(packet, body, quoted)
        if proto == ICMP6 and packet.icmp and packet.icmp[0] in LINK6:
            packet.kind = "link6"
    else:
        packet.payload = body
    return packet


def parse_transport(packet, body, quoted=False):
    """Fills in what UDP, TCP or ICMP say."""
    pseudo = (ip_address(packet.src).packed + ip_address(packet.dst).packed
              + struct.pack(">HH", packet.proto, len(body)))
    if packet.proto == UDP and len(body) >= 8:
        packet.sport, packet.dport, length, check = struct.unpack(">4H", body[:8])
        packet.payload = body[8:]
        if quoted:
            return
        if length != len(body):
            packet.faults.append("udp length")
        if check == 0:
            packet.faults.append("udp checksum missing")
        elif checksum(pseudo + body):
            packet.faults.append("udp checksum")
    elif packet.proto == TCP and len(body) >= (8 if quoted else 20):
        packet.sport, packet.dport, packet.seq = struct.unpack(">HHI", body[:8])
        if len(body) >= 20:
            packet.flags = body[13]
            packet.payload = body[(body[12] >> 4) * 4:]
        if not quoted and checksum(pseudo + body):
            packet.faults.append("tcp checksum")
    elif packet.proto == ICMP and len(body) >= 8:
        packet.icmp = (body[0], body[1])
        if not quoted and checksum(body):
            packet.faults.append("icmp checksum")
        if body[0] in QUOTING:
            packet.quoted = parse_ip(packet.time, body[8:], quoted=True)
        else:
            packet.payload = body[8:]
    elif packet.proto == ICMP6 and len(body) >= 4:
        packet.icmp = (body[0], body[1])
        if not quoted and checksum(pseudo + body):
            packet.faults.append("icmp checksum")
        if body[0] in QUOTING6:
            packet.quoted = parse_ip6(packet.time, body[8:], quoted=True)
        else:
            packet.payload = body[8:]
    else:
        packet.payload = body
        if packet.proto in (UDP, TCP, ICMP) and not quoted:
            packet.faults.append("short transport header")


class Defragmenter:
    """Puts IPv4 fragments together, in any order; bounded in number."""
    LIMIT = 256

    def __init__(self):
        self.waiting = {}

    def feed(self, packet):
        """The whole packet once its last fragment is here, else None."""
        if not packet.fragment:
            return packet
        ident, offset, more = packet.fragment
        key = (packet.src, packet.dst, packet.proto, ident)
        if key not in self.waiting and len(self.waiting) >= self.LIMIT:
            self.waiting.pop(next(iter(self.waiting)))
        parts, end = self.waiting.setdefault(key, ({}, [None]))
        parts[offset] = packet.payload
        if not more:
            end[0] = offset + len(packet.payload)
        whole = b""
        while len(whole) in parts and parts[len(whole)]:
            whole += parts[len(whole)]
        if end[0] is None or len(whole) < end[0]:
            return None
        del self.waiting[key]
        result = Packet(packet.time, "ip", src=packet.src, dst=packet.dst,
                        proto=packet.proto, ttl=packet.ttl)
        result.raw = packet.raw[:40 if ":" in packet.src else 20] + whole
        parse_transport(result, whole)
        return result


def read(path, offset=0):
    """The packets of a file after `offset`, fragments put together."""
    defragmenter = Defragmenter()
    packets = []
    for time, frame, _ in records(path, offset):
        packet = defragmenter.feed(parse_frame(time, frame))
        if packet is not None:
            packets.append(packet)
    return packets


def streams(packets):
    """TCP payload put together per direction: {(source, destination): bytes}.
    Retransmitted and out-of-order segments are placed by sequence number; a
    hole ends a piece, so that what follows is still looked at."""
    segments = {}
    for packet in packets:
        if packet.kind == "ip" and packet.proto == TCP and packet.payload:
            key = (packet.source, packet.destination)
            segments.setdefault(key, []).append((packet.seq, packet.payload))
    result = {}
    for key, parts in segments.items():
        base = parts[0][0]
        # Distance from the first one seen, so that wrapped numbers sort right.
        parts = sorted((((seq - base + 2**31) % 2**32 - 2**31), data)
                       for seq, data in parts)
        stream, expected = b"", parts[0][0]
        for position, data in parts:
            if position > expected:
                stream += b"\n"
                expected = position
            stream += data[max(0, expected - position):]
            expected = max(expected, position + len(data))
        result[key] = stream
    return result


def is_rtp(packet):
    """A UDP packet that looks like RTP (RFC 3550, version 2, no RTCP type)."""
    data = packet.payload
    return (packet.kind == "ip" and packet.proto == UDP and len(data) >= 12
            and data[0] >> 6 == 2 and not 192 <= data[1] <= 223)


def is_rtcp(packet):
    """A UDP packet that looks like RTCP."""
    data = packet.payload
    return (packet.kind == "ip" and packet.proto == UDP and len(data) >= 8
            and data[0] >> 6 == 2 and 192 <= data[1] <= 223)
