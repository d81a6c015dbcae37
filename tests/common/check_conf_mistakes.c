/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/conf*.c: what is wrong, and where. */
#include "config.h"

#include <string.h>

#include "tests/common/confcase.h"
#include "tests/common/suite.h"

START_TEST(all_mistakes_of_a_file_are_told_at_once)
{
	struct confcase c;

	confcase_read(
		&c,
		"rundir = \"relative\"\n"                            /* 1 */
		"colour = blue\n"                                    /* 2 */
		"tun = \"averyverylongname\"\n"                      /* 3 */
		"realm inside { interface = in0 intrface = {a, b}\n" /* 4 */
		"	networks = {\"10.0.0.1/8\",\n"               /* 5 */
		"		\"fd00::/8\"}\n"                     /* 6 */
		"	reaches = {\"outsid\", \"outside\"}\n"       /* 7 */
		"	media = sometimes\n"                         /* 8 */
		"	hold_down = -1 }\n"                          /* 9 */
		"realm outside { interface = in0\n"                  /* 10 */
		"	pool = {\"203.0.113.16/30:16384-32767\"}\n"  /* 11 */
		"	pool = \"1.1.1.1:1\" }\n"                    /* 12 */
		"realm outside { interface = eth0 }\n"               /* 13 */
		"listn phones { realm = inside { } }\n"              /* 14 */
		"listen a { realm = outside udp = \"203.0.113.16:17000\" }\n"
		"domain \"example.com\" { }\n" /* 16 */
		"trunk carrier { realm = outside host = a.example port = 0 }\n"
		"route default { to = carier }\n" /* 18 */
		"pool x { realm = outside endpoints = \"203.0.113.17:9000-17001\" }\n"
		"pool y { realm = outside endpoints = \"4.4.4.4\" }\n"  /* 20 */
		"media { from = inside to = outside\n"                  /* 21 */
		"	outer = \"4.4.4.4:4444\"\n"                     /* 22 */
		"	mode = {strict} }\n"                            /* 23 */
		"client c { user = \"no such user\" realms = outside\n" /* 24 */
		"	kinds = { bth } }\n");                          /* 25 */
	ck_assert_ptr_null(c.conf);
	ck_assert_str_eq(
		c.told,
		"f:1: rundir \"relative\" does not start with '/'\n"
		"f:2: \"colour\" is no setting\n"
		"f:3: tun \"averyverylongname\" with the number of a realm is "
		"no name of a device (at most 15 bytes)\n"
		"f:4: \"intrface\" is no setting of a section realm\n"
		"f:5: \"10.0.0.1/8\": the length of the prefix is not one, or "
		"bits behind it are not 0\n"
		"f:7: there is no realm \"outsid\"\n"
		"f:8: \"sometimes\" is not one of auto or force\n"
		"f:9: \"-1\" is no number from 0 to 86400\n"
		"f:10: interface \"in0\" is already one of realm inside\n"
		"f:12: pool is set twice\n"
		"f:13: realm \"outside\" stands twice (see line 10)\n"
		"f:14: \"listn\" is no section\n"
		"f:15: \"203.0.113.16:17000\" is in a pool of realm outside: it "
		"would not get its packets\n"
		"f:16: domain example.com: users is not set\n"
		"f:17: \"0\" is no number from 1 to 65535\n"
		"f:18: there is no trunk \"carier\"\n"
		"f:19: \"203.0.113.17:9000-17001\" overlaps "
		"\"203.0.113.16/30:16384-32767\" of pool outside\n"
		"f:20: \"4.4.4.4\" names no ports (PREFIX:FIRST-LAST)\n"
		"f:22: \"4.4.4.4:4444\" is in no pool of realm outside\n"
		"f:23: mode takes one value, not a list\n"
		"f:24: there is no user \"no such user\" on this machine\n"
		"f:25: \"bth\" is not one of both, terminating or "
		"originating\n");
	confcase_done(&c);
}
END_TEST

static const struct {
	const char *text;
	const char *told;
} cases[] = {
	/* Form */
	{ "realm inside {",
	  "f:1: the file ends where a setting or '}' should be (what follows "
	  "was not read)\n" },
	{ "}\n", "f:1: '}' stands where a setting or a section should be (what "
		 "follows was not read)\n" },
	{ "\nrundir = }\n",
	  "f:2: '}' stands where a value should be (what follows was not "
	  "read)\n" },
	{ "rundir \"/run\"\n",
	  "f:1: \"/run\" stands where '=' should be (what follows was not "
	  "read)\n" },
	{ "a = 1\nrundir = \"/run\n",
	  "f:1: \"a\" is no setting\n"
	  "f:2: a text does not end on its line: \" missing (what follows was "
	  "not read)\n" },
	{ "rundir = \"/run\\n\"\n",
	  "f:1: a backslash is not taken in a text (what follows was not "
	  "read)\n" },
	{ "\n/* x\n\n", "f:2: a comment does not end: */ missing (what follows "
			"was not read)\n" },
	{ "rundir = $HOME\n",
	  "f:1: unexpected '$' (texts that hold it stand in quotes) (what "
	  "follows was not read)\n" },
	{ "rundir = /r\x01\n",
	  "f:1: unexpected byte 0x01 (what follows was not read)\n" },
	{ "realm a { interface = {a b} }\n",
	  "f:1: \"b\" stands where ',' or '}' should be (what follows was not "
	  "read)\n" },
	{ "rundir += x\n",
	  "f:1: unexpected '+' (texts that hold it stand in quotes) (what "
	  "follows was not read)\n" },
	{ "", "f:1: there is no section realm\n" },
	{ "realm { interface = a }\n", "f:1: section realm has no name\n"
				       "f:1: there is no section realm\n" },
	{ "realm \"a b\" { interface = a }\n",
	  "f:1: realm \"a b\": a name is of letters, digits, '.', '-' and "
	  "'_'\n"
	  "f:1: there is no section realm\n" },
	{ CONF_TWO_REALMS "realm = x\n",
	  "f:3: realm is a section, not a setting\n" },
	{ CONF_TWO_REALMS "tun = a\ntun = b\n", "f:4: tun is set twice\n" },
	{ CONF_TWO_REALMS "a { b c { d = {1} } }\ne (f)\n",
	  "f:3: \"a\" is no section\n"
	  "f:4: \"e\" is no section\n"
	  "f:4: '(' stands where '=' or '{' should be (what follows was not "
	  "read)\n" },
	{ CONF_TWO_REALMS "a { b }\n# c\n", "f:3: \"a\" is no section\n" },
	/* The top level */
	{ CONF_TWO_REALMS
	  "rundir = \"/run/a/very/long/path/that/goes/on/and/on/and/on/and/on/"
	  "until/a/unix/socket/does/not/fit/in/it\"\n",
	  "f:3: rundir \"/run/a/very/long/path/that/goes/on/and/on/and/on/and/"
	  "on/until/a/unix/socket/does/not/fit/in/it\" is too long for a UNIX "
	  "socket in it\n" },
	{ CONF_TWO_REALMS "tun = a/b\n",
	  "f:3: tun \"a/b\" with the number of a realm is no name of a device "
	  "(at most 15 bytes)\n" },
	{ CONF_TWO_REALMS "table = \"a b\"\n",
	  "f:3: table \"a b\" is no name of letters, digits and '_' (at most "
	  "31)\n" },
	/* Realms */
	{ CONF_TWO_REALMS "realm averyveryveryverylongnameofarealm {\n"
			  "interface = x pool = \"9.9.9.9:2-3\" }\n",
	  "f:3: realm averyveryveryverylongnameofarealm: its name is longer "
	  "than 31\n" },
	{ CONF_TWO_REALMS "realm x { interface = \"a/b\"\n"
			  "reaches = {x, outside, outside} }\n",
	  "f:3: \"a/b\" is no name of a device\n"
	  "f:4: realm x reaches itself\n"
	  "f:4: \"outside\" is named twice\n"
	  "f:4: realm x reaches two realms without networks: which one is an "
	  "address in?\n" },
	{ CONF_TWO_REALMS "realm o2 { interface = x pool = \"9.9.9.9:2-3\" }\n"
			  "realm x { interface = y\n"
			  "reaches = {outside, o2} }\n",
	  "f:5: realm x reaches two realms without networks: which one is an "
	  "address in?\n" },
	{ CONF_TWO_REALMS
	  "realm x { interface = x reaches = {inside, outside}\n"
	  "networks = 10.0.0.0/8 }\n",
	  "f:4: the same network is one of realm inside, and both are seen "
	  "from one realm\n" },
	{ CONF_TWO_REALMS "realm x { interface = x reaches = {outside}\n"
			  "source = no media_port_min = 65536 }\n",
	  "f:4: \"no\" is not one of address, endpoint, prefix, any, keep "
	  "or latch\n"
	  "f:4: \"65536\" is no number from 1 to 65535\n" },
	/* Pools */
	{ CONF_TWO_REALMS "pool p { endpoints = \"1.1.1.1:0-5\" }\n",
	  "f:3: pool p: realm is not set\n"
	  "f:3: \"1.1.1.1:0-5\": \"0-5\" is no port or FIRST-LAST\n" },
	{ CONF_TWO_REALMS "pool p { realm = outside }\n",
	  "f:3: pool p: endpoints is not set\n" },
	{ CONF_TWO_REALMS "pool outside { realm = outside\n"
			  "endpoints = \"224.0.0.0/4:2-9\" }\n",
	  "f:3: pool outside has the name of the pool of realm outside\n"
	  "f:4: \"224.0.0.0/4:2-9\" holds addresses that no host has\n" },
	{ CONF_TWO_REALMS "pool p { realm = outside endpoints =\n"
			  "{\"9.9.9.9/33:1-9\", \"x:1-9\", \"9.9.9.9:9-1\",\n"
			  "\"2001:db8::1\", \"[2001:db8::1/64]:2-9\",\n"
			  "\"[2001:db8::]x:2-9\"} }\n",
	  "f:4: \"9.9.9.9/33:1-9\": the length of the prefix is not one, or "
	  "bits behind it are not 0\n"
	  "f:4: \"x:1-9\" is no address or prefix\n"
	  "f:4: \"9.9.9.9:9-1\": \"9-1\" is no port or FIRST-LAST\n"
	  "f:5: \"2001:db8::1\" names no ports ([PREFIX]:FIRST-LAST)\n"
	  "f:5: \"[2001:db8::1/64]:2-9\": the length of the prefix is not "
	  "one, or bits behind it are not 0\n"
	  "f:6: \"[2001:db8::]x:2-9\" names no ports ([PREFIX]:FIRST-LAST)\n" },
	{ "realm x { interface = x gateway = 10.0.0.9\n"
	  "networks = {\"10.0.0.0/8\", \"2001:db8:1::/48\"} reaches = y }\n"
	  "realm y { interface = y pool = \"[2001:db8:2::10/124]:2-9\" }\n",
	  "f:1: realm x has IPv6 addresses and a gateway: that takes a routing "
	  "table of its own, which is one of IPv4\n" },
	{ CONF_TWO_REALMS "realm x { interface = x networks = 7.0.0.0/8\n"
			  "pool = \"203.0.113.19:20000-20001\" }\n"
			  "realm y { interface = y reaches = {x, outside} }\n",
	  "f:4: \"203.0.113.19:20000-20001\" overlaps "
	  "\"203.0.113.16/30:16384-32767\" of pool outside\n" },
	/* Listeners, domains, trunks, routes */
	{ CONF_TWO_REALMS
	  "listen a { realm = inside udp = \"10.0.0.1:5060\" }\n"
	  "listen b { realm = inside udp = \"10.0.0.1:5060\" }\n"
	  "listen c { realm = inside udp = \"0.0.0.0:5060\" }\n"
	  "listen d { realm = inside udp = \"10.0.0.1\" }\n"
	  "listen e { realm = inside udp = \"[::1]:5060\" }\n"
	  "listen f { }\n",
	  "f:4: \"10.0.0.1:5060\" is also that of listen a\n"
	  "f:5: \"0.0.0.0:5060\" is no address of one host\n"
	  "f:6: \"10.0.0.1\" is no ADDRESS:PORT\n"
	  "f:8: listen f: realm is not set\n"
	  "f:8: listen f: udp is not set\n" },
	{ "realm x { interface = x gateway = 224.0.0.1 reaches = y }\n"
	  "realm y { interface = y gateway = ten reaches = x }\n",
	  "f:1: \"224.0.0.1\" is no address of one IPv4 host\n"
	  "f:2: \"ten\" is no address\n" },
	{ "routing_table = 254\n" CONF_TWO_REALMS,
	  "f:1: \"254\" is no number from 256 to 32000\n" },
	{ "realm a { interface = {a, c} networks = 1.0.0.0/8\n"
	  "pool = \"4.4.4.4:1000-1999\" }\n"
	  "realm b { interface = b networks = 1.0.0.0/8\n"
	  "pool = \"4.4.4.4:1000-1999\" }\n"
	  "listen a { realm = a udp = \"1.0.0.1:5060\" }\n"
	  "listen b { realm = b udp = \"1.0.0.1:5060\" }\n",
	  "f:5: listen a: realm a has addresses that are in use in another "
	  "realm as well, and more than one interface: it cannot be listened "
	  "in\n"
	  "f:6: \"1.0.0.1:5060\" is also that of listen a\n" },
	{ CONF_TWO_REALMS "domain a.example { users = u }\n"
			  "domain A.example { users = u }\n",
	  "f:4: domain a.example stands twice (see line 3)\n" },
	{ CONF_TWO_REALMS "trunk a { realm = outside host = \"a b\" }\n"
			  "trunk b { realm = outside host = \"1.2.3\" }\n"
			  "trunk c { realm = outside host = \"a..b\" }\n"
			  "trunk d { realm = outside }\n",
	  "f:3: \"a b\" is no address and no name of a host\n"
	  "f:4: \"1.2.3\" is no address and no name of a host\n"
	  "f:5: \"a..b\" is no address and no name of a host\n"
	  "f:6: trunk d: host is not set\n" },
	{ CONF_TWO_REALMS "route default { }\n",
	  "f:3: route default: to is not set\n" },
	{ CONF_TWO_REALMS
	  "trunk t { realm = outside host = 1.1.1.1 }\n"
	  "trunk inside { realm = outside host = 1.1.1.2 }\n"
	  "route a { from = {inside, moon} number = 4x strip = 33\n"
	  "prefix = \"a\" method = invite timeout = 0\n"
	  "to = {u, \"t x\", \"t 1 2 3\", t, \"t 2\"}\n"
	  "failover = {200, 5, \"500-499\"} }\n",
	  "f:5: \"inside\" is a realm and a trunk: which one is meant?\n"
	  "f:5: there is no realm and no trunk \"moon\"\n"
	  "f:5: \"4x\" is no start of a number\n"
	  "f:5: \"33\" is no number from 0 to 32\n"
	  "f:6: \"a\" is no start of a number\n"
	  "f:6: \"invite\" is no method (like INVITE)\n"
	  "f:6: \"0\" is no number from 1 to 180\n"
	  "f:7: there is no trunk \"u\"\n"
	  "f:7: \"t x\" is not NAME, NAME PRIORITY or NAME PRIORITY "
	  "WEIGHT\n"
	  "f:7: \"t 1 2 3\" is not NAME, NAME PRIORITY or NAME PRIORITY "
	  "WEIGHT\n"
	  "f:7: \"t 2\" is named twice\n"
	  "f:8: \"200\" is no status from 300 to 699 and no range of "
	  "them\n"
	  "f:8: \"5\" is no status from 300 to 699 and no range of them\n"
	  "f:8: \"500-499\" is no status from 300 to 699 and no range of "
	  "them\n" },
	{ "emergency = {112, \"1x\"}\n" CONF_TWO_REALMS
	  "trunk t { realm = outside host = 1.1.1.1 }\n"
	  "route default { to = t }\n"
	  "route a { number = {44, 49} from = inside to = t }\n"
	  "route b { number = {49, 33} from = {outside, inside} to = t }\n"
	  "route c { number = 49 to = t }\n"
	  "route d { number = 49 method = INVITE to = t }\n"
	  "route e { number = 49 method = {INFO, INVITE} to = t }\n"
	  "route a.example { to = t }\n"
	  "route f { domain = A.example to = t }\n",
	  "f:1: \"1x\" is no number\n"
	  "f:7: route b is for the same requests as route a (see line 6)\n"
	  "f:10: route e is for the same requests as route d (see line 9)\n"
	  "f:12: route f is for the same requests as route a.example (see "
	  "line 11)\n" },
	/* Sources of media */
	{ "realm inside { interface = in0 networks = \"10.0.0.0/8\"\n"
	  "reaches = outside source = latch far_nat = maybe }\n"
	  "realm outside { interface = out0 pool = \"1.1.1.1:1000-1999\"\n"
	  "source = prefix far_nat = yes }\n"
	  "realm x { interface = x far_nat = yes source_prefix = 24\n"
	  "early = {any, none, \"1.1.1.1/8\"} reaches = {inside, outside} }\n",
	  "f:1: realm inside has no pool: nothing can latch in it\n"
	  "f:2: \"maybe\" is not one of auto, yes or no\n"
	  "f:3: realm outside: source = prefix needs source_prefix\n"
	  "f:5: realm x: source_prefix is of source = prefix or latch\n"
	  "f:5: realm x has no pool: nothing can latch in it\n"
	  "f:6: \"none\" is no address or prefix\n"
	  "f:6: \"1.1.1.1/8\": the length of the prefix is not one, or bits "
	  "behind it are not 0\n" },
	{ CONF_TWO_REALMS
	  "realm x { interface = x reaches = outside\n"
	  "early = {\"1.0.0.0/8\", \"2.0.0.0/8\", \"3.0.0.0/8\",\n"
	  "\"4.0.0.0/8\", \"5.0.0.0/8\", \"6.0.0.0/8\", \"7.0.0.0/8\",\n"
	  "\"8.0.0.0/8\"} }\n",
	  "f:4: early: more than 7 prefixes\n" },
	{ CONF_TWO_REALMS
	  "trunk a { realm = outside host = 1.1.1.1 register = {u}\n"
	  "check = 0 expires = 5 }\n"
	  "trunk b { realm = outside host = 1.1.1.2 register = {\"a@b\", c}\n"
	  "auth_realm = x }\n"
	  "trunk c { realm = outside host = 1.1.1.3 auth_realm = x\n"
	  "expires = 600 }\n",
	  "f:3: register is a user and a password\n"
	  "f:4: \"0\" is no number from 1 to 3600\n"
	  "f:4: \"5\" is no number from 10 to 86400\n"
	  "f:4: expires is of no use without register\n"
	  "f:5: \"a@b\" is no user of a SIP URI\n"
	  "f:7: auth_realm is of no use without register\n"
	  "f:8: expires is of no use without register\n" },
	{ "realm a { interface = a max_calls = 0 }\n"
	  "domain d.example { users = u calls_per_second = x }\n"
	  "trunk t { realm = a host = 1.1.1.1 max_calls = 1000001 }\n",
	  "f:1: \"0\" is no number from 1 to 1000000\n"
	  "f:2: \"x\" is no number from 1 to 1000000\n"
	  "f:3: \"1000001\" is no number from 1 to 1000000\n" },
	/* Dynamic mappings */
	{ "realm inside { interface = in0 networks = \"10.0.0.0/8\"\n"
	  "reaches = outside dynamic = yes }\n"
	  "realm outside { interface = out0 pool = \"1.1.1.1:1000-1999\"\n"
	  "filter = port dynamic_max = 0 dynamic_timer = 119 }\n",
	  "f:1: realm inside is dynamic, but no other realm has a pool that "
	  "is\n"
	  "f:4: \"port\" is not one of address, endpoint or any\n"
	  "f:4: \"0\" is no number from 1 to 65535\n"
	  "f:4: \"119\" is no number from 120 to 86400\n" },
	{ CONF_TWO_REALMS
	  "pool nat { realm = outside dynamic = yes\n"
	  "endpoints = {\"203.0.113.16:17000-17999\", \"4.4.4.4:2-3\"} }\n"
	  "static { inner = \"10.0.0.5:80@inside\" realm = outside\n"
	  "outer = \"4.4.4.4:2\" protocol = udp }\n",
	  "f:4: \"203.0.113.16:17000-17999\" overlaps "
	  "\"203.0.113.16/30:16384-32767\" of pool outside\n"
	  "f:6: \"4.4.4.4:2\", 1 ports, is in no pool of realm outside\n" },
	/* Static entries */
	{ CONF_TWO_REALMS
	  "static { inner = \"10.0.0.5:80@inside\" realm = outside\n"
	  "outer = \"203.0.113.16:17000\" protocol = tcp ports = 4 }\n"
	  "static { inner = \"10.0.0.6:80@inside\" realm = outside\n"
	  "outer = \"203.0.113.16:17003\" protocol = tcp }\n"
	  "static { inner = \"10.0.0.6:80@inside\" realm = outside\n"
	  "outer = \"203.0.113.16:17003\" protocol = udp }\n"
	  "static { inner = \"11.0.0.6:80@inside\" realm = outside\n"
	  "outer = \"203.0.113.16:32767\" protocol = udp ports = 2 }\n"
	  "static { inner = \"10.0.0.6:80@insid\" realm = outside\n"
	  "outer = \"203.0.113.20:17000\" protocol = icmp }\n"
	  "static { inner = \"10.0.0.6:80\" ports = 65 kind = half }\n"
	  "static { inner = \"10.0.0.6:65535@inside\" ports = 2\n"
	  "realm = inside outer = \"1.1.1.1:1\" protocol = udp }\n",
	  "f:6: \"203.0.113.16:17003\" is taken by the static entry of line "
	  "3\n"
	  "f:9: \"11.0.0.6:80@inside\" is not in a network of its realm\n"
	  "f:10: \"203.0.113.16:32767\", 2 ports, is in no pool of realm "
	  "outside\n"
	  "f:11: \"10.0.0.6:80@insid\": there is no such realm\n"
	  "f:12: \"icmp\" is not one of udp or tcp\n"
	  "f:12: \"203.0.113.20:17000\", 1 ports, is in no pool of realm "
	  "outside\n"
	  "f:13: \"10.0.0.6:80\" is no ADDRESS:PORT@REALM\n"
	  "f:13: static: outer is not set\n"
	  "f:13: static: realm is not set\n"
	  "f:13: static: protocol is not set\n"
	  "f:13: \"65\" is no number from 1 to 64\n"
	  "f:13: \"half\" is not one of both, terminating or originating\n"
	  "f:14: \"10.0.0.6:65535@inside\": 2 ports from there on go beyond "
	  "65535\n"
	  "f:14: static: both endpoints are in realm inside\n"
	  "f:15: \"1.1.1.1:1\", 2 ports, is in no pool of realm inside\n" },
	/* Media, clients */
	{ CONF_TWO_REALMS
	  "media { from = inside to = outside }\n"
	  "media { from = inside to = inside outer = \"1.1.1.1\"\n"
	  "pool = outside }\n"
	  "media { to = outside pool = p match = \"1.1.1.1:5-6\" }\n",
	  "f:3: media: neither outer nor pool is set\n"
	  "f:4: media: outer and pool are both set\n"
	  "f:4: media: from and to are one realm\n"
	  "f:4: \"1.1.1.1\" is in no pool of realm inside\n"
	  "f:5: pool \"outside\" is one of realm outside, not of inside\n"
	  "f:6: media: from is not set\n"
	  "f:6: \"1.1.1.1:5-6\": match takes one port or none\n"
	  "f:6: there is no pool \"p\"\n" },
	{ CONF_TWO_REALMS "client a { user = 5 realms = outside\n"
			  "pools = {outside, moon} }\n",
	  "f:4: there is no pool \"moon\"\n" },
	{ CONF_TWO_REALMS "client a { user = 5 realms = outside }\n"
			  "client b { user = 5 realms = x third_party = 3 }\n"
			  "client c { user = 5000000000 max_leases = 0 }\n",
	  "f:4: there is no realm \"x\"\n"
	  "f:4: \"3\" is neither yes nor no\n"
	  "f:4: client b is the same user as client a\n"
	  "f:5: \"5000000000\" is no number from 0 to 2000000000\n"
	  "f:5: client c: realms is not set\n"
	  "f:5: \"0\" is no number from 1 to 2000000000\n" },
	{ CONF_TWO_REALMS "client a { realms = outside }\n"
			  "client b { user = 5 source = \"1.0.0.0/8\""
			  " realms = outside }\n"
			  "client c { certificate = \"\" realms = outside"
			  " max_asks = 0 }\n"
			  "client d { certificate = d realms = outside }\n"
			  "client e { certificate = D realms = outside }\n"
			  "client d { certificate = f realms = outside }\n"
			  "control x { realm = outside tls = \"9.9.9.9:5\""
			  " ca = a key = b certificate = c }\n",
	  "f:3: client a: none of user, certificate and source is set\n"
	  "f:4: client b is either a user or comes over TLS\n"
	  "f:5: a certificate has no empty name\n"
	  "f:5: \"0\" is no number from 1 to 2000000000\n"
	  "f:7: client e has the same certificate and source as client d\n"
	  "f:8: client \"d\" stands twice (see line 6)\n" },
	{ CONF_TWO_REALMS "client a { source = \"1.0.0.0/8\""
			  " realms = outside max_connections = 1025 }\n",
	  "f:3: \"1025\" is no number from 1 to 1024\n"
	  "f:3: note: client a comes over TLS, and there is no section "
	  "control\n" },
	{ CONF_TWO_REALMS
	  "client a { certificate = a realms = outside }\n"
	  "control a { realm = outside tls = \"0.0.0.0:5\" ca = a key = b\n"
	  "certificate = c idle = 0 }\n"
	  "control b { realm = outside tls = \"9.9.9.9:5\" }\n"
	  "control c { realm = outside tls = \"9.9.9.9:5\" ca = a key = b\n"
	  "certificate = c handshake = 61 }\n",
	  "f:4: \"0.0.0.0:5\" is no address of one host\n"
	  "f:5: \"0\" is no number from 1 to 86400\n"
	  "f:6: control b: certificate is not set\n"
	  "f:6: control b: key is not set\n"
	  "f:6: control b: ca is not set\n"
	  "f:7: \"9.9.9.9:5\" is also that of control b\n"
	  "f:8: \"61\" is no number from 1 to 60\n" },
};

START_TEST(each_mistake_has_its_line_and_text)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct confcase c;

		confcase_read(&c, cases[i].text);
		ck_assert_str_eq(c.told, cases[i].told);
		ck_assert_ptr_null(c.conf);
		confcase_done(&c);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *told;
} notes[] = {
	{ "pool odd { realm = outside endpoints = \"9.9.9.9:3-8\" }\n",
	  "f:3: note: \"9.9.9.9:3-8\" does not go from an even port to an odd "
	  "one: the port at its end fits no RTP/RTCP pair\n" },
	{ "realm lost { interface = x networks = 10.0.0.0/8 }\n",
	  "f:3: note: realm lost neither reaches inside nor has a pool: no "
	  "calls between the two\n"
	  "f:3: note: realm lost neither reaches outside nor has a pool: no "
	  "calls between the two\n" },
	{ "realm bare { pool = \"9.1.1.1:2-3\" }\n"
	  "realm over { interface = y networks = 9.0.0.0/8 reaches = bare }\n",
	  "f:3: note: realm bare has no interface: no packets to or from it\n"
	  "f:3: note: \"9.1.1.1:2-3\" is in a network of realm over, which "
	  "reaches this one: not found from there\n" },
};

START_TEST(a_note_is_no_mistake)
{
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		struct confcase c;
		char text[1000];

		snprintf(text, sizeof(text), "%s%s", CONF_TWO_REALMS,
			 notes[i].text);
		confcase_read(&c, text);
		ck_assert_str_eq(c.told, notes[i].told);
		ck_assert_ptr_nonnull(c.conf);
		confcase_done(&c);
	}
}
END_TEST

START_TEST(overlap_is_allowed_where_nobody_sees_both)
{
	struct confcase c;

	confcase_read(&c, "realm a { interface = a networks = 1.0.0.0/8\n"
			  "pool = \"4.4.4.4:1000-1999\" }\n"
			  "realm b { interface = b networks = 1.0.0.0/8\n"
			  "pool = \"4.4.4.4:1000-1999\" }\n"
			  "listen x { realm = a udp = \"1.0.0.1:5060\" }\n"
			  "listen y { realm = b udp = \"1.0.0.1:5060\" }\n");
	ck_assert_str_eq(c.told, "");
	ck_assert_ptr_nonnull(c.conf);
	confcase_done(&c);
}
END_TEST

START_TEST(more_realms_than_there_can_be_are_refused)
{
	static char text[30000];
	struct confcase c;
	size_t used = 0;

	for (int i = 0; i <= REALM_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "realm r%d { interface = i%d pool = "
					 "\"1.%d.%d.1:2-3\" }\n",
					 i, i, i / 200, i % 200);
	confcase_read(&c, text);
	ck_assert_ptr_null(c.conf);
	ck_assert_str_eq(c.told, "f:257: more than 256 realms\n");
	confcase_done(&c);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
	struct confcase c;

	confcase_read(&c, "");
	ck_assert_int_eq(remove(c.path), 0);
	confcase_again(&c);
	ck_assert_str_eq(c.told, "f: No such file or directory\n");
	ck_assert_ptr_null(c.conf);
	confcase_done(&c);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_mistakes_of_a_file_are_told_at_once,
		each_mistake_has_its_line_and_text,
		a_note_is_no_mistake,
		overlap_is_allowed_where_nobody_sees_both,
		more_realms_than_there_can_be_are_refused,
		a_file_that_is_not_there_is_told,
		NULL,
	};

	return suite_run("conf mistakes", tests);
}
