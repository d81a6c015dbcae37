#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two realms with the same network: a routing table each, that a start keeps as
# it should be and a teardown takes away; nobody else's table is touched.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

in_edge() {
	ip netns exec "$edge" "$@"
}
same() { # what, file, file
	diff "$2" "$3" > "$work/diff" || { cat "$work/diff"; fail "$1"; }
	passed "$1"
}
# The realms are inside (8610), outside, and other (8612).
routing_of_both() {
	ip -n "$edge" rule
	ip -n "$edge" route show table 8610
	ip -n "$edge" route show table 8612
}
refused() { # what, text that is said
	in_edge ./viaduct-translator -c "$conf" 2> "$work/said" && fail "$1"
	grep -q "$2" "$work/said" || { cat "$work/said"; fail "$1: not said"; }
	passed "$1"
}

make_namespaces
ip -n "$edge" link add in1 type veth peer name e1 netns "$inside"
for at in "$edge in1" "$inside e1"; do
	ip -n "${at% *}" link set "${at#* }" addrgenmode none up
done
ip -n "$edge" addr add 10.0.0.1/8 dev in1
ip -n "$edge" route add 172.16.0.0/12 via 10.0.0.9 dev in0
in_edge sysctl -qw net.ipv4.conf.all.rp_filter=1
write_conf '"203.0.113.16/30:16384-32767"'
echo 'realm other { interface = {"in1"}  networks = {"10.0.0.0/8"}  reaches = {"outside"}  gateway = "10.0.0.254" }' >> "$conf"
snapshot > "$work/before"

ip -n "$edge" route add 192.168.0.0/16 dev in0 table 8612
refused "a table that is somebody else's is not taken" "routing table 8612"
teardown || fail "teardown"
ip -n "$edge" route del 192.168.0.0/16 dev in0 table 8612 ||
	fail "a teardown takes away what is not ours"

sed 's/10.0.0.254/11.0.0.254/' "$conf" > "$work/other.conf"
in_edge ./viaduct-translator -c "$work/other.conf" 2> "$work/said" &&
	fail "a gateway that is on no link is accepted"
grep -q "other.conf:6: .*11.0.0.254" "$work/said" ||
	{ cat "$work/said"; fail "the gateway is not named"; }
snapshot > "$work/refused"
same "a gateway that is on no link is refused" "$work/before" "$work/refused"

start_translator
routing_of_both > "$work/first"
for what in "8610:.*iif viaduct0 lookup 8610" "8610:.*oif in0 lookup 8610" \
	"8612:.*iif viaduct2 lookup 8612" "8612:.*oif in1 lookup 8612" \
	"10.0.0.0/8 dev in0" "172.16.0.0/12 via 10.0.0.9 dev in0" \
	"10.0.0.0/8 dev in1" "default via 10.0.0.254 dev in1"; do
	grep -q -e "$what" "$work/first" || fail "not set up: $what"
done
snapshot > "$work/now"
for what in in0/rp_filter:2 in1/rp_filter:2 out0/rp_filter:1 \
	in1/arp_ignore:1 in1/arp_announce:2 out0/arp_ignore:0; do
	grep -q -e "$what" "$work/now" || fail "not set up: $what"
done
in_edge nft list chain ip viaduct take_0 |
	grep -q 'iifname "in0" ip saddr != { 10.0.0.0/8, 172.16.0.0/12 }' ||
	fail "the host's strict check of sources is not ours"
passed "set up"

stop_translator KILL
start_translator
routing_of_both > "$work/again"
same "the next start finds all of it" "$work/first" "$work/again"
in_edge nft list chain ip viaduct take_0 | grep -q 'iifname "in0" ip saddr !=' ||
	fail "the next start takes our rp_filter for the host's"

# Links and routes that change while it runs are followed.
until_same() { # what, file
	tries=0
	until { routing_of_both > "$work/now"; cmp -s "$work/now" "$2"; }; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || same "$1" "$2" "$work/now"
		sleep 0.05
	done
	passed "$1"
}
ip -n "$edge" link set in1 down
tries=0
while ip -n "$edge" route show table 8612 | grep -q in1; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || fail "routes of a link that is down stay"
	sleep 0.05
done
ip -n "$edge" link set in1 up
until_same "a link that goes down and up again has its routes again" "$work/again"
ip -n "$edge" route add 172.24.0.0/16 via 10.0.0.8 dev in0
tries=0
until ip -n "$edge" route show table 8610 | grep -q 172.24.0.0/16; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || fail "a new route is not followed"
	sleep 0.05
done
ip -n "$edge" route del 172.24.0.0/16 via 10.0.0.8 dev in0
until_same "routes of the host are followed while it runs" "$work/again"
ip -n "$edge" neigh show proxy | sort > "$work/proxies"
[ -s "$work/proxies" ] || fail "no proxy ARP to look at"
ip -n "$edge" link set out0 down
ip -n "$edge" link set out0 up
tries=0
until ip -n "$edge" neigh show proxy | sort | cmp -s - "$work/proxies"; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || fail "proxy ARP of a link is lost when it was down"
	sleep 0.05
done
passed "a link that goes down and up again answers ARP for the pool"

# What changed meanwhile is taken over.
stop_translator TERM
ip -n "$edge" route del 172.16.0.0/12 via 10.0.0.9 dev in0
ip -n "$edge" route add 172.20.0.0/16 via 10.0.0.8 dev in0
start_translator
routing_of_both > "$work/changed"
grep -q "172.20.0.0/16 via 10.0.0.8 dev in0" "$work/changed" ||
	fail "a new route is not taken over"
! grep -q "172.16.0.0/12" "$work/changed" || fail "an old route stays"
passed "the next start follows the host's routes"

stop_translator TERM
ip -n "$edge" route del 172.20.0.0/16 via 10.0.0.8 dev in0
ip -n "$edge" route add 172.16.0.0/12 via 10.0.0.9 dev in0
teardown > "$work/said" 2>&1 || { cat "$work/said"; fail "teardown"; }
[ ! -s "$work/said" ] || { cat "$work/said"; fail "teardown said something"; }
snapshot > "$work/after"
same "a teardown restores all of it" "$work/before" "$work/after"
