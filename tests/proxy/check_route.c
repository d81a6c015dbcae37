/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>

#include "tests/proxy/suite.h"

#define HA1 "0123456789abcdef0123456789abcdef"

/* realm 0 inside with the phones, realm 1 outside with the carriers */
static struct conf_domain domains[] = { { .name = (char[]){ "example.com" } },
					{ .name = (char[]){ "example.net" } } };
static struct conf_listen listens[2];
static struct conf_trunk trunks[] = {
	{ .realm = 1, .host = (char[]){ "20.20.20.1" }, .port = 5060 },
	{ .realm = 1, .host = (char[]){ "sip.carrier.example" }, .port = 5070 },
};
static struct conf_target targets[] = { { .trunk = 0 }, { .trunk = 1 } };
static struct conf_route routes[] = {
	{ .name = (char[]){ "default" },
	  .targets = targets + 1,
	  .target_count = 1 },
	{ .name = (char[]){ "partner.example" },
	  .domain = (char[]){ "partner.example" },
	  .targets = targets,
	  .target_count = 1 },
};
static struct conf conf = { .domains = domains,
			    .domain_count = 2,
			    .listens = listens,
			    .listen_count = 2,
			    .trunks = trunks,
			    .trunk_count = 2,
			    .routes = routes,
			    .route_count = 2 };
static struct trunk_list list;
static struct users users;

static void setup(void)
{
	char lines[] = "bob:example.com:" HA1 "\nann:example.net:" HA1 "\n"
		       "a/b:example.com:" HA1 "\n";
	FILE *in = fmemopen(lines, strlen(lines), "r");
	struct ip_addr addr = ip_addr_v4(0x14141402);

	listens[0].realm = 0;
	listens[0].udp.addr = ip_addr_v4(0x0a000001);
	listens[0].udp.port = 5060;
	listens[1].realm = 1;
	listens[1].udp.addr = ip_addr_v4(0xcb00710a);
	listens[1].udp.port = 5080;
	ck_assert_int_eq(users_read_stream(&users, in, "users", stderr), 0);
	fclose(in);
	ck_assert_int_eq(trunk_list_init(&list, &conf), 0);
	trunk_set(&list.trunks[1], &(struct trunk_hop){ .at.addr = addr }, 1);
}

static void teardown(void)
{
	users_done(&users);
	trunk_list_done(&list);
}

/* "user bob@example.com", "trunk 1", "404 no such user" */
static void assert_route(enum route_speaker speaker, size_t listen,
			 const char *uri, const char *want)
{
	struct route_query query = { .conf = &conf,
				     .trunks = &list,
				     .users = &users,
				     .request_uri = uri,
				     .method = "INVITE",
				     .speaker = speaker,
				     .trunk = 0,
				     .listen = listen };
	struct route_result result;
	char have[256] = "";

	route_find(&query, &result);
	switch (result.kind) {
	case ROUTE_USER:
		snprintf(have, sizeof(have), "user %s@%s", result.user,
			 result.domain);
		break;
	case ROUTE_TRUNK:
		snprintf(have, sizeof(have), "trunk %zu", result.trunk);
		break;
	case ROUTE_TABLE:
		snprintf(have, sizeof(have), "trunk %zu",
			 result.route->targets[0].trunk);
		break;
	case ROUTE_REFUSE:
		snprintf(have, sizeof(have), "%d %s", result.status,
			 result.text);
		break;
	}
	ck_assert_msg(strcmp(have, want) == 0, "%s: %s, not %s", uri, have,
		      want);
}

START_TEST(users_of_our_domains_are_found)
{
	static const char *const cases[][2] = {
		{ "sip:bob@example.com", "user bob@example.com" },
		{ "sip:bob@EXAMPLE.com:5090;user=phone",
		  "user bob@example.com" },
		{ "sip:ann@example.net", "user ann@example.net" },
		{ "sip:ann@example.com", "404 no such user" },
		{ "sip:BOB@example.com", "404 no such user" },
		{ "sip:a%2fb@example.com", "user a/b@example.com" },
		{ "sip:%00@example.com", "404 no such user" },
		{ "sip:example.com", "404 no such user" },
		/* A listener's address, of the realm it was sent in. */
		{ "sip:bob@10.0.0.1", "user bob@example.com" },
		{ "sip:bob@10.0.0.1:5060", "user bob@example.com" },
		{ "sip:bob@10.0.0.1:5061", "trunk 1" },
		{ "sip:bob@203.0.113.10:5080", "trunk 1" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_route(ROUTE_FROM_USER, 0, cases[i][0], cases[i][1]);
	assert_route(ROUTE_FROM_USER, 1, "sip:bob@203.0.113.10:5080",
		     "user bob@example.com");
}
END_TEST

START_TEST(other_hosts_go_to_trunks)
{
	static const char *const cases[][2] = {
		{ "sip:x@other.example", "trunk 1" },
		{ "sip:x@partner.example", "trunk 0" },
		{ "sip:x@Sip.Carrier.example", "trunk 1" },
		{ "sip:x@20.20.20.1", "trunk 0" },
		{ "sip:x@20.20.20.1:5060", "trunk 0" },
		{ "sip:x@20.20.20.2:5070", "trunk 1" },
		{ "sip:x@20.20.20.1:5099", "trunk 1" },
		{ "tel:+49123", "trunk 1" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_route(ROUTE_FROM_USER, 0, cases[i][0], cases[i][1]);
	conf.route_count = 0;
	assert_route(ROUTE_FROM_USER, 0, "sip:x@other.example",
		     "404 no route to this host");
	assert_route(ROUTE_FROM_USER, 0, "tel:+49123",
		     "404 no route to this host");
	conf.route_count = 2;
}
END_TEST

START_TEST(trunks_reach_users_and_other_trunks_but_not_themselves)
{
	assert_route(ROUTE_FROM_TRUNK, 1, "sip:bob@example.com",
		     "user bob@example.com");
	assert_route(ROUTE_FROM_TRUNK, 1, "sip:x@other.example", "trunk 1");
	assert_route(ROUTE_FROM_TRUNK, 1, "sip:x@partner.example",
		     "404 no route but back");
}
END_TEST

START_TEST(strangers_and_strange_schemes_go_nowhere)
{
	assert_route(ROUTE_FROM_ANYONE, 1, "sip:bob@example.com",
		     "403 speaker not known");
	assert_route(ROUTE_FROM_ANYONE, 1, "sip:x@other.example",
		     "403 speaker not known");
	assert_route(ROUTE_FROM_USER, 0, "sips:bob@example.com",
		     "416 scheme not served");
	assert_route(ROUTE_FROM_USER, 0, "urn:service:sos",
		     "416 scheme not served");
	assert_route(ROUTE_FROM_USER, 0, "bob", "400 malformed Request-URI");
}
END_TEST

START_TEST(without_domains_all_goes_on)
{
	conf.domain_count = 0;
	assert_route(ROUTE_FROM_TRUNK, 1, "sip:bob@example.com", "trunk 1");
	assert_route(ROUTE_FROM_USER, 0, "sip:bob@10.0.0.1", "trunk 1");
	conf.domain_count = 2;
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH(
		"proxy/route", setup, teardown, users_of_our_domains_are_found,
		other_hosts_go_to_trunks,
		trunks_reach_users_and_other_trunks_but_not_themselves,
		strangers_and_strange_schemes_go_nowhere,
		without_domains_all_goes_on);
}
