#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs each SIPp pair caller against callee, without a proxy between them, and
# checks that a wrong SDP endpoint and a wrong password fail the call.
set -u

command -v sipp >/dev/null || exit 77
here=$(cd "${srcdir:-.}/sipp-scenarios" && pwd)
work=$(mktemp -d)
net=127.$(($$ / 65536 % 256)).$(($$ / 256 % 256)).$(($$ % 254 + 1))
passed=0
failed=0
callee=

finish()
{
	[ -n "$callee" ] && kill "$callee" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
cd "$work" || exit 1

# verdict NAME WANTED GOT: counts one test
verdict()
{
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
		echo "ok - $1"
	else
		failed=$((failed + 1))
		echo "not ok - $1: $3, wanted $2"
		cat "$work"/*errors.log 2>/dev/null
	fi
	rm -f "$work"/*errors.log
}

# call UAC UAS CALLER_EXPECTS PASSWORD [AUTH_URI]: prints "caller/callee" exit codes
call()
{
	timeout 20 sipp "$net:5061" -sf "$here/$2.xml" -i "$net" -p 5062 \
		-m 1 -d 100 -nostdin -trace_err -timeout 8 \
		-key sdp_ip 2.2.2.2 -key sdp_port 2222 \
		-key expect_ip 1.1.1.1 -key expect_port 1111 \
		>/dev/null 2>&1 &
	callee=$!
	sleep 0.3
	timeout 20 sipp "$net:5062" -sf "$here/$1.xml" -i "$net" -p 5061 \
		-m 1 -d 100 -nostdin -trace_err -timeout 8 \
		-key user a -key domain a.example \
		-key peer b -key peer_domain b.example \
		-key sdp_ip 1.1.1.1 -key sdp_port 1111 \
		-key expect_ip "${3%:*}" -key expect_port "${3#*:}" \
		-au a -ap "$4" -auth_uri "${5:-b@b.example}" >/dev/null 2>&1
	caller_rc=$?
	wait "$callee"
	callee_rc=$?
	callee=
	echo "$caller_rc/$callee_rc"
}

for uac in "$here"/*_uac.xml "$here"/uac_load.xml; do
	name=$(basename "$uac" .xml)
	case $name in
	uac_load) uas=uas_load ;;
	*) uas=${name%_uac}_uas ;;
	esac
	call "$name" "$uas" 2.2.2.2:2222 secret >result
	verdict "$name with $uas" 0/0 "$(cat result)"
done

call uac_cancel uac_cancel_uas 2.2.2.2:2222 secret >result
verdict "uac_cancel with uac_cancel_uas" 0/0 "$(cat result)"

call v1_target_inside_uac challenge_uas 2.2.2.2:2222 secret >result
verdict "the caller answers a 407" 0/0 "$(cat result)"
call uac_cancel challenge_cancel_uas 2.2.2.2:2222 secret >result
verdict "a challenged call can be cancelled" 0/0 "$(cat result)"
call register challenge_registrar 2.2.2.2:2222 secret a.example >result
verdict "register answers a 401" 0/0 "$(cat result)"

call register challenge_registrar 2.2.2.2:2222 wrong a.example >result
verdict "a wrong password is noticed" 1/1 "$(cat result)"
call v1_target_inside_uac v1_target_inside_uas 2.2.2.2:2223 secret >result
verdict "a wrong port in the SDP fails the call" 1/0 "$(cat result)"
call v1_target_inside_uac v1_target_inside_uas 2.2.2.3:2222 secret >result
verdict "a wrong address in the SDP fails the call" 1/0 "$(cat result)"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
