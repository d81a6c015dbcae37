#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# viaduct-natctl as a process: options, socket, user, end; and which addresses
# it takes for the machine's own. In a namespace of its own, with no way out.
set -eu

if [ "$(id -u)" != 0 ]; then
	echo "FAIL: needs root"
	exit 1
fi

work=$(mktemp -d)
space=vdn-$$
conf=$work/viaduct.conf
pids=

finish() {
	status=$?
	trap - EXIT
	for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
	ip netns del "$space" 2>/dev/null || true
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

# $1: further lines of the configuration.
write_conf() {
	cat > "$conf" <<END
rundir = "$work/run"
realm inside  { interface = d0  networks = {"2.0.0.0/8"}  reaches = {"outside"} }
realm outside { interface = d1  pool = {"3.3.3.0/30:1024-65535"} }
$1
END
}

start() {
	ip netns exec "$space" ./viaduct-natctl -c "$conf" 2>> "$work/natctl.log" &
	natctl=$!
	pids="$pids $natctl"
	tries=0
	until grep -q "ready" "$work/natctl.log"; do
		kill -0 "$natctl" 2>/dev/null || fail "natctl does not start"
		tries=$((tries + 1))
		[ $tries -lt 100 ] || fail "natctl is not ready"
		sleep 0.05
	done
}

stop() {
	kill -TERM "$natctl"
	wait "$natctl" || fail "natctl ends with $?"
	: > "$work/natctl.log"
}

# $1: inner endpoint; $2: what the answer must hold.
ask() {
	answer=$(./viaduct -c "$conf" ask --group g --inner "$1" --realm outside 2>&1) || true
	echo "$answer" | grep -q "$2" || fail "asked for $1: $answer"
}

ip netns add "$space"
ip -n "$space" link set lo up
ip -n "$space" link add d0 type veth peer name d0p
ip -n "$space" addr add 2.0.0.1/8 dev d0
ip -n "$space" link set d0 up
chmod 755 "$work"

./viaduct-natctl --version | grep -q "^viaduct-natctl " || fail "version"
./viaduct-natctl --help | grep -q "^usage:" || fail "help"
! ./viaduct-natctl --nonsense 2>/dev/null || fail "takes any option"
! ./viaduct-natctl argument 2>/dev/null || fail "takes any argument"
passed "options"

write_conf ""
./viaduct-natctl -n -c "$conf" || fail "a good configuration is refused"
[ ! -e "$work/run" ] || fail "a check makes the directory"
write_conf "nonsense = 1"
! ./viaduct-natctl -n -c "$conf" 2> "$work/check.txt" || fail "-n takes it"
grep -q "viaduct.conf:4:" "$work/check.txt" || fail "no line is told"
passed "a check of the configuration touches nothing"

write_conf ""
start
sock=$work/run/natctl.sock
[ "$(stat -c %a "$sock")" = 660 ] || fail "mode $(stat -c %a "$sock")"
! ./viaduct-natctl -c "$conf" 2> "$work/second.txt" || fail "two run"
grep -q "is running" "$work/second.txt" || fail "the second says nothing"
ask 2.2.2.2:2222@inside TRANSLATOR_DOWN
stop
[ ! -e "$sock" ] || fail "the socket stays"
passed "one at a time, and nothing stays"

write_conf 'user = "nobody"'
start
[ "$(stat -c %U "$sock")" = nobody ] || fail "the socket is not nobody's"
[ "$(stat -c %U "/proc/$natctl")" = nobody ] || fail "natctl is not nobody"
grep -q "^CapEff:.*0000000000000000" "/proc/$natctl/status" ||
	fail "capabilities stay"
kill -9 "$natctl"
wait "$natctl" || true
: > "$work/natctl.log"
start
stop
passed "gives up being root, and starts over a socket that was left"

write_conf 'client me { user = "0" realms = {"outside"} third_party = no }'
start
ask 2.0.0.1:2222@inside TRANSLATOR_DOWN
ask 2.2.2.2:2222@inside NOT_AUTHORIZED
ip -n "$space" addr add 2.2.2.2/8 dev d0
sleep 1.1
ask 2.2.2.2:2222@inside TRANSLATOR_DOWN
grep -q "refused: NOT_AUTHORIZED" "$work/natctl.log" || fail "not logged"
stop
passed "knows the addresses of the machine, and logs what it refuses"
