#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the checkers: plants leaks and packet faults in captures made here
and shows that each is found, and that the clean capture passes.

Needs no rights and sends nothing: the captures are written byte by byte."""

import os
import struct
import sys
import tempfile
from ipaddress import IPv4Address

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import capture  # noqa: E402
import media    # noqa: E402
import scan     # noqa: E402
from report import Report  # noqa: E402

# The outside of case V1: 2.2.2.2:2222 is the hidden endpoint.
OUTSIDE = scan.View("outside", ["1.1.1.0/24", "3.3.3.0/30"],
                    hidden={"2.2.2.2", "2.2.2.254"},
                    hidden_ports={2222, 2223},
                    hidden_names={"phone-b.inside.example"})
A_SIP, EDGE_SIP = ("1.1.1.1", 5060), ("1.1.1.254", 5060)

SDP = (b"v=0\r\no=b 4711 1 IN IP4 3.3.3.3\r\ns=-\r\nc=IN IP4 3.3.3.3\r\n"
       b"t=0 0\r\nm=audio 3333 RTP/AVP 0\r\na=rtcp:3334\r\n")


def ip_packet(src, dst, proto, body, ident=1, frag=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, frag, 63,
                       proto, 0, IPv4Address(src).packed, IPv4Address(dst).packed)
    check = capture.checksum(head)
    return head[:10] + struct.pack(">H", check) + head[12:] + body


def with_checksum(src, dst, proto, body, at):
    pseudo = (IPv4Address(src).packed + IPv4Address(dst).packed
              + struct.pack(">BBH", 0, proto, len(body)))
    check = capture.checksum(pseudo + body) or 0xffff
    return body[:at] + struct.pack(">H", check) + body[at + 2:]


def udp(source, destination, payload):
    (src, sport), (dst, dport) = source, destination
    body = struct.pack(">4H", sport, dport, 8 + len(payload), 0) + payload
    return ip_packet(src, dst, capture.UDP,
                     with_checksum(src, dst, capture.UDP, body, 6))


def tcp(source, destination, seq, payload):
    (src, sport), (dst, dport) = source, destination
    body = struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, 1, 0x50, 0x18,
                       8192, 0, 0) + payload
    return ip_packet(src, dst, capture.TCP,
                     with_checksum(src, dst, capture.TCP, body, 16))


def icmp_error(src, dst, quoted):
    body = struct.pack(">BBHI", 3, 3, 0, 0) + quoted
    check = capture.checksum(body)
    return ip_packet(src, dst, capture.ICMP,
                     body[:2] + struct.pack(">H", check) + body[4:])


def write_pcap(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for number, packet in enumerate(packets):
            frame = bytes(12) + struct.pack(">H", capture.ETH_IP) + packet
            file.write(struct.pack("<4I", 1000, number, len(frame), len(frame)))
            file.write(frame)


def response(headers=b"", body=SDP, via=b"SIP/2.0/UDP 1.1.1.1:5060;branch=z9hG4bK1",
             call_id=b"7f3a@1.1.1.1", contact=b"<sip:t0k3n@1.1.1.254:5060>"):
    return (b"SIP/2.0 200 OK\r\nVia: " + via + b"\r\n"
            b"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\n"
            b"Call-ID: " + call_id + b"\r\nCSeq: 1 INVITE\r\n"
            b"Contact: " + contact + b"\r\n" + headers
            + b"Content-Type: application/sdp\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body)


def to_a(message):
    return [udp(EDGE_SIP, A_SIP, message)]


def over_tcp(message, cut, seq=1000):
    """Two segments, cut at a byte string's middle, in the wrong order."""
    at = message.index(cut) + len(cut) // 2
    first = tcp(EDGE_SIP, A_SIP, seq, message[:at])
    return [tcp(EDGE_SIP, A_SIP, seq + at, message[at:]), first]


def fragments(message):
    whole = udp(EDGE_SIP, A_SIP, message)
    at = 8 * (whole.index(b"c=IN IP4") // 8) - 20 + 8
    at -= at % 8
    data = whole[20:]
    return [ip_packet(*"1.1.1.254 1.1.1.1".split(), capture.UDP, data[at:], 9, at // 8),
            ip_packet(*"1.1.1.254 1.1.1.1".split(), capture.UDP, data[:at], 9, 0x2000)]


MULTIPART = (b"--b\r\nContent-Type: application/sdp\r\n\r\n" + SDP
             + b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nring me at 2.2.2.2"
             b"\r\n--b--\r\n")

LEAKS = {
    "call_id": to_a(response(call_id=b"7f3a@2.2.2.2")),
    "call_id_with_dashes": to_a(response(call_id=b"7f3a-2-2-2-2-x")),
    "hex_in_branch": to_a(response(via=b"SIP/2.0/UDP 1.1.1.1;branch=z9hG4bK-02020202-7")),
    "quoted_icmp_packet": [icmp_error(
        "1.1.1.254", "1.1.1.1", udp(("1.1.1.1", 1111), ("2.2.2.2", 2222), b"x" * 20)[:28])],
    "icmp_source": [icmp_error(
        "2.2.2.2", "1.1.1.1", udp(("1.1.1.1", 1111), ("3.3.3.3", 3333), b"x" * 20)[:28])],
    "warning": to_a(response(b'Warning: 399 2.2.2.254 "no codec"\r\n')),
    "rtcp_attribute": to_a(response(body=SDP.replace(b"a=rtcp:3334", b"a=rtcp:2223"))),
    "contact_parameter": to_a(response(
        contact=b"<sip:t0k3n@1.1.1.254:5060>;received=\"2.2.2.2:5060\"")),
    "origin_line": to_a(response(body=SDP.replace(b"1 IN IP4 3.3.3.3", b"1 IN IP4 2.2.2.2"))),
    "media_port": to_a(response(body=SDP.replace(b"m=audio 3333", b"m=audio 2222"))),
    "tcp_segment_boundary": over_tcp(response(b"X-Was: at 2.2.2.2 before\r\n"), b"2.2.2.2",
                                     seq=2**32 - 50),
    "ip_fragment": fragments(response(body=SDP.replace(b"c=IN IP4 3.3.3.3", b"c=IN IP4 2.2.2.2"))),
    "via": to_a(response(via=b"SIP/2.0/UDP 1.1.1.1;branch=z9hG4bK1\r\n"
                         b"Via: SIP/2.0/UDP 2.2.2.2:5060;branch=z9hG4bK2")),
    "candidate": to_a(response(
        body=SDP + b"a=candidate:1 1 UDP 2130706431 2.2.2.2 3333 typ host\r\n")),
    "candidate_port": to_a(response(
        body=SDP + b"a=candidate:1 1 UDP 2130706431 3.3.3.3 2222 typ host\r\n")),
    "multipart_body": to_a(response(body=MULTIPART)),
    "reason_text": to_a(response(b'Reason: SIP;cause=503;text="no way to 2.2.2.2:2222"\r\n')),
    "host_name": to_a(response(b"Server: phone on phone-b.inside.example\r\n")),
    "digest_nonce": to_a(response(
        b'Authorization: Digest username="a", uri="sip:2.2.2.2", nonce="2.2.2.2"\r\n')),
    "packet_source": [udp(("2.2.2.2", 2222), ("1.1.1.1", 1111), b"media")],
    "packet_port": [udp(("3.3.3.3", 2222), ("1.1.1.1", 1111), b"media")],
}

CLEAN = (to_a(response()) + over_tcp(response(b"X-Was: at 3.3.3.3 before\r\n"), b"3.3.3.3")
         + fragments(response())
         + to_a(response(b'Authorization: Digest username="a", uri="sip:b@2.2.2.2"\r\n'))
         + [icmp_error("1.1.1.254", "1.1.1.1",
                       udp(("1.1.1.1", 1111), ("3.3.3.3", 3333), b"x" * 20)[:28])])

FLOWS = [media.Flow("A>B", [("outside", "1.1.1.1:1111", "3.3.3.3:3333"),
                            ("inside", "1.1.1.1:1111", "2.2.2.2:2222")])]


def rtp(number, to, source=("1.1.1.1", 1111)):
    head = struct.pack(">BBHII", 0x80, 0, number, number * 160, 7)
    return udp(source, to, head + bytes([number]) * 160)


def rtcp(number, source, to):
    return udp(source, to, struct.pack(">BBHII", 0x80, 201, 1, 7, number))


def media_capture(to, rtcp_to):
    return ([rtp(n, to) for n in range(20)]
            + [rtcp(n, ("1.1.1.1", 1112), rtcp_to) for n in range(2)])


def break_payload(packets):
    """A payload byte changed and the checksum made right again."""
    number = rtp(5, ("2.2.2.2", 2222))
    data = number[28:60] + b"!" + number[61:]
    packets[5] = udp(("1.1.1.1", 1111), ("2.2.2.2", 2222), data)


def break_checksum(packets):
    old = packets[5]
    packets[5] = old[:26] + bytes([old[26] ^ 1]) + old[27:]


def break_source(packets):
    packets[5] = rtp(5, ("2.2.2.2", 2222), source=("1.1.1.1", 1113))


def break_by_loss(packets):
    del packets[5]


def break_by_copy(packets):
    packets.insert(5, packets[5])


def break_ip_checksum(packets):
    old = packets[5]
    packets[5] = old[:8] + bytes([old[8] - 1]) + old[9:]


FAULTS = {"payload_byte": (break_payload, "nobody sent"),
          "checksum": (break_checksum, "udp checksum"),
          "source": (break_source, "not stated"),
          "lost": (break_by_loss, "missing"),
          "duplicate": (break_by_copy, "more than once"),
          "ip_checksum": (break_ip_checksum, "ip checksum")}


def run(report):
    """All checks; each is one line of the report."""
    with tempfile.TemporaryDirectory(prefix="viaduct-checkers.") as folder:
        path = os.path.join(folder, "a.pcap")

        def through_file(packets):
            write_pcap(path, packets)
            return capture.read(path)

        with report.test("checkers/clean_capture_has_no_leak"):
            packets = through_file(CLEAN)
            assert len(packets) >= 6
            assert not any(p.faults for p in packets), [p.faults for p in packets]
            assert scan.scan(OUTSIDE, packets) == [], scan.scan(OUTSIDE, packets)
        for name, planted in LEAKS.items():
            with report.test(f"checkers/finds_leak_{name}"):
                leaks = scan.scan(OUTSIDE, through_file(CLEAN + planted))
                assert leaks, "the planted leak was not found"

        def check_media(breaker=None):
            outside = media_capture(("3.3.3.3", 3333), ("3.3.3.3", 3334))
            inside = media_capture(("2.2.2.2", 2222), ("2.2.2.2", 2223))
            if breaker:
                breaker(inside)
            return media.check(FLOWS, {"outside": through_file(outside),
                                       "inside": through_file(inside)})

        with report.test("checkers/clean_media_passes"):
            result = check_media()
            assert result.faults == [], result.faults
            assert (result.rtp, result.rtcp) == (20, 2), result
        for name, (breaker, words) in FAULTS.items():
            with report.test(f"checkers/finds_packet_fault_{name}"):
                faults = check_media(breaker).faults
                assert any(words in fault for fault in faults), faults
        with report.test("checkers/media_that_is_not_there_fails"):
            result = media.check(FLOWS, {"outside": [], "inside": []})
            assert any("no RTP" in fault for fault in result.faults)


if __name__ == "__main__":
    REPORT = Report()
    run(REPORT)
    sys.exit(REPORT.close())
