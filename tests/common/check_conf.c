/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/conf.c and the steps behind it: good configurations. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/common/confcase.h"
#include "tests/common/failalloc.h"
#include "tests/common/suite.h"

static const char everything[] =
	"# a comment\n"
	"rundir = \"/run/edge\" // another\n"
	"tun = vt  table = edge_1  announce_time = 7 ring_time = 200 "
	"pool_alarm = 80  media_timeout = 60 fastpath = no\n"
	"workers = 3 /* and one\n"
	" * of two lines */ user = \"\" routing_table = 9000\n"
	"realm inside {\n"
	"	interface = {in0, \"in1\",}\n"
	"	networks = {\"10.0.0.0/8\", 172.16.0.0/12}\n"
	"	reaches = {\"outside\"}\n"
	"	media = force source = endpoint media_port_min = 1000\n"
	"	hold_down = 0 dscp = 34 gateway = 10.0.0.254\n"
	"}\n"
	"realm outside { interface = out0\n"
	"	pool = {\"203.0.113.16/30:16384-32767\", \"4.4.4.4:4000-4999\"} }\n"
	"pool billing { realm = outside endpoints = \"20.20.20.16/28:2000-2999\" }\n"
	"listen phones { realm = inside udp = \"10.0.0.1:5060\" }\n"
	"domain \"Example.COM\" { users = \"/etc/users\" }\n"
	"trunk carrier { realm = outside host = \"sip.carrier.example\" }\n"
	"trunk other { realm = outside host = 198.51.100.1 port = 5070 }\n"
	"route default { to = other }\n"
	"media { from = inside to = outside match = \"10.1.1.1:1111\"\n"
	"	outer = \"4.4.4.4:4444\" mode = strict }\n"
	"media { from = inside to = outside pool = billing }\n"
	"client game { user = 990 realms = {outside, inside} third_party = yes\n"
	"	kinds = {terminating} outer = {\"4.4.4.4\"}\n"
	"	pools = {outside, billing}\n"
	"	max_leases = 10 max_lifetime = 60 }\n"
	"client far { certificate = far.example source = \"10.9.0.0/16\"\n"
	"	realms = outside max_connections = 5 max_asks = 7 }\n"
	"control remote { realm = inside tls = \"10.0.0.1:7443\"\n"
	"	certificate = \"/c\" key = \"/k\" ca = \"/a\" idle = 60\n"
	"	handshake = 5 }\n";

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr;

	ck_assert_int_eq(ip_addr_parse(text, strlen(text), &addr), 0);
	return addr;
}

static realm_id realm_of(const struct conf *conf, realm_id from,
			 const char *text)
{
	struct ip_addr addr = addr_of(text);

	return conf_realm_of(conf, from, &addr);
}

START_TEST(all_settings_arrive_in_the_structs)
{
	const struct conf *conf;
	struct confcase c;

	confcase_read(&c, everything);
	ck_assert_str_eq(c.told, "");
	conf = c.conf;
	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(conf->rundir, "/run/edge");
	ck_assert_str_eq(conf->tun, "vt");
	ck_assert_str_eq(conf->table, "edge_1");
	ck_assert(!conf->fastpath);
	ck_assert_uint_eq(conf->workers, 3);
	ck_assert_uint_eq(conf->announce_time, 7);
	ck_assert_uint_eq(conf->ring_time, 200);
	ck_assert_uint_eq(conf->pool_alarm, 80);
	ck_assert_uint_eq(conf->media_timeout, 60);
	ck_assert_uint_eq(conf->routing_table, 9000);
	ck_assert_uint_eq(ip_addr_to_v4(&conf->realms[0].gateway), 0x0a0000fe);
	ck_assert_ptr_null(conf->user);
	ck_assert_uint_eq(conf->realm_count, 2);
	ck_assert_str_eq(conf->names.names[1], "outside");
	ck_assert_uint_eq(conf->realms[0].line, 6);
	ck_assert_uint_eq(conf->realms[0].interfaces.count, 2);
	ck_assert_str_eq(conf->realms[0].interfaces.items[1], "in1");
	ck_assert_uint_eq(conf->realms[0].network_count, 2);
	ck_assert_uint_eq(conf->realms[0].networks[1].bits, 12);
	ck_assert_uint_eq(conf->realms[0].reach_count, 1);
	ck_assert_uint_eq(conf->realms[0].reaches[0], 1);
	ck_assert_int_eq(conf->realms[0].media, CONF_MEDIA_FORCE);
	ck_assert_int_eq(conf->realms[0].source, CONF_SOURCE_ENDPOINT);
	ck_assert_uint_eq(conf->realms[0].media_port_min, 1000);
	ck_assert(conf->realms[0].sets_dscp);
	ck_assert_uint_eq(conf->realms[0].dscp, 34);
	ck_assert(!conf->realms[1].sets_dscp);
	ck_assert_uint_eq(conf->realms[0].hold_down, 0);
	ck_assert_uint_eq(conf->realms[1].id, 1);
	ck_assert_int_eq(conf->realms[1].media, CONF_MEDIA_AUTO);
	ck_assert_int_eq(conf->realms[1].source, CONF_SOURCE_ADDRESS);
	ck_assert_int_eq(conf->realms[1].far_nat, CONF_FAR_NAT_AUTO);
	ck_assert(conf->realms[1].early.any);
	ck_assert_uint_eq(conf->realms[1].media_port_min, 1024);
	ck_assert_uint_eq(conf->realms[1].hold_down, 60);
	confcase_done(&c);
}
END_TEST

START_TEST(all_sections_arrive_in_the_structs)
{
	const struct conf *conf;
	struct confcase c;

	confcase_read(&c, everything);
	conf = c.conf;
	ck_assert_uint_eq(conf->pool_count, 2);
	ck_assert_str_eq(conf->pools[0].name, "outside");
	ck_assert(!conf->pools[0].named && conf->pools[1].named);
	ck_assert_uint_eq(conf->pools[0].range_count, 2);
	ck_assert_uint_eq(conf->pools[0].ranges[1].ports.last, 4999);
	ck_assert_str_eq(conf->pools[1].name, "billing");
	ck_assert_uint_eq(conf->pools[1].line, 15);
	ck_assert_uint_eq(conf->listens[0].udp.port, 5060);
	ck_assert_uint_eq(conf->listens[0].udp.realm, 0);
	ck_assert_str_eq(conf->domains[0].name, "example.com");
	ck_assert_str_eq(conf->domains[0].users, "/etc/users");
	ck_assert_uint_eq(conf->trunk_count, 2);
	ck_assert_uint_eq(conf->trunks[0].port, 5060);
	ck_assert_uint_eq(conf->trunks[1].port, 5070);
	ck_assert_str_eq(conf->trunks[1].host, "198.51.100.1");
	ck_assert_uint_eq(conf->routes[0].targets[0].trunk, 1);
	ck_assert_uint_eq(conf->media_count, 2);
	ck_assert_uint_eq(conf->media[0].line, 21);
	ck_assert_uint_eq(conf->media[0].match_port, 1111);
	ck_assert_uint_eq(conf->media[0].outer.ports.first, 4444);
	ck_assert_uint_eq(conf->media[0].outer.ports.last, 4444);
	ck_assert_int_eq(conf->media[0].mode, CONF_MODE_STRICT);
	ck_assert_ptr_null(conf->media[0].pool);
	ck_assert_uint_eq(conf->media[1].line, 23);
	ck_assert_str_eq(conf->media[1].pool, "billing");
	ck_assert_int_eq(conf->media[1].mode, CONF_MODE_PREFERRED);
	ck_assert_uint_eq(conf->media[1].match.addr.family, IP_NONE);
	ck_assert_uint_eq(conf->clients[0].uid, 990);
	ck_assert_uint_eq(conf->clients[0].realm_count, 2);
	ck_assert(conf->clients[0].third_party);
	ck_assert(!conf->clients[0].kinds[RULE_BOTH]);
	ck_assert(conf->clients[0].kinds[RULE_TERMINATING]);
	ck_assert_uint_eq(conf->clients[0].outer_count, 4);
	ck_assert_uint_eq(conf->clients[0].outer[3].ports.first, 2000);
	ck_assert_uint_eq(conf->clients[0].max_leases, 10);
	ck_assert_uint_eq(conf->clients[0].max_lifetime, 60);
	ck_assert_uint_eq(conf->clients[0].max_connections, CONF_CONNECTIONS);
	ck_assert_uint_eq(conf->clients[0].max_asks, CONF_ASKS);
	ck_assert_uint_eq(conf->clients[1].uid, UINT32_MAX);
	ck_assert_str_eq(conf->clients[1].certificate, "far.example");
	ck_assert_uint_eq(conf->clients[1].source.bits, 16);
	ck_assert_uint_eq(conf->clients[1].max_connections, 5);
	ck_assert_uint_eq(conf->clients[1].max_asks, 7);
	ck_assert_uint_gt(conf->clients[1].identity, UINT32_MAX);
	ck_assert_uint_eq(conf->control_count, 1);
	ck_assert_uint_eq(conf->controls[0].tls.port, 7443);
	ck_assert_uint_eq(conf->controls[0].tls.realm, 0);
	ck_assert_str_eq(conf->controls[0].certificate, "/c");
	ck_assert_str_eq(conf->controls[0].key, "/k");
	ck_assert_str_eq(conf->controls[0].ca, "/a");
	ck_assert_uint_eq(conf->controls[0].idle, 60);
	ck_assert_uint_eq(conf->controls[0].handshake, 5);
	confcase_done(&c);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	struct confcase c;

	confcase_read(&c, CONF_TWO_REALMS);
	ck_assert_str_eq(c.told, "");
	ck_assert_ptr_nonnull(c.conf);
	ck_assert_str_eq(c.conf->rundir, "/run/viaduct");
	ck_assert_str_eq(c.conf->tun, "viaduct");
	ck_assert_str_eq(c.conf->table, "viaduct");
	ck_assert(c.conf->fastpath);
	ck_assert_uint_eq(c.conf->workers, 0);
	ck_assert_uint_eq(c.conf->announce_time, 60);
	ck_assert_uint_eq(c.conf->ring_time, 185);
	ck_assert_uint_eq(c.conf->pool_alarm, 90);
	ck_assert_uint_eq(c.conf->media_timeout, 0);
	ck_assert_ptr_null(c.conf->user);
	confcase_done(&c);
}
END_TEST

START_TEST(an_address_is_in_the_realm_that_has_it)
{
	struct confcase c;

	confcase_read(&c,
		      "realm a { interface = a networks = 10.0.0.0/8 "
		      "reaches = {b, c} pool = \"4.4.4.4:1000-1999\" }\n"
		      "realm b { interface = b networks = 20.0.0.0/8 "
		      "pool = \"20.1.0.0/24:1000-1999\" }\n"
		      "realm c { interface = c pool = \"20.1.2.0/24:10-19\" }\n"
		      "realm d { interface = d networks = 30.0.0.0/8 "
		      "pool = \"4.4.4.5:1000-1999\" }\n");
	ck_assert_str_eq(c.told, "");
	ck_assert_ptr_nonnull(c.conf);
	ck_assert_uint_eq(realm_of(c.conf, 0, "10.1.1.1"), 0);
	ck_assert_uint_eq(realm_of(c.conf, 0, "4.4.4.4"), 0);
	ck_assert_uint_eq(realm_of(c.conf, 0, "20.1.0.1"), 1);
	ck_assert_uint_eq(realm_of(c.conf, 0, "20.1.2.1"), 2);
	ck_assert_uint_eq(realm_of(c.conf, 0, "30.1.2.1"), 2);
	ck_assert_uint_eq(realm_of(c.conf, 2, "30.1.2.1"), 2);
	ck_assert_uint_eq(realm_of(c.conf, 1, "30.1.2.1"), REALM_NONE);
	ck_assert_uint_eq(realm_of(c.conf, 3, "10.1.1.1"), REALM_NONE);
	ck_assert_uint_eq(realm_of(c.conf, 77, "10.1.1.1"), REALM_NONE);
	ck_assert(conf_reaches(c.conf, 0, 2) && !conf_reaches(c.conf, 2, 0));
	ck_assert(!conf_reaches(c.conf, 77, 0));
	confcase_done(&c);
}
END_TEST

static bool overlaps(const char *text, realm_id realm)
{
	struct confcase c;
	bool ret;

	confcase_read(&c, text);
	ck_assert_ptr_nonnull(c.conf);
	ret = conf_overlaps(c.conf, realm);
	confcase_done(&c);
	return ret;
}

START_TEST(realms_overlap_where_nobody_sees_both)
{
	static const char customers[] =
		"realm a { interface = a networks = 10.0.0.0/8\n"
		"	reaches = out }\n"
		"realm b { interface = b networks = 10.1.0.0/16\n"
		"	reaches = out }\n"
		"realm c { interface = c networks = 11.0.0.0/8\n"
		"	reaches = out pool = \"10.9.0.1:2-3\" }\n"
		"realm out { interface = o pool = \"4.4.4.4:2-3\" }\n"
		"realm d { interface = d networks = 12.0.0.0/8 }\n";

	ck_assert(overlaps(customers, 0));
	ck_assert(overlaps(customers, 1));
	ck_assert(overlaps(customers, 2));
	ck_assert(!overlaps(customers, 3));
	ck_assert(!overlaps(customers, 4));
	/* Seen together: the longest prefix tells them apart. */
	ck_assert(!overlaps("realm a { interface = a networks = 10.0.0.0/8\n"
			    "	reaches = b }\n"
			    "realm b { interface = b networks = 10.1.0.0/16 }",
			    0));
	/* Everything else, twice. */
	ck_assert(overlaps("realm a { interface = a }\n"
			   "realm b { interface = b }\n",
			   1));
}
END_TEST

START_TEST(a_pool_has_addresses_and_ports)
{
	struct ip_addr in, out;
	struct confcase c;

	confcase_read(&c, everything);
	in = addr_of("203.0.113.19");
	out = addr_of("203.0.113.20");
	ck_assert(conf_in_pool(c.conf, 1, &in, 0));
	ck_assert(conf_in_pool(c.conf, 1, &in, 16384));
	ck_assert(!conf_in_pool(c.conf, 1, &in, 16383));
	ck_assert(!conf_in_pool(c.conf, 1, &out, 0));
	ck_assert(!conf_in_pool(c.conf, 0, &in, 0));
	in = addr_of("20.20.20.31");
	ck_assert(conf_in_pool(c.conf, 1, &in, 2000));
	confcase_done(&c);
}
END_TEST

START_TEST(sockets_are_in_rundir)
{
	char path[24];
	struct confcase c;

	confcase_read(&c, everything);
	ck_assert_int_eq(conf_socket_path(c.conf, "natctl.sock", path,
					  sizeof(path)),
			 0);
	ck_assert_str_eq(path, "/run/edge/natctl.sock");
	ck_assert_int_lt(conf_socket_path(c.conf, "translator.sock", path,
					  sizeof(path)),
			 0);
	confcase_done(&c);
}
END_TEST

START_TEST(included_files_stand_in_their_place)
{
	struct confcase c;

	confcase_read(&c, "include(\"one\")\n"
			  "realm outside { interface = o\n"
			  " pool = \"4.4.4.4:1000-1999\" }\n"
			  "include ( two )\n"
			  "colour = red\n");
	ck_assert_ptr_null(c.conf);
	ck_assert_str_eq(c.told, "f:1: one: No such file or directory\n"
				 "f:5: \"colour\" is no setting\n");
	confcase_add_file(&c, "one",
			  "realm inside { interface = i\n"
			  "networks = 1.0.0.0/8 size = 1\n"
			  "reaches = outside }\n");
	confcase_add_file(&c, "two",
			  "\n\ntrunk t { realm = outsid\n"
			  " host = h.example }");
	confcase_again(&c);
	ck_assert_ptr_null(c.conf);
	ck_assert_str_eq(c.told,
			 "f:5: \"colour\" is no setting\n"
			 "one:2: \"size\" is no setting of a section realm\n"
			 "two:3: there is no realm \"outsid\"\n");
	confcase_add_file(&c, "one",
			  "realm inside { interface = i\n"
			  "networks = 1.0.0.0/8\n"
			  "reaches = outside }\n");
	confcase_add_file(&c, "two",
			  "trunk t { realm = outside\n"
			  " host = h.example }");
	confcase_add_file(&c, "f",
			  "include(\"one\")\n"
			  "realm outside { interface = o\n"
			  " pool = \"4.4.4.4:1000-1999\" }\n"
			  "include ( two )\n"
			  "route default { to = t }\n");
	confcase_again(&c);
	ck_assert_str_eq(c.told, "");
	ck_assert_ptr_nonnull(c.conf);
	ck_assert_str_eq(c.conf->realms[0].name, "inside");
	ck_assert_uint_eq(c.conf->routes[0].line, 5);
	confcase_done(&c);
}
END_TEST

START_TEST(files_that_include_each_other_are_refused)
{
	struct confcase c;

	confcase_read(&c, "include(f)\n");
	ck_assert_ptr_null(c.conf);
	ck_assert_str_eq(c.told, "f:1: f: Too many levels of symbolic links\n");
	confcase_done(&c);
}
END_TEST

START_TEST(the_examples_have_no_mistakes)
{
	static const char *const files[] = {
		"viaduct.conf.example",  "examples/egress.conf",
		"examples/ingress.conf", "examples/ipv6.conf",
		"examples/media.conf",   "examples/one-address.conf",
		"examples/routes.conf",  "examples/transports.conf",
	};
	const char *srcdir = getenv("srcdir");

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[4096], *told = NULL;
		struct conf *conf;
		size_t len;
		FILE *errors = open_memstream(&told, &len);

		snprintf(path, sizeof(path), "%s/conf/%s",
			 srcdir ? srcdir : ".", files[i]);
		conf = conf_read(path, errors);
		fclose(errors);
		ck_assert_str_eq(told, "");
		ck_assert_ptr_nonnull(conf);
		conf_free(conf);
		free(told);
	}
}
END_TEST

START_TEST(each_failing_allocation_is_told_as_no_memory)
{
	bool failed = true;
	unsigned n;

	for (n = 1; failed; n++) {
		struct confcase c;
		char *told = NULL;
		struct conf *conf;
		FILE *errors;
		size_t len;

		ck_assert_uint_lt(n, 5000);
		confcase_read(&c, everything);
		errors = open_memstream(&told, &len);
		failalloc_set(n);
		conf = conf_read(c.path, errors);
		failed = failalloc_done();
		fclose(errors);
		ck_assert((conf == NULL) == failed);
		if (failed)
			ck_assert_ptr_nonnull(strstr(told, "no memory\n"));
		conf_free(conf);
		free(told);
		confcase_done(&c);
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_settings_arrive_in_the_structs,
		all_sections_arrive_in_the_structs,
		what_is_left_out_has_its_default,
		an_address_is_in_the_realm_that_has_it,
		realms_overlap_where_nobody_sees_both,
		a_pool_has_addresses_and_ports,
		sockets_are_in_rundir,
		included_files_stand_in_their_place,
		files_that_include_each_other_are_refused,
		the_examples_have_no_mistakes,
		each_failing_allocation_is_told_as_no_memory,
		NULL,
	};

	return suite_run("conf", tests);
}
