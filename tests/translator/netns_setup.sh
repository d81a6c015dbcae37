#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a start changes on the host, what every kind of end leaves, and that a
# teardown restores all of it.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

in_edge() {
	ip netns exec "$edge" "$@"
}
in_force() { # all but counters, and whether somebody reads the TUNs
	snapshot | sed 's/packets [0-9]* bytes [0-9]*//
		s/NO-CARRIER,//; s/,LOWER_UP//; s/state [A-Z]*//; s/ linkdown//'
}
same() { # what, file, file
	diff "$2" "$3" > "$work/diff" || { cat "$work/diff"; fail "$1"; }
	passed "$1"
}

make_namespaces
in_edge sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.in0.rp_filter=1 \
	net.ipv4.ip_local_reserved_ports=8080,45000-45001
in_edge nft -f - <<END
table inet firewall {
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related accept
	}
}
END
fastpath=yes
write_conf '"203.0.113.16/30:16384-32767", "198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
snapshot > "$work/before"

in_edge ./viaduct-translator -c "$conf" -n || fail "-n: not accepted"
snapshot > "$work/checked"
same "a check touches nothing" "$work/before" "$work/checked"

sed 's/"out0"/"none0"/' "$conf" > "$work/other.conf"
in_edge ./viaduct-translator -c "$work/other.conf" 2> "$work/said" &&
	fail "a missing interface is accepted"
grep -q "other.conf:3: .*none0" "$work/said" ||
	{ cat "$work/said"; fail "a missing interface is not named"; }
snapshot > "$work/refused"
same "a missing interface is named, nothing is touched" \
	"$work/before" "$work/refused"

setpriv --bounding-set -net_admin --inh-caps -net_admin true 2>/dev/null &&
	! in_edge setpriv --bounding-set -net_admin --inh-caps -net_admin \
		./viaduct-translator -c "$conf" 2> "$work/said" ||
	fail "started without CAP_NET_ADMIN"
grep -q CAP_NET_ADMIN "$work/said" || fail "CAP_NET_ADMIN is not named"
passed "a missing CAP_NET_ADMIN is named"

start_translator
in_force > "$work/first"
for what in "table ip viaduct_guard" "table ip6 viaduct_guard" "table inet firewall" \
	"dev viaduct1 proto static" "blackhole 198.51.100.0/28" \
	"203.0.113.18 dev out0 proxy" "viaduct1/rp_filter:0" \
	"viaduct0/accept_local:1" "viaduct0/forwarding:1" \
	"all/rp_filter:0" "in0/rp_filter:2" "out0/rp_filter:2" \
	"ports:8080,40000-49999" "ip_forward:0" "conntrack_acct:1" \
	"conntrack_events:1" "conntrack_udp_timeout_stream:300" \
	"in0/forwarding:1" "ct mark" "type nat" "viaduct0:.* qlen 4096"; do
	grep -q -e "$what" "$work/first" || fail "not set up: $what"
done
passed "set up"

in_edge ./viaduct-translator -c "$conf" 2> "$work/said" &&
	fail "a second translator started"
in_edge ./viaduct-translator -c "$conf" --teardown 2> "$work/said" &&
	fail "torn down under a running translator"
grep -q "is running" "$work/said" || fail "the running one is not named"
in_force > "$work/second"
same "a second translator, or a teardown, is refused" \
	"$work/first" "$work/second"

for signal in TERM KILL; do
	stop_translator $signal
	in_force > "$work/ended"
	same "SIG$signal leaves all of it" "$work/first" "$work/ended"
	start_translator
	in_force > "$work/again"
	same "the next start finds all of it" "$work/first" "$work/again"
done

# What another configuration does not want goes; the values before stay known.
stop_translator TERM
fastpath=no
write_conf '"198.51.100.0/28:2000-2999", "203.0.113.10:40000-40999"'
start_translator
in_force > "$work/less"
grep -q -e "ports:8080,40000-40999,45000-45001" "$work/less" ||
	fail "reserved ports are not those of the new configuration"
! grep -q -e "203.0.113.16" -e "203.0.113.18" "$work/less" ||
	fail "a pool that is gone is still there"
! grep -q -e "out0/forwarding:1" "$work/less" || fail "out0 still forwards"
! grep -q -e "ct mark" -e "type nat" -e "conntrack_acct:1" "$work/less" ||
	fail "what the fast path needs is still there"
passed "another configuration takes away what it does not want"

# The device is made anew: the ruleset is bound to the new one.
stop_translator TERM
ip -n "$edge" link del viaduct0
start_translator
./tests/translator/linkclient "$conf" \
	both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2
python3 "$srcdir/tests/translator/udp.py" "$inside" 10.0.0.2 4000 \
	"$outside" 203.0.113.1 5000 203.0.113.1 5000 198.51.100.5:2000 ||
	fail "a device made anew"
passed "a device that was removed is made anew"

ip -n "$edge" link del viaduct1
wait $translator && fail "a lost device did not end the translator"
passed "a device that is lost ends the translator"

teardown > "$work/said" 2>&1 || { cat "$work/said"; fail "teardown"; }
[ ! -s "$work/said" ] || { cat "$work/said"; fail "teardown said something"; }
snapshot > "$work/after"
same "a teardown restores all of it" "$work/before" "$work/after"
[ -z "$(ls "$work/run")" ] || fail "left: $(ls "$work/run")"
teardown || fail "a second teardown"
snapshot > "$work/after"
same "a second teardown does nothing" "$work/before" "$work/after"

# The same, without being root after the start.
chmod 755 "$work"
echo 'user = "nobody"' >> "$conf"
start_translator
grep -q "^Uid:.$(id -u nobody)" "/proc/$translator/status" ||
	fail "still root"
grep -q "^CapEff:.0000000000001000$" "/proc/$translator/status" ||
	fail "has other rights than CAP_NET_ADMIN"
[ "$(verdict guard_dropped)" = 0 ] || fail "the counters are not read"
setpriv --reuid nobody --regid nogroup --clear-groups ./tests/translator/linkclient "$conf" \
	both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2 ||
	fail "the link does not take its own user"
stop_translator TERM
start_translator
stop_translator TERM
teardown || fail "teardown"
snapshot > "$work/after"
same "so it is with a user of its own" "$work/before" "$work/after"
[ -z "$(ls "$work/run")" ] || fail "left: $(ls "$work/run")"
