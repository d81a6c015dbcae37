# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the netns_*.sh tests: three namespaces, inside - edge - outside,
# with no way out, and a translator in the edge. All of it goes at the end.
set -eu

if [ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ]; then
	echo "FAIL: needs root and /dev/net/tun"
	exit 1
fi

srcdir=${srcdir:-$(dirname "$0")/../..}
work=$(mktemp -d)
edge=vdt-edge-$$
inside=vdt-in-$$
outside=vdt-out-$$
conf=$work/viaduct.conf
fastpath=no
pids=
more= # namespaces of one test only

finish() {
	status=$?
	trap - EXIT
	for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
	for name in $edge $inside $outside $more; do
		ip netns del "$name" 2>/dev/null || true
	done
	[ $status = 0 ] || cat "$work"/*.log 2>/dev/null || true
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAIL: $*"
	exit 1
}

passed() {
	echo "ok: $*"
}

make_namespaces() {
	for name in $edge $inside $outside; do
		ip netns add "$name"
		ip -n "$name" link set lo up
	done
	ip link add in0 netns "$edge" type veth peer name e0 netns "$inside"
	ip link add out0 netns "$edge" type veth peer name e0 netns "$outside"
	ip -n "$edge" addr add 10.0.0.1/8 dev in0
	ip -n "$edge" addr add 203.0.113.10/24 dev out0
	ip -n "$inside" addr add 10.0.0.2/8 dev e0
	ip -n "$outside" addr add 203.0.113.1/24 dev e0
	for at in "$edge in0" "$edge out0" "$inside e0" "$outside e0"; do
		ip -n "${at% *}" link set "${at#* }" addrgenmode none up
		ip netns exec "${at% *}" ethtool -K "${at#* }" \
			tx off rx off gso off gro off tso off >/dev/null 2>&1
	done
	ip -n "$inside" route add default via 10.0.0.1
	ip -n "$outside" route add 198.51.100.0/24 via 203.0.113.10
}

# $1: pools of the realm outside, as the configuration has them; $fastpath.
write_conf() {
	cat > "$conf" <<END
rundir = "$work/run"  fastpath = $fastpath
realm inside  { interface = {"in0"}  networks = {"10.0.0.0/8"}  reaches = {"outside"} }
realm outside { interface = {"out0"}  pool = {$1} }
listen phones { realm = inside   udp = "10.0.0.1:5060" }
listen public { realm = outside  udp = "203.0.113.10:5060" }
END
}

# Starts in the edge, waits until it answers; its pid is in $translator.
start_translator() {
	ip netns exec "$edge" ./viaduct-translator -c "$conf" -v \
		2>> "$work/translator.log" &
	translator=$!
	pids="$pids $translator"
	tries=0
	until [ -S "$work/run/translator.sock" ] &&
		rpc status >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || fail "the translator does not answer"
		kill -0 $translator 2>/dev/null || fail "the translator ended"
		sleep 0.05
	done
}

stop_translator() { # $1: signal
	kill "-$1" $translator
	wait $translator 2>/dev/null || true
}

teardown() {
	ip netns exec "$edge" ./viaduct-translator -c "$conf" --teardown
}

# $1: method; prints the result.
rpc() {
	python3 - "$work/run/translator.sock" "$1" <<'END'
import json, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(5)
peer.connect(sys.argv[1])
peer.sendall(json.dumps({"jsonrpc": "2.0", "id": 1,
                         "method": sys.argv[2]}).encode() + b"\n")
print(json.dumps(json.loads(peer.makefile().readline())["result"]))
END
}

# $1: name of the verdict.
verdict() {
	rpc verdicts | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["verdicts"][sys.argv[1]])' "$1"
}

# What a set-up may change on the edge, as one text.
snapshot() {
	ip -n "$edge" -o link | sed 's/^[0-9]*: //' | sort
	ip -n "$edge" route show table all | sort
	ip -n "$edge" rule
	ip -n "$edge" neigh show proxy
	ip netns exec "$edge" nft list ruleset
	ip netns exec "$edge" sh -c \
		'grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/neigh \
		/proc/sys/net/ipv4/ip_forward \
		/proc/sys/net/netfilter/nf_conntrack_acct \
		/proc/sys/net/netfilter/nf_conntrack_events \
		/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream \
		/proc/sys/net/ipv4/ip_local_reserved_ports 2>/dev/null | sort'
}
