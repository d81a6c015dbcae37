#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: certificates.sh FOLDER ADDRESS...
# Certificates for tests of the control channel over TLS, made anew each time:
#   ca, wrong-ca           authorities
#   server                 for the addresses and the name "edge"
#   phones, games, stranger, expired    clients, by the CN
#   foreign                a client of wrong-ca, with the CN "phones"
# FOLDER/NAME.pem and FOLDER/NAME.key of each.
set -eu

cd "$1"
shift
names=DNS:edge
for address; do names="$names,IP:$address"; done

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# NAME CN AUTHORITY DAYS [ALTERNATIVE NAMES]
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo "subjectAltName=${5:-DNS:$2.test}" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" \
		-set_serial "0x$(openssl rand -hex 8)" -days "$4" \
		-extfile "$1.ext" -out "$1.pem" 2>/dev/null
	rm "$1.csr" "$1.ext"
}

authority ca
authority wrong-ca
certificate server edge ca 2 "$names"
certificate phones phones ca 2
certificate games games ca 2
certificate stranger stranger ca 2
certificate expired phones ca -1
certificate foreign phones wrong-ca 2
