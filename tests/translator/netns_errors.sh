#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ICMP errors of the edge's own kernel about packets that it cannot deliver:
# they go to who sent the packet, and speak of it as its sender knows it.
. "${srcdir:-$(dirname "$0")/../..}/tests/translator/netns.sh"

errors() { # namespace, address, port, target, port, size, expected
	python3 "$srcdir/tests/translator/icmp_errors.py" "$@" || fail "$name"
}
from_outside() { # target, port, expected [size]
	errors "$outside" 203.0.113.1 5000 "$1" "$2" "${4:-100}" "$3"
}
from_inside() { # port, target, port, expected [size]
	errors "$inside" 10.0.0.2 "$1" "$2" "$3" "${5:-100}" "$4"
}

make_namespaces
for device in in0 out0; do
	ip netns exec "$edge" sysctl -qw net.ipv4.neigh.$device.retrans_time_ms=50
done
ip netns exec "$edge" sysctl -qw net.ipv4.icmp_ratelimit=0
write_conf '"198.51.100.0/28:2000-2999", "203.0.113.10:40000-49999"'
start_translator
rules() {
	./tests/translator/linkclient "$conf" \
		both 10.0.0.2:4000@inside 198.51.100.5:2000@outside 2 \
		both 10.0.0.2:4002@inside 203.0.113.10:40000@outside 2 \
		both 10.0.0.3:4000@inside 198.51.100.5:2010@outside 2 \
		both 10.0.0.3:4002@inside 203.0.113.10:40010@outside 2 \
		both 10.0.0.1:4000@inside 198.51.100.5:2020@outside 2 \
		both 172.16.0.9:4000@inside 198.51.100.5:2030@outside 2
}
rules

name="an inner host that is down"
from_outside 198.51.100.5 2010 \
	"198.51.100.5 3 1 about 203.0.113.1:5000 > 198.51.100.5:2010"
from_outside 203.0.113.10 40011 \
	"203.0.113.10 3 1 about 203.0.113.1:5000 > 203.0.113.10:40011"
passed "$name"

name="a far end that is down"
from_inside 4000 203.0.113.99 6000 \
	"192.0.0.8 3 1 about 10.0.0.2:4000 > 203.0.113.99:6000"
from_inside 4003 203.0.113.99 6000 \
	"192.0.0.8 3 1 about 10.0.0.2:4003 > 203.0.113.99:6000"
passed "$name"

name="both parties inside"
from_inside 4000 198.51.100.5 2010 \
	"198.51.100.5 3 1 about 10.0.0.2:4000 > 198.51.100.5:2010"
passed "$name"

name="a port of the edge's own, leased"
from_outside 198.51.100.5 2020 \
	"198.51.100.5 3 3 about 203.0.113.1:5000 > 198.51.100.5:2020"
passed "$name"

name="a port of the edge's own, asked directly"
from_outside 203.0.113.10 7000 \
	"203.0.113.10 3 3 about 203.0.113.1:5000 > 203.0.113.10:7000"
from_inside 4000 10.0.0.1 7000 \
	"10.0.0.1 3 3 about 10.0.0.2:4000 > 10.0.0.1:7000"
from_inside 4000 203.0.113.10 7000 \
	"203.0.113.10 3 3 about 10.0.0.2:4000 > 203.0.113.10:7000"
passed "$name"

name="a way that is too narrow, behind the translator"
ip -n "$edge" route add 10.0.0.2/32 dev in0 mtu 1300
from_outside 198.51.100.5 2000 \
	"198.51.100.5 3 4 about 203.0.113.1:5000 > 198.51.100.5:2000" 1400
ip -n "$edge" route del 10.0.0.2/32
passed "$name"

name="a way that is too narrow, before the translator"
for device in viaduct0 viaduct1; do
	ip -n "$edge" link set $device mtu 1400
done
from_outside 198.51.100.5 2000 \
	"203.0.113.10 3 4 about 203.0.113.1:5000 > 198.51.100.5:2000" 1450
from_inside 4000 203.0.113.1 6000 \
	"10.0.0.1 3 4 about 10.0.0.2:4000 > 203.0.113.1:6000" 1450
passed "$name"

name="an inner host that no network holds"
from_outside 198.51.100.5 2030 nothing
[ "$(verdict icmp_no_rule)" -ge 1 ] || fail "icmp_no_rule was not counted"
[ "$(verdict errors_withheld)" = 0 ] || fail "errors_withheld was counted"
stop_translator TERM
sed -i 's/"out0"}/"out0"} networks = {"203.0.113.0\/24"}/' "$conf"
start_translator
rules
from_outside 198.51.100.5 2030 nothing
[ "$(verdict errors_withheld)" -ge 1 ] || fail "errors_withheld was not counted"
passed "$name"
