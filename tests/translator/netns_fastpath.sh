#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Real packets of flows that the kernel translates, for each kind of pool.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

make_namespaces
fastpath=yes
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
start_translator
rules() {
	./tests/translator/linkclient "$conf" "$@"
}
all_rules() {
	rules both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2 \
		both 10.0.0.2:4002@inside 203.0.113.17:16384@outside 2 \
		both 10.0.0.2:4004@inside 203.0.113.10:40000@outside 2
}
udp() {
	python3 "$srcdir/tests/translator/udp.py" "$@" || fail "$name"
}
inward() { # outer address and port, inner port, outcome [size]
	udp "$outside" 203.0.113.1 5000 "$inside" 10.0.0.2 "$3" "$1" "$2" "$4" ${5:-}
}
outward() { # inner port, outcome [size]
	udp "$inside" 10.0.0.2 "$1" "$outside" 203.0.113.1 5000 203.0.113.1 5000 "$2" ${3:-}
}
fast() { # name: a counter of the fast path
	rpc verdicts | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["fastpath"][sys.argv[1]])' "$1"
}
tun() { # packets that were translated in userspace
	rpc verdicts | python3 -c \
		'import json, sys; v = json.load(sys.stdin)["verdicts"]; print(v["in"] + v["out"])'
}

all_rules
while read -r name addr port inner; do
	inward "$addr" "$port" "$inner" 203.0.113.1:5000
	outward $((inner + 1)) "$addr:$((port + 1))"
	before=$(tun)
	for size in 100 3000 1400; do
		inward "$addr" "$port" "$inner" 203.0.113.1:5000 $size
		outward "$inner" "$addr:$port" $size
		inward "$addr" $((port + 1)) $((inner + 1)) 203.0.113.1:5000 $size
		outward $((inner + 1)) "$addr:$((port + 1))" $size
	done
	[ "$(tun)" = "$before" ] || fail "$name: packets came by the TUN"
	passed "$name: both ways, both ports, fragments: by the kernel"
	inward "$addr" "$port" "$inner" refused
	outward $((inner + 1)) refused
	passed "$name: ICMP errors of flows of the kernel, both ways"
done <<END
routed 198.51.100.5 2000 4000
on-link 203.0.113.17 16384 4002
own 203.0.113.10 40000 4004
END
[ "$(fast settled)" = 6 ] || fail "settled: $(fast settled)"
[ "$(fast flows)" = 6 ] || fail "flows: $(fast flows)"

name=firewall
ip netns exec "$edge" nft -f - <<END
table inet filter {
	chain input { type filter hook input priority 0; policy drop; }
	chain forward { type filter hook forward priority 0; policy drop; }
	chain output { type filter hook output priority 0; policy drop; }
}
END
inward 198.51.100.5 2000 4000 nothing
sed -n 's/^    nft \(add rule inet filter .*\)/\1/p' "$srcdir/doc/deployment.md" |
	ip netns exec "$edge" nft -f -
inward 198.51.100.5 2000 4000 203.0.113.1:5000
outward 4004 203.0.113.10:40000
ip netns exec "$edge" nft delete table inet filter
passed "$name: the rules of doc/deployment.md let them pass"

name=misrouted
ip -n "$edge" route add 203.0.113.1/32 via 10.0.0.2
before=$(verdict guard_misrouted)
outward 4000 nothing
[ "$(verdict guard_misrouted)" -gt "$before" ] || fail "guard_misrouted was not counted"
ip -n "$edge" route del 203.0.113.1/32
passed "a packet of a flow leaves by its realm's interfaces only"

name=synchronised
rules both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2
[ "$(fast flows)" = 2 ] || fail "flows: $(fast flows)"
[ "$(fast taken_back)" = 4 ] || fail "taken back: $(fast taken_back)"
inward 203.0.113.17 16384 4002 nothing
inward 198.51.100.5 2000 4000 203.0.113.1:5000
passed "a synchronisation takes back what it removes, and nothing else"

name=killed
stop_translator KILL
inward 198.51.100.5 2000 4000 203.0.113.1:5000
outward 4001 198.51.100.5:2001
udp "$outside" 203.0.113.1 5009 "$inside" 10.0.0.2 4000 198.51.100.5 2000 nothing
ip netns exec "$edge" nft delete table ip viaduct
inward 198.51.100.5 2000 4000 203.0.113.1:5000
passed "flows go on without a translator, new ones do not start"
start_translator
[ "$(fast flows)" = 2 ] || fail "flows found: $(fast flows)"
rules both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 1
[ "$(fast adopted)" = 1 ] && [ "$(fast taken_back)" = 1 ] ||
	fail "adopted $(fast adopted), taken back $(fast taken_back)"
[ "$(tun)" = 0 ] || fail "packets came by the TUN"
inward 198.51.100.5 2000 4000 203.0.113.1:5000
[ "$(tun)" = 0 ] || fail "the adopted flow is not the kernel's"
inward 198.51.100.5 2001 4001 nothing
passed "the next translator adopts what the rules confirm, and removes the rest"

name="switched off"
stop_translator TERM
fastpath=no
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
start_translator
inward 198.51.100.5 2000 4000 nothing
all_rules
inward 198.51.100.5 2000 4000 203.0.113.1:5000
[ "$(tun)" = 2 ] && [ "$(fast packets)" = 0 ] || fail "not by the TUN"
passed "without the fast path nothing of it is left"

name=teardown
stop_translator TERM
fastpath=yes
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
start_translator
all_rules
outward 4000 198.51.100.5:2000
[ "$(fast flows)" = 1 ] || fail "flows: $(fast flows)"
stop_translator TERM
teardown
start_translator
[ "$(fast flows)" = 0 ] || fail "flows after a teardown: $(fast flows)"
passed "a teardown removes the kernel's flows"
