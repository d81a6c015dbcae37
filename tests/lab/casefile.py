# SPDX-License-Identifier: GPL-2.0-or-later
"""Case files (cases/*.lab): one topology with what must be seen on it.

Line by line, `#` starts a comment; a line belongs to the block above it:

    case NAME / title TEXT / like CASE      (like: the other case's topology)
    run TEST [ARGUMENTS]                    (see tests.py for the tests)
    segment NAME
        valid PREFIX...                     addresses that may be seen there
        name HOST...                        host names that may be seen only there
    node NAME
        address SEGMENT ADDRESS/LENGTH
        route PREFIX via ADDRESS | route PREFIX dev SEGMENT
        sysctl KEY VALUE
        nft ... end                         a ruleset of the host's own
    edge NAME                               a node with the three daemons
        daemons NAME...                     (if not all three)
        user DOMAIN USER PASSWORD
        config ... end                      viaduct's configuration; $DIR is the
                                            edge's folder, $DIR/DOMAIN.users made
    phone NAME
        node NODE / edge EDGE / segment SEGMENT
        sip, proxy, media ADDRESS:PORT / aor URI / password WORD
    call NAME CALLER CALLEE                 of several calls: the expectations
                                            that follow are this one's
    expect offer|answer SEGMENT ENDPOINT [IDS]
    expect media FROM>TO SEGMENT SOURCE > DESTINATION [IDS]
    expect rule EDGE INNER <> OUTER PORTS [IDS]
    block EDGE OUTER INNER                  taken by somebody else beforehand
"""

import os
import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
ALL_DAEMONS = ["translator", "natctl", "proxy"]
NAME = re.compile(r"[a-z][a-z0-9_]{0,11}$")


class CaseError(Exception):
    """A mistake in a case file, as file:line: text."""


@dataclass
class Segment:
    name: str
    valid: list = field(default_factory=list)
    names: list = field(default_factory=list)


@dataclass
class Node:
    name: str
    addresses: list = field(default_factory=list)     # (segment, "a.b.c.d/n")
    routes: list = field(default_factory=list)        # (prefix, "via"|"dev", to)
    sysctls: list = field(default_factory=list)       # (key, value)
    nft: str = ""
    edge: bool = False
    daemons: list = field(default_factory=lambda: list(ALL_DAEMONS))
    users: list = field(default_factory=list)         # (domain, user, password)
    config: str = ""

    def address_on(self, segment):
        for where, address in self.addresses:
            if where == segment:
                return address.split("/")[0]
        return None


@dataclass
class Phone:
    name: str
    node: str = ""
    edge: str = ""
    segment: str = ""
    sip: str = ""
    proxy: str = ""
    media: str = ""
    aor: str = ""
    password: str = ""

    @property
    def user(self):
        return self.aor.split(":", 1)[1].split("@")[0]

    @property
    def domain(self):
        return self.aor.split("@")[1]


@dataclass
class Expect:
    what: str                 # offer, answer, media, rule
    values: tuple
    ids: tuple
    call: str = ""            # whose it is; "": the case's only one


@dataclass
class Case:
    name: str = ""
    title: str = ""
    drawing: str = ""
    runs: list = field(default_factory=list)          # (test, [arguments])
    segments: dict = field(default_factory=dict)
    nodes: dict = field(default_factory=dict)
    phones: dict = field(default_factory=dict)
    expects: list = field(default_factory=list)
    calls: dict = field(default_factory=dict)         # (caller, callee)
    blocks: list = field(default_factory=list)        # (edge, outer, inner)

    def expected(self, what):
        return [e.values for e in self.expects if e.what == what]

    def ids(self, *what):
        seen = []
        for expect in self.expects:
            if not what or expect.what in what:
                seen += [i for i in expect.ids if i not in seen]
        return seen

    @property
    def edges(self):
        return [node for node in self.nodes.values() if node.edge]


class Parser:
    def __init__(self, path):
        self.path = path
        self.case = Case()
        self.block = None
        self.text = None             # (Node, attribute, lines, line) in text ... end
        self.number = 0
        self.call = ""

    def fail(self, text):
        raise CaseError(f"{self.path}:{self.number}: {text}")

    def need(self, condition, text):
        if not condition:
            self.fail(text)

    def parse(self):
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        drawing = []
        for line in lines:
            if not line.startswith("#"):
                break
            drawing.append(line[1:].removeprefix(" "))
        self.case.drawing = "\n".join(
            d for d in drawing if not d.startswith("SPDX")).strip("\n")
        for self.number, line in enumerate(lines, 1):
            self.take(line)
        self.need(self.text is None, "a text block has no end")
        self.check()
        return self.case

    def take(self, line):
        if self.text is not None:
            node, attribute, kept = self.text
            if line.strip() == "end":
                setattr(node, attribute, "\n".join(kept) + "\n")
                self.text = None
            else:
                kept.append(line)
            return
        words = line.split("#", 1)[0].split()
        if not words:
            return
        handler = getattr(self, "on_" + words[0], None)
        self.need(handler, f"unknown word {words[0]!r}")
        handler(words[1:])

    def words(self, words, count, usage):
        self.need(len(words) == count, f"expected: {usage}")
        return words

    def block_of(self, kind, word):
        self.need(isinstance(self.block, kind),
                  f"{word} belongs into a {kind.__name__.lower()} block")
        return self.block

    # the case itself
    def on_case(self, words):
        self.case.name, = self.words(words, 1, "case NAME")
        stem = os.path.splitext(os.path.basename(self.path))[0]
        self.need(self.case.name == stem, f"a case is named after its file: {stem}")

    def on_title(self, words):
        self.case.title = " ".join(words)

    def on_like(self, words):
        name, = self.words(words, 1, "like CASE")
        other = load(name)
        self.case.segments = other.segments
        self.case.nodes = other.nodes
        self.case.phones = other.phones
        self.case.expects = list(other.expects)
        self.case.calls = other.calls

    def on_run(self, words):
        self.need(words, "expected: run TEST [ARGUMENTS]")
        self.case.runs.append((words[0], words[1:]))

    def on_call(self, words):
        name, *parties = self.words(words, 3, "call NAME CALLER CALLEE")
        self.call = self.new_name([name], self.case.calls)
        for phone in parties:
            self.need(phone in self.case.phones, f"no phone {phone}")
        self.case.calls[name] = tuple(parties)

    def on_block(self, words):
        edge, outer, inner = self.words(words, 3, "block EDGE OUTER INNER")
        self.need(edge in self.case.nodes, f"no edge {edge}")
        for endpoint in (outer, inner):
            self.endpoint(endpoint, realm=True)
        self.case.blocks.append((edge, outer, inner))

    # blocks
    def on_segment(self, words):
        if isinstance(self.block, Phone) and not self.block.segment:
            self.block.segment, = self.words(words, 1, "segment NAME")
            self.need(self.block.segment in self.case.segments,
                      f"no segment {self.block.segment}")
            return
        name = self.new_name(words, self.case.segments)
        self.block = self.case.segments[name] = Segment(name)

    def on_node(self, words):
        if isinstance(self.block, Phone) and not self.block.node:
            self.block.node, = self.words(words, 1, "node NAME")
            self.need(self.block.node in self.case.nodes, f"no node {self.block.node}")
            return
        name = self.new_name(words, self.case.nodes)
        self.block = self.case.nodes[name] = Node(name)

    def on_edge(self, words):
        if isinstance(self.block, Phone) and not self.block.edge:
            self.block.edge, = self.words(words, 1, "edge NAME")
            self.need(self.block.edge in self.case.nodes, f"no edge {self.block.edge}")
            return
        name = self.new_name(words, self.case.nodes)
        self.block = self.case.nodes[name] = Node(name, edge=True)

    def on_phone(self, words):
        name = self.new_name(words, self.case.phones)
        self.block = self.case.phones[name] = Phone(name)

    def new_name(self, words, table):
        name, = self.words(words, 1, "a name")
        self.need(NAME.match(name), f"not a name (letters, digits, 12 at most): {name}")
        self.need(name not in table, f"{name} is there already")
        return name

    # lines of a segment
    def on_valid(self, words):
        segment = self.block_of(Segment, "valid")
        segment.valid += [self.prefix(word) for word in words]

    def on_name(self, words):
        self.block_of(Segment, "name").names += words

    # lines of a node
    def on_address(self, words):
        segment, address = self.words(words, 2, "address SEGMENT ADDRESS/LENGTH")
        self.need(segment in self.case.segments, f"no segment {segment}")
        try:
            ip_interface(address)
        except ValueError as error:
            self.fail(str(error))
        self.block_of(Node, "address").addresses.append((segment, address))

    def on_route(self, words):
        usage = "route PREFIX via ADDRESS | route PREFIX dev SEGMENT"
        prefix, how, where = self.words(words, 3, usage)
        self.need(how in ("via", "dev"), f"expected: {usage}")
        if prefix != "default":
            self.prefix(prefix)
        if how == "dev":
            self.need(where in self.case.segments, f"no segment {where}")
        self.block_of(Node, "route").routes.append((prefix, how, where))

    def on_sysctl(self, words):
        key, value = self.words(words, 2, "sysctl KEY VALUE")
        self.block_of(Node, "sysctl").sysctls.append((key, value))

    def on_nft(self, words):
        self.words(words, 0, "nft")
        self.text = (self.block_of(Node, "nft"), "nft", [])

    def on_config(self, words):
        self.words(words, 0, "config")
        node = self.block_of(Node, "config")
        self.need(node.edge, "only an edge has a configuration")
        self.text = (node, "config", [])

    def on_daemons(self, words):
        self.need(words and all(word in ALL_DAEMONS for word in words),
                  "expected: daemons " + " ".join(ALL_DAEMONS))
        self.block_of(Node, "daemons").daemons = words

    def on_user(self, words):
        self.block_of(Node, "user").users.append(
            tuple(self.words(words, 3, "user DOMAIN USER PASSWORD")))

    # lines of a phone
    def phone_value(self, word, words, endpoint=False):
        value, = self.words(words, 1, f"{word} VALUE")
        if endpoint:
            self.endpoint(value)
        setattr(self.block_of(Phone, word), word, value)

    def on_sip(self, words):
        self.phone_value("sip", words, endpoint=True)

    def on_proxy(self, words):
        self.phone_value("proxy", words, endpoint=True)

    def on_media(self, words):
        self.phone_value("media", words, endpoint=True)

    def on_aor(self, words):
        self.phone_value("aor", words)
        self.need(re.match(r"sip:[^@]+@[^@]+$", self.block.aor), "expected: sip:USER@DOMAIN")

    def on_password(self, words):
        self.phone_value("password", words)

    # expectations
    def on_expect(self, words):
        text = " ".join(words)
        ids = re.search(r"\[([^\]]*)\]$", text)
        if ids:
            text = text[:ids.start()]
        words = text.split()
        self.need(words, "expected: expect offer|answer|media|rule ...")
        handler = getattr(self, "expect_" + words[0], None)
        self.need(handler, f"unknown expectation {words[0]!r}")
        self.case.expects.append(Expect(words[0], handler(words[1:]),
                                        tuple(ids.group(1).split()) if ids else (),
                                        self.call))

    def expect_offer(self, words):
        segment, endpoint = self.words(words, 2, "expect offer SEGMENT ENDPOINT")
        self.need(segment in self.case.segments, f"no segment {segment}")
        self.endpoint(endpoint)
        return segment, endpoint

    expect_answer = expect_offer

    def expect_media(self, words):
        usage = "expect media FROM>TO SEGMENT SOURCE > DESTINATION"
        flow, segment, source, arrow, destination = self.words(words, 5, usage)
        self.need(arrow == ">" and flow.count(">") == 1, f"expected: {usage}")
        self.need(segment in self.case.segments, f"no segment {segment}")
        for phone in flow.split(">"):
            self.need(phone in self.case.phones, f"no phone {phone}")
        self.endpoint(source)
        self.endpoint(destination)
        return flow, segment, source, destination

    def expect_rule(self, words):
        usage = "expect rule EDGE INNER <> OUTER PORTS"
        edge, inner, arrow, outer, ports = self.words(words, 5, usage)
        self.need(arrow == "<>", f"expected: {usage}")
        self.need(edge in self.case.nodes, f"no edge {edge}")
        self.endpoint(inner, realm=True)
        self.endpoint(outer, realm=True)
        return edge, inner, outer, int(ports)

    # values
    def prefix(self, text):
        try:
            return str(ip_network(text))
        except ValueError as error:
            return self.fail(str(error))

    def endpoint(self, text, realm=False):
        match = re.match(r"\[?([\d.]+|(?<=\[)[0-9a-f:]+(?=\]))\]?:(\d+)(@\w+)?$", text)
        self.need(match and bool(match.group(3)) == realm and
                  0 < int(match.group(2)) < 65536, f"not an endpoint: {text}")
        try:
            ip_address(match.group(1))
        except ValueError as error:
            self.fail(str(error))

    def check(self):
        case = self.case
        self.need(case.name, "no case line")
        self.need(case.title, "no title line")
        self.need(case.drawing, "no drawing on top")
        self.need(case.runs, "no run line")
        for node in case.nodes.values():
            self.need(node.addresses, f"node {node.name} has no address")
            self.need(not node.edge or node.config, f"edge {node.name} has no config")
        for phone in case.phones.values():
            for key, value in vars(phone).items():
                self.need(value, f"phone {phone.name} has no {key}")
        for segment in case.segments.values():
            self.need(segment.valid, f"segment {segment.name}: nothing is valid there")


def load(name):
    path = os.path.join(FOLDER, name + ".lab")
    if not os.path.exists(path):
        raise CaseError(f"no case {name} (no file {path})")
    return Parser(path).parse()


def names():
    return sorted(os.path.splitext(file)[0] for file in os.listdir(FOLDER)
                  if file.endswith(".lab"))
