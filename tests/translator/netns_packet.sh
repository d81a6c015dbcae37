#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Real packets through the translator, for each kind of pool.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

make_namespaces
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
start_translator
./tests/translator/linkclient "$conf" \
	both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2 \
	both 10.0.0.2:4002@inside 203.0.113.17:16384@outside 2 \
	both 10.0.0.2:4004@inside 203.0.113.10:40000@outside 2

udp() {
	python3 "$srcdir/tests/translator/udp.py" "$@" || fail "$name"
}
inward() { # outer address and port, inner port, outcome [size]
	udp "$outside" 203.0.113.1 5000 "$inside" 10.0.0.2 "$3" "$1" "$2" "$4" ${5:-}
}
outward() { # inner port, outcome [size]
	udp "$inside" 10.0.0.2 "$1" "$outside" 203.0.113.1 5000 203.0.113.1 5000 "$2" ${3:-}
}

while read -r name addr port inner; do
	inward "$addr" "$port" "$inner" 203.0.113.1:5000
	inward "$addr" $((port + 1)) $((inner + 1)) 203.0.113.1:5000
	outward "$inner" "$addr:$port"
	outward $((inner + 1)) "$addr:$((port + 1))"
	passed "$name: both ways, both ports of the rule"
	outward "$inner" "$addr:$port" 3000
	inward "$addr" "$port" "$inner" 203.0.113.1:5000 3000
	passed "$name: fragments"
	inward "$addr" "$port" "$inner" refused
	outward "$inner" refused
	passed "$name: ICMP errors, both ways"
	inward "$addr" $((port + 2)) $((inner + 2)) nothing
	passed "$name: nothing without a rule"
done <<END
routed 198.51.100.5 2000 4000
on-link 203.0.113.17 16384 4002
own 203.0.113.10 40000 4004
END

name=host
udp "$outside" 203.0.113.1 5000 "$edge" 203.0.113.10 5060 203.0.113.10 5060 203.0.113.1:5000
udp "$inside" 10.0.0.2 6000 "$edge" 10.0.0.1 5060 10.0.0.1 5060 10.0.0.2:6000
udp "$outside" 203.0.113.1 5000 "$edge" 203.0.113.10 7000 203.0.113.10 7000 203.0.113.1:5000
udp "$edge" 203.0.113.10 7000 "$outside" 203.0.113.1 5000 203.0.113.1 5000 203.0.113.10:7000
udp "$edge" 203.0.113.10 7000 "$outside" 203.0.113.1 5000 203.0.113.1 5000 refused
passed "$name: keeps its own ports, and its ICMP errors"

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
udp "$outside" 203.0.113.1 5000 "$edge" 203.0.113.10 5060 203.0.113.10 5060 203.0.113.1:5000
ip netns exec "$edge" nft delete table inet filter
passed "$name: the rules of doc/deployment.md let media and SIP pass"

name=unknown
outward 4999 nothing
[ "$(verdict no_source)" -ge 1 ] || fail "no_source was not counted"
[ "$(verdict no_rule)" -ge 3 ] || fail "no_rule was not counted"
[ "$(verdict tun_full)" = 0 ] && [ "$(verdict tun_failed)" = 0 ] ||
	fail "packets were lost on the TUN"
passed "a source without a rule stays inside, and is counted"

name="listeners of other realms"
ip -n "$outside" route add 10.0.0.1/32 via 203.0.113.10
listener() { # namespace, address, listener's address, outcome
	udp "$1" "$2" 5000 "$edge" "$3" 5060 "$3" 5060 "$4"
}
before=$(verdict guard_dropped)
listener "$outside" 203.0.113.1 10.0.0.1 nothing
[ "$(verdict guard_dropped)" -gt "$before" ] || fail "guard_dropped is not counted"
listener "$outside" 203.0.113.1 203.0.113.10 203.0.113.1:5000
listener "$inside" 10.0.0.2 10.0.0.1 10.0.0.2:5000
listener "$inside" 10.0.0.2 203.0.113.10 10.0.0.2:5000
ip -n "$outside" route del 10.0.0.1/32
passed "$name are heard only where the realm is reached"

name=spoofed
ip netns exec "$edge" sysctl -qw net.ipv4.conf.out0.rp_filter=1
stop_translator TERM
start_translator
ip -n "$outside" addr add 10.0.0.9/32 dev lo
udp "$outside" 10.0.0.9 5000 "$inside" 10.0.0.2 4000 198.51.100.5 2000 nothing
[ "$(verdict draw_spoofed)" -ge 1 ] || fail "draw_spoofed was not counted"
passed "a strict rp_filter holds for what is drawn"

name=misrouted
./tests/translator/linkclient "$conf" \
	both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2
ip -n "$edge" route add 203.0.113.1/32 via 10.0.0.2
outward 4000 nothing
[ "$(verdict guard_misrouted)" -ge 1 ] || fail "guard_misrouted was not counted"
ip -n "$edge" route del 203.0.113.1/32
passed "a translated packet leaves by its realm's interfaces only"

name="without a translator"
./tests/translator/linkclient "$conf" \
	both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2
outward 4000 198.51.100.5:2000
stop_translator KILL
outward 4000 nothing
inward 198.51.100.5 2000 4000 nothing
passed "nothing passes when the translator is dead"

# The guard alone, on a host that forwards everything.
name=guard
ip netns exec "$edge" nft delete table ip viaduct
ip netns exec "$edge" sysctl -qw net.ipv4.ip_forward=1
ip -n "$outside" route add 10.0.0.0/8 via 203.0.113.10
outward 4000 nothing
udp "$outside" 203.0.113.1 5000 "$inside" 10.0.0.2 4000 10.0.0.2 4000 nothing
dropped=$(ip netns exec "$edge" nft list counter ip viaduct_guard dropped |
	sed -n 's/.*packets \([0-9]*\).*/\1/p')
[ "$dropped" -ge 2 ] || fail "the guard dropped $dropped"
passed "the guard holds by itself"

name="guard, IPv6"
ip -n "$inside" addr add 2001:db8:1::2/64 dev e0 nodad
ip -n "$outside" addr add 2001:db8:2::1/64 dev e0 nodad
ip -n "$edge" addr add 2001:db8:1::1/64 dev in0 nodad
ip -n "$edge" addr add 2001:db8:2::10/64 dev out0 nodad
ip -n "$edge" addr add fe80::1/64 dev in0 nodad # asks for neighbours
ip -n "$edge" addr add fe80::2/64 dev out0 nodad
ip -n "$inside" route add default via 2001:db8:1::1
ip -n "$outside" route add default via 2001:db8:2::10
ip netns exec "$edge" sysctl -qw net.ipv6.conf.all.forwarding=1
six() {
	udp "$inside" 2001:db8:1::2 4000 "$outside" 2001:db8:2::1 5000 \
		2001:db8:2::1 5000 "$1"
}
six nothing
dropped=$(ip netns exec "$edge" nft list counter ip6 viaduct_guard dropped |
	sed -n 's/.*packets \([0-9]*\).*/\1/p')
[ "$dropped" -ge 1 ] || fail "the guard dropped $dropped"
teardown
six 2001:db8:1::2:4000
passed "IPv6 is not forwarded until a teardown"
