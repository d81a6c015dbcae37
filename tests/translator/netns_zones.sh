#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two customers with the same addresses: the kernel translates the flows of both
# at the same time, each in a conntrack zone of its own.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

second=vdt-sec-$$
more=$second

make_namespaces
ip netns add "$second"
ip -n "$second" link set lo up
ip link add in1 netns "$edge" type veth peer name e0 netns "$second"
for at in "$edge in1" "$second e0"; do
	ip -n "${at% *}" link set "${at#* }" addrgenmode none up
	ip netns exec "${at% *}" ethtool -K "${at#* }" \
		tx off rx off gso off gro off tso off >/dev/null 2>&1
done
ip -n "$edge" addr add 10.0.0.1/8 dev in1
ip -n "$second" addr add 10.0.0.2/8 dev e0
ip -n "$second" route add default via 10.0.0.1
ip netns exec "$edge" sysctl -qw net.ipv4.conf.all.rp_filter=1
ip netns exec "$edge" sysctl -qw net.ipv4.icmp_ratelimit=0
snapshot > "$work/before"

fastpath=yes
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
cp "$conf" "$work/alone.conf"
echo 'realm second { interface = {"in1"}  networks = {"10.0.0.0/8"}  reaches = {"outside"} }' >> "$conf"
start_translator

rules() {
	./tests/translator/linkclient "$conf" "$@"
}
first_rule="both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2"
second_rule="both 10.0.0.2:4000@second 203.0.113.10:40000@outside 2"
udp() {
	python3 "$srcdir/tests/translator/udp.py" "$@" || fail "$name"
}
inward() { # namespace, outer address and port, inner port, outcome [size]
	udp "$outside" 203.0.113.1 5000 "$1" 10.0.0.2 "$4" "$2" "$3" "$5" ${6:-}
}
outward() { # namespace, inner port, outcome [size]
	udp "$1" 10.0.0.2 "$2" "$outside" 203.0.113.1 5000 203.0.113.1 5000 "$3" ${4:-}
}
fast() { # name: a counter of the fast path
	rpc verdicts | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["fastpath"][sys.argv[1]])' "$1"
}
tun() { # packets that were translated in userspace
	rpc verdicts | python3 -c \
		'import json, sys; v = json.load(sys.stdin)["verdicts"]; print(v["in"] + v["out"])'
}
packets() { # outer endpoint: in and out, by both paths
	rpc rules | python3 -c 'import json, sys
for rule in json.load(sys.stdin)["rules"]:
    if rule["outer"].startswith(sys.argv[1]):
        print(rule["packets_in"], rule["packets_out"])' "$1"
}
# The edge's own kernel says that a packet's time is over: to whom it is said.
expired() { # namespace, inner port
	python3 - "$1" "$2" "$srcdir/tests/translator" <<'END' || fail "$name: time exceeded"
import select, socket, sys
sys.path.insert(0, sys.argv[3])
import udp
sender = udp.socket_in(sys.argv[1], "10.0.0.2", int(sys.argv[2]))
sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
sender.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
sender.sendto(b"x" * 100, ("203.0.113.1", 5000))
poll = select.poll()
poll.register(sender, 0)
if not poll.poll(1000):
    sys.exit("no ICMP error came")
sender.recvmsg(1024, 1024, 0x2000)  # MSG_ERRQUEUE
END
}

rules $second_rule $first_rule
# Who speaks first does not matter.
name=settling
inward "$inside" 198.51.100.5 2000 4000 203.0.113.1:5000
outward "$second" 4000 203.0.113.10:40000
outward "$inside" 4001 198.51.100.5:2001
inward "$second" 203.0.113.10 40001 4001 203.0.113.1:5000
[ "$(fast settled)" = 4 ] && [ "$(fast flows)" = 4 ] ||
	fail "settled $(fast settled), flows $(fast flows)"
before=$(tun)
while read -r name who addr port; do
	eval "who=\$$who"
	for size in 100 3000 1400; do
		inward "$who" "$addr" "$port" 4000 203.0.113.1:5000 $size
		outward "$who" 4000 "$addr:$port" $size
		inward "$who" "$addr" $((port + 1)) 4001 203.0.113.1:5000 $size
		outward "$who" 4001 "$addr:$((port + 1))" $size
	done
	[ "$(tun)" = "$before" ] || fail "$name: packets came by the TUN"
	passed "$name: both ways, fragments: by the kernel, to the right customer"
	udp "$outside" 203.0.113.1 5000 "$who" 10.0.0.2 4000 "$addr" "$port" refused
	udp "$who" 10.0.0.2 4000 "$outside" 203.0.113.1 5000 203.0.113.1 5000 refused
	expired "$who" 4000
	passed "$name: ICMP errors of flows of the kernel, and of the edge itself"
done <<END
first inside 198.51.100.5 2000
second second 203.0.113.10 40000
END

name=counters
for outer in 198.51.100.5:2000 203.0.113.10:40000; do
	set -- $(packets $outer)
	[ "${1:-0}" -ge 12 ] && [ "${2:-0}" -ge 12 ] ||
		fail "$name of $outer: in ${1:-none}, out ${2:-none}"
done
[ "$(fast packets)" -ge 48 ] || fail "$name: $(fast packets) by the kernel"
passed "what the kernel translated is counted, by customer"

name=across
across() { # from, to, outer address and port of the other, own outer endpoint
	udp "$1" 10.0.0.2 4000 "$2" 10.0.0.2 4000 "$3" "$4" "$5"
}
across "$inside" "$second" 203.0.113.10 40000 198.51.100.5:2000
before=$(tun)
across "$inside" "$second" 203.0.113.10 40000 198.51.100.5:2000
across "$second" "$inside" 198.51.100.5 2000 203.0.113.10:40000
[ "$(tun)" = "$before" ] && [ "$(fast flows)" = 5 ] ||
	fail "$name: by the TUN $(($(tun) - before)), flows $(fast flows)"
passed "between the customers, too"

name=host
ip netns exec "$edge" nft list ruleset > "$work/rules"
for what in 'type filter hook prerouting priority' 'ct original zone set 8610' \
	'ct original zone set 8612'; do
	grep -q "$what" "$work/rules" || fail "not in the rules: $what"
done
udp "$inside" 10.0.0.2 6000 "$edge" 10.0.0.1 6001 10.0.0.1 6001 10.0.0.2:6000
passed "what the host gets itself is left as it was"

name="taken back"
rules $second_rule
[ "$(fast flows)" = 2 ] && [ "$(fast taken_back)" = 3 ] ||
	fail "flows $(fast flows), taken back $(fast taken_back)"
inward "$inside" 198.51.100.5 2000 4000 nothing
outward "$inside" 4000 nothing
before=$(tun)
inward "$second" 203.0.113.10 40000 4000 203.0.113.1:5000
outward "$second" 4001 203.0.113.10:40001
[ "$(tun)" = "$before" ] || fail "$name: the other customer's came by the TUN"
passed "a rule that goes takes its customer's flows along, not the other's"

name=killed
rules $second_rule $first_rule
outward "$inside" 4000 198.51.100.5:2000
stop_translator KILL
ip netns exec "$edge" nft delete table ip viaduct
for times in 1 2; do
	inward "$inside" 198.51.100.5 2000 4000 203.0.113.1:5000
	inward "$second" 203.0.113.10 40000 4000 203.0.113.1:5000
	outward "$inside" 4000 198.51.100.5:2000
	outward "$second" 4000 203.0.113.10:40000
done
passed "flows of both go on without a translator"
start_translator
[ "$(fast flows)" = 3 ] || fail "flows found: $(fast flows)"
rules $second_rule
[ "$(fast adopted)" = 2 ] && [ "$(fast taken_back)" = 1 ] ||
	fail "adopted $(fast adopted), taken back $(fast taken_back)"
inward "$second" 203.0.113.10 40000 4000 203.0.113.1:5000
[ "$(tun)" = 0 ] || fail "the adopted flow is not the kernel's"
outward "$inside" 4000 nothing
passed "the next translator adopts what the rules confirm, and removes the rest"

name="not the same any more"
rules $second_rule $first_rule
outward "$inside" 4000 198.51.100.5:2000
[ "$(fast flows)" = 3 ] || fail "$name: flows: $(fast flows)"
stop_translator TERM
cp "$conf" "$work/both.conf"
cp "$work/alone.conf" "$conf"
start_translator
[ "$(fast flows)" = 0 ] || fail "$name: flows of a zone that is no more stay"
! ip netns exec "$edge" nft list ruleset | grep -q zone ||
	fail "$name: rules speak of zones"
! ip -n "$edge" rule | grep -q fwmark || fail "$name: ip rules stay"
rules $first_rule
inward "$inside" 198.51.100.5 2000 4000 203.0.113.1:5000
outward "$inside" 4000 198.51.100.5:2000
[ "$(fast flows)" = 1 ] || fail "$name: flows: $(fast flows)"
passed "a customer alone has no zone, and nothing of one is left"
stop_translator TERM
cp "$work/both.conf" "$conf"
start_translator
[ "$(fast flows)" = 0 ] || fail "$name: a flow of no zone stays"
rules $first_rule
outward "$inside" 4000 198.51.100.5:2000
[ "$(fast flows)" = 1 ] || fail "$name: flows: $(fast flows)"
passed "and has one again when there are two"

name=teardown
stop_translator TERM
teardown > "$work/said" 2>&1 || { cat "$work/said"; fail "teardown"; }
snapshot > "$work/after"
diff "$work/before" "$work/after" > "$work/diff" ||
	{ cat "$work/diff"; fail "a teardown leaves something"; }
passed "a teardown restores all of it"
