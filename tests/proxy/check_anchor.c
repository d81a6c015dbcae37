/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/anchor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/farnat.h"
#include "proxy/text.h"
#include "tests/proxy/suite.h"

/* inside reaches outside; a and b are customers that reach nothing. */
#define NETWORK                                                               \
	"realm inside { interface = {e0} networks = {\"2.0.0.0/8\"} "         \
	"reaches = {\"outside\"} %s }\n"                                      \
	"realm outside { interface = {e1} pool = {\"3.3.3.0/28:3000-3999\"} " \
	"media_port_min = 1000 %s }\n"                                        \
	"realm a { interface = {e2} networks = {\"10.0.0.0/8\", "             \
	"\"127.0.0.0/8\"} pool = {\"10.9.9.0/28:2000-2999\"} }\n"             \
	"realm b { interface = {e3} networks = {\"10.0.0.0/8\"} }\n"          \
	"listen in { realm = inside udp = \"2.0.0.1:5060\" }\n"               \
	"listen out { realm = outside udp = \"9.9.9.1:5060\" }\n%s"

static char conf_path[] = "/tmp/check_anchor_XXXXXX";
static struct conf *conf;

static void read_conf(const char *inside, const char *outside, const char *more)
{
	FILE *file = fopen(conf_path, "w");
	FILE *notes = fopen("/dev/null", "w"); /* realm b is poor on purpose */

	ck_assert(file && notes);
	fprintf(file, NETWORK, inside, outside, more);
	fclose(file);
	conf_free(conf);
	conf = conf_read(conf_path, notes);
	fclose(notes);
	ck_assert_ptr_nonnull(conf);
}

static void setup(void)
{
	int fd = mkstemp(conf_path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	read_conf("", "", "");
}

static void teardown(void)
{
	conf_free(conf);
	conf = NULL;
	unlink(conf_path);
}

static realm_id realm(const char *name)
{
	realm_id id = realm_find(&conf->names, name);

	ck_assert_int_ne(id, REALM_NONE);
	return id;
}

static struct media media_of(const char *body)
{
	struct media_error error = { 0 };
	struct media media;

	ck_assert_msg(media_read(body, strlen(body), &media, &error) == 0,
		      "%s: %s", error.text, body);
	return media;
}

static void add_ask(struct text *text, const char *name,
		    const struct anchor_ask *ask)
{
	char endpoint[ENDPOINT_TEXT], line[256];

	if (!ask->wanted)
		return;
	snprintf(line, sizeof(line), "%s %s/%u>%s", name,
		 endpoint_format(&ask->inner, &conf->names, endpoint),
		 (unsigned)ask->ports, conf->names.names[ask->realm]);
	text_add_string(text, line);
	if (ask->request) {
		snprintf(line, sizeof(line), " rule %zu",
			 (size_t)(ask->request - conf->media));
		text_add_string(text, line);
	}
	if (ask->same_as >= 0) {
		snprintf(line, sizeof(line), " as %d", ask->same_as);
		text_add_string(text, line);
	}
}

/* "direct", or one word a stream: "leave", "as-is", "ask ..." */
static void plan_text(const char *from, const char *to, const char *body,
		      const char *peer_body, bool answer, struct text *text)
{
	struct media media = media_of(body), peer;
	struct media_error error = { 0 };
	struct anchor_plan plan;

	if (peer_body)
		peer = media_of(peer_body);
	if (anchor_plan(conf, realm(from), realm(to), &media,
			peer_body ? &peer : NULL, false, answer, &plan,
			&error)) {
		char line[128];

		snprintf(line, sizeof(line), "%d %s", error.status, error.text);
		text_add_string(text, line);
		return;
	}
	ck_assert_uint_eq(plan.count, media.count);
	if (plan.direct)
		text_add_string(text, "direct");
	for (size_t i = 0; !plan.direct && i < plan.count; i++) {
		const struct anchor_stream *stream = &plan.streams[i];

		if (i)
			text_add_string(text, ", ");
		switch (stream->action) {
		case ANCHOR_LEAVE:
			text_add_string(text, "leave");
			break;
		case ANCHOR_AS_IS:
			text_add_string(text, "as-is");
			break;
		case ANCHOR_ASK:
			add_ask(text, "ask", &stream->rtp);
			add_ask(text, " and", &stream->rtcp);
			break;
		}
	}
}

static void assert_plan_of(const char *from, const char *to, const char *body,
			   const char *peer, bool answer, const char *want)
{
	struct text text = { 0 };

	plan_text(from, to, body, peer, answer, &text);
	ck_assert_msg(strcmp(text.data, want) == 0, "%s to %s: %s\nnot %s\n%s",
		      from, to, text.data, want, body);
	text_done(&text);
}

static void assert_plan(const char *from, const char *to, const char *body,
			const char *want)
{
	assert_plan_of(from, to, body, NULL, false, want);
}

#define A "c=IN IP4 1.1.1.1\nm=audio 1111 RTP/AVP 0\n"
#define B "c=IN IP4 2.2.2.2\nm=audio 2222 RTP/AVP 0\n"

START_TEST(the_cases_of_the_source)
{
	/* V1: the target is inside, V2: it is outside */
	assert_plan("outside", "inside", A, "as-is");
	assert_plan("inside", "outside", B,
		    "ask 2.2.2.2:2222@inside/2>outside");
	/* Customers that reach nothing: an endpoint of the other's realm. */
	assert_plan("outside", "a", A, "ask 1.1.1.1:1111@outside/2>a");
	assert_plan("a", "outside", "c=IN IP4 10.0.0.5\nm=audio 2000 RTP/AVP 0",
		    "ask 10.0.0.5:2000@a/2>outside");
	assert_plan("outside", "b", A, "503 no realm has an endpoint to give");
}
END_TEST

static uint8_t family_asked(const char *from, const char *to, const char *body,
			    const char *peer_body)
{
	struct media media = media_of(body), peer;
	struct media_error error = { 0 };
	struct anchor_plan plan;

	if (peer_body)
		peer = media_of(peer_body);
	ck_assert_int_eq(anchor_plan(conf, realm(from), realm(to), &media,
				     peer_body ? &peer : NULL, false, peer_body,
				     &plan, &error),
			 0);
	ck_assert(plan.streams[0].rtp.wanted);
	return plan.streams[0].rtp.family;
}

#define SIX "c=IN IP6 2001:db8:9::5\nm=audio 5000 RTP/AVP 0\n"

START_TEST(the_other_ip_version_is_reached_by_an_endpoint_only)
{
	read_conf(
		"", "",
		"realm six { interface = {e6} networks = {\"2001:db8:9::/64\"} "
		"pool = {\"[2001:db8:ffff::/64]:1000-1999\"} "
		"reaches = {\"inside\"} }\n"
		"realm both { interface = {e7} networks = {\"7.0.0.0/8\", "
		"\"2001:db8:7::/64\"} pool = {\"7.7.7.7:1000-1999\", "
		"\"[2001:db8:7::7]:1000-1999\"} reaches = {\"inside\"} }\n");
	assert_plan("inside", "six", B, "ask 2.2.2.2:2222@inside/2>six");
	assert_plan("inside", "both", B, "as-is");
	assert_plan("six", "a", SIX, "ask [2001:db8:9::5]:5000@six/2>a");
	assert_plan("six", "a", "c=IN IP6 fe80::5\nm=audio 5000 RTP/AVP 0\n",
		    "488 address of no host in SDP");
	ck_assert_uint_eq(family_asked("inside", "six", B, NULL), IP_V6);
	ck_assert_uint_eq(family_asked("six", "a", SIX, NULL), IP_V4);
	ck_assert_uint_eq(family_asked("six", "both", SIX, NULL), IP_NONE);
	ck_assert_uint_eq(family_asked("six", "both", SIX,
				       "c=IN IP4 7.0.0.1\n"
				       "m=audio 5000 RTP/AVP 0\n"),
			  IP_V4);
}
END_TEST

START_TEST(one_realm_is_direct_unless_forced)
{
	assert_plan("inside", "inside", B, "direct");
	assert_plan("outside", "outside", A, "direct");
	assert_plan_of("inside", "inside", B,
		       "c=IN IP4 2.2.2.3\n"
		       "m=audio 5000 RTP/AVP 0\n",
		       true, "direct");
	/* The other party is somewhere else. */
	assert_plan_of("inside", "inside", B, A, true,
		       "ask 2.2.2.2:2222@inside/2>outside");
	read_conf("media = force", "", "");
	assert_plan("inside", "inside", B, "ask 2.2.2.2:2222@inside/2>outside");
	assert_plan("outside", "inside", A, "as-is");
}
END_TEST

START_TEST(media_sections_say_what_to_ask_for)
{
	read_conf("media = force", "",
		  "pool billing { realm = outside "
		  "endpoints = {\"4.4.4.0/28:1000-9999\"} }\n"
		  "media { from = inside to = outside match = \"2.2.2.2:2222\" "
		  "outer = \"4.4.4.4:4444\" mode = strict }\n"
		  "media { from = inside to = outside match = \"2.2.2.0/24\" "
		  "pool = billing }\n"
		  "media { from = outside to = a pool = a }\n");
	assert_plan("inside", "outside", B,
		    "ask 2.2.2.2:2222@inside/2>outside rule 0");
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.2.2\nm=audio 2000 RTP/AVP 0\n",
		    "ask 2.2.2.2:2000@inside/2>outside rule 1");
	assert_plan("inside", "inside", B,
		    "ask 2.2.2.2:2222@inside/2>outside rule 0");
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.3.2\nm=audio 2000 RTP/AVP 0\n",
		    "ask 2.2.3.2:2000@inside/2>outside");
	assert_plan("outside", "a", A, "ask 1.1.1.1:1111@outside/2>a rule 2");
}
END_TEST

START_TEST(ports_and_rtcp_follow_the_sdp)
{
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.2.2\nm=audio 2000/3 RTP/AVP 0\n"
		    "m=image 3000 udptl t38\nm=audio 0 RTP/AVP 0\n"
		    "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"
		    "m=audio 5000 RTP/AVP 0\na=rtcp:5001 IN IP4 2.2.2.2\n"
		    "m=audio 6000 RTP/AVP 0\na=rtcp:6005\n"
		    "m=audio 7000 RTP/AVP 0\na=rtcp:7001 IN IP4 2.2.2.9\n",
		    "ask 2.2.2.2:2000@inside/6>outside, "
		    "ask 2.2.2.2:3000@inside/1>outside, leave, leave, "
		    "ask 2.2.2.2:5000@inside/2>outside, "
		    "ask 2.2.2.2:6000@inside/1>outside"
		    " and 2.2.2.2:6005@inside/1>outside, "
		    "ask 2.2.2.2:7000@inside/1>outside"
		    " and 2.2.2.9:7001@inside/1>outside");
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.2.2\nm=audio 2000/3 RTP/AVP 0\n"
		    "a=rtcp:5001\n",
		    "488 a=rtcp of a stream with many ports");
}
END_TEST

START_TEST(multiplexed_rtcp_needs_one_port_once_it_is_answered)
{
	static const char mux[] = "c=IN IP4 2.2.2.2\nm=audio 2000 RTP/AVP 0\n"
				  "a=rtcp-mux\n";

	assert_plan_of("inside", "outside", mux, NULL, false,
		       "ask 2.2.2.2:2000@inside/2>outside");
	assert_plan_of("inside", "outside", mux, A, true,
		       "ask 2.2.2.2:2000@inside/1>outside");
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.2.2\nm=audio 2000 RTP/AVP 0\na=rtcp:2000\n",
		    "ask 2.2.2.2:2000@inside/1>outside");
}
END_TEST

START_TEST(a_bundle_shares_one_lease)
{
	assert_plan("inside", "outside",
		    "c=IN IP4 2.2.2.2\n"
		    "m=audio 2000 RTP/AVP 0\na=rtcp:9000\n"
		    "m=video 2000 RTP/AVP 31\na=rtcp:9000\n"
		    "m=video 2000 RTP/AVP 31\na=rtcp:9001\n",
		    "ask 2.2.2.2:2000@inside/1>outside"
		    " and 2.2.2.2:9000@inside/1>outside, "
		    "ask 2.2.2.2:2000@inside/1>outside as 0"
		    " and 2.2.2.2:9000@inside/1>outside as 0, "
		    "ask 2.2.2.2:2000@inside/1>outside as 0"
		    " and 2.2.2.2:9001@inside/1>outside");
}
END_TEST

START_TEST(nothing_is_sent_where_it_must_not_go)
{
	static const struct {
		const char *from, *addr;
		unsigned port;
		const char *want;
	} cases[] = {
		{ "outside", "239.1.1.1", 2000,
		  "488 multicast address in SDP" },
		{ "outside", "255.255.255.255", 2000,
		  "488 broadcast address in SDP" },
		{ "outside", "0.0.0.1", 2000, "488 address of no host in SDP" },
		{ "outside", "127.0.0.1", 2000, "488 loopback address in SDP" },
		{ "inside", "9.9.9.9", 2000,
		  "488 address of another network in SDP" },
		{ "inside", "3.3.3.3", 3333,
		  "488 address of another network in SDP" },
		{ "b", "11.0.0.1", 2000,
		  "488 address of another network in SDP" },
		{ "outside", "3.3.3.3", 9, "488 address of the edge in SDP" },
		{ "outside", "9.9.9.1", 2000,
		  "488 address of the edge in SDP" },
		{ "inside", "2.0.0.1", 2000, "488 address of the edge in SDP" },
		{ "outside", "1.1.1.1", 999, "488 media port too low in SDP" },
		{ "inside", "2.2.2.2", 1010, "488 media port too low in SDP" },
		{ "outside", "1.1.1.1", 1010, "ask 1.1.1.1:1010@outside/2>a" },
		{ "a", "127.0.0.5", 2000, "direct" },
	};
	char body[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body),
			 "c=IN IP4 %s\nm=audio %u RTP/AVP 0\n", cases[i].addr,
			 cases[i].port);
		assert_plan(cases[i].from, "a", body, cases[i].want);
	}
	assert_plan("inside", "outside", B "a=rtcp:99 IN IP4 2.2.2.2\n",
		    "488 media port too low in SDP");
	assert_plan("inside", "outside", B "a=rtcp:2223 IN IP4 8.8.8.8\n",
		    "488 address of another network in SDP");
}
END_TEST

/* "1.1.1.1/32 1-65535; remote 1.1.1.1/32:1111" */
static void limits_text(const struct anchor_limits *limits, char *buf,
			size_t size)
{
	char prefix[IP_PREFIX_TEXT];
	size_t len = 0;

	for (size_t i = 0; i < limits->condition_count; i++) {
		const struct rule_condition *condition = &limits->conditions[i];

		len += (size_t)snprintf(buf + len, size - len, "%s %u-%u; ",
					ip_prefix_format(&condition->source,
							 prefix),
					(unsigned)condition->ports.first,
					(unsigned)condition->ports.last);
	}
	if (limits->latch.addr.family != IP_NONE)
		len += (size_t)snprintf(buf + len, size - len, "latch %s; ",
					ip_prefix_format(&limits->latch,
							 prefix));
	snprintf(buf + len, size - len, "remote %s:%u",
		 limits->remote.prefix.addr.family == IP_NONE ?
			 "any" :
			 ip_prefix_format(&limits->remote.prefix, prefix),
		 (unsigned)limits->remote.port);
}

static void assert_limits(const char *outer, const char *far_realm,
			  const char *far, const char *far_outer,
			  const char *want)
{
	struct media media = media_of(far);
	struct endpoint leased;
	struct anchor_limits limits;
	char text[256];

	if (far_outer)
		ck_assert_int_eq(endpoint_parse(far_outer, &conf->names,
						&leased),
				 0);
	if (!anchor_limits(conf, realm(outer), realm(far_realm),
			   &media.streams[0], far_outer ? &leased : NULL, NULL,
			   2, &limits)) {
		ck_assert_ptr_null(want);
		return;
	}
	limits_text(&limits, text, sizeof(text));
	ck_assert_msg(want && strcmp(text, want) == 0, "%s", text);
}

START_TEST(a_lease_is_limited_to_the_far_party)
{
	assert_limits("outside", "outside", A, NULL,
		      "1.1.1.1/32 1-65535; remote 1.1.1.1/32:1111");
	/* Both inside, through outside: what the other's lease shows. */
	assert_limits("outside", "inside", B, "3.3.3.4:3444@outside",
		      "3.3.3.4/32 1-65535; remote 3.3.3.4/32:3444");
	assert_limits("outside", "inside", B, NULL, NULL);
	assert_limits("outside", "inside", B, "10.9.9.1:2000@a", NULL);
	assert_limits("inside", "outside", A, NULL,
		      "1.1.1.1/32 1-65535; remote 1.1.1.1/32:1111");
	/* Nothing is known. */
	assert_limits("outside", "outside", "m=audio 0 RTP/AVP 0\n", NULL,
		      NULL);
	assert_limits("outside", "outside",
		      "c=IN IP4 0.0.0.0\nm=audio 9 RTP/AVP 0\n", NULL, NULL);
	ck_assert(!anchor_limits(conf, 0, 0, NULL, NULL, NULL, 2,
				 &(struct anchor_limits){ 0 }));
}
END_TEST

START_TEST(the_source_setting_counts)
{
	read_conf("", "source = endpoint", "");
	assert_limits("outside", "outside", A, NULL,
		      "1.1.1.1/32 1111-1112; remote 1.1.1.1/32:1111");
	assert_limits("outside", "outside", A "a=rtcp:2000\n", NULL,
		      "1.1.1.1/32 1111-1112; 1.1.1.1/32 2000-2000; "
		      "remote 1.1.1.1/32:0");
	assert_limits("outside", "outside", A "a=rtcp:1111 IN IP4 5.5.5.5\n",
		      NULL,
		      "1.1.1.1/32 1111-1112; 5.5.5.5/32 1111-1111; "
		      "remote any:0");
	read_conf("", "source = any", "");
	assert_limits("outside", "outside", A, NULL, "remote 1.1.1.1/32:1111");
	read_conf("", "source = address", "");
	assert_limits("outside", "outside", A "a=rtcp:2000\n", NULL,
		      "1.1.1.1/32 1-65535; remote 1.1.1.1/32:0");
	assert_limits("outside", "outside", A "a=rtcp:2000 IN IP4 5.5.5.5\n",
		      NULL,
		      "1.1.1.1/32 1-65535; 5.5.5.5/32 1-65535; remote any:0");
}
END_TEST

START_TEST(a_prefix_admits_its_neighbours)
{
	read_conf("", "source = prefix source_prefix = 20", "");
	assert_limits("outside", "outside", A, NULL,
		      "1.1.0.0/20 1-65535; remote 1.1.1.1/32:1111");
	assert_limits("outside", "outside", A "a=rtcp:2000 IN IP4 1.1.15.5\n",
		      NULL, "1.1.0.0/20 1-65535; remote any:0");
	assert_limits("outside", "outside", A "a=rtcp:2000 IN IP4 1.1.16.5\n",
		      NULL,
		      "1.1.0.0/20 1-65535; 1.1.16.0/20 1-65535; "
		      "remote any:0");
	read_conf("", "source = keep", "");
	assert_limits("outside", "outside", A, NULL,
		      "1.1.1.1/32 1-65535; remote 1.1.1.1/32:1111");
}
END_TEST

START_TEST(a_realm_may_latch)
{
	read_conf("", "source = latch", "");
	assert_limits("outside", "outside", A, NULL,
		      "latch 1.1.1.1/32; remote 1.1.1.1/32:1111");
	/* Who is seen by a lease of ours sends from that. */
	assert_limits("outside", "inside", B, "3.3.3.4:3444@outside",
		      "3.3.3.4/32 1-65535; remote 3.3.3.4/32:3444");
	read_conf("", "source = latch source_prefix = 24", "");
	assert_limits("outside", "outside", A, NULL,
		      "latch 1.1.1.0/24; remote 1.1.1.1/32:1111");
}
END_TEST

static void early_text(const char *setting, const char *far_realm, char *text,
		       size_t size)
{
	struct ip_addr signalling = ip_addr_v4(0x05050505);
	struct anchor_limits limits;

	read_conf("", setting, "");
	anchor_early(conf, realm("outside"), realm(far_realm), &signalling, 1,
		     IP_V4, &limits);
	limits_text(&limits, text, size);
	if (limits.condition_count > 0 && limits.conditions[0].discard)
		snprintf(text, size, "discard");
}

START_TEST(who_may_send_before_the_answer)
{
	static const struct {
		const char *setting;
		const char *far_realm;
		const char *want;
	} cases[] = {
		{ "", "outside", "remote any:0" },
		{ "early = any", "outside", "remote any:0" },
		{ "early = none", "outside", "discard" },
		{ "early = signalling", "outside",
		  "5.5.5.5/32 1-65535; remote any:0" },
		/* It is not seen over there. */
		{ "early = signalling", "inside", "discard" },
		{ "early = {\"9.0.0.0/8\", signalling, \"8.8.8.8\"}", "outside",
		  "9.0.0.0/8 1-65535; 8.8.8.8/32 1-65535; "
		  "5.5.5.5/32 1-65535; remote any:0" },
		{ "early = {\"5.5.5.5\", signalling}", "outside",
		  "5.5.5.5/32 1-65535; remote any:0" },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		early_text(cases[i].setting, cases[i].far_realm, text,
			   sizeof(text));
		ck_assert_str_eq(text, cases[i].want);
	}
}
END_TEST

static bool is_far(const char *name, const char *signalling, bool is_trunk,
		   const char *addr)
{
	struct farnat_party party = { .realm = realm(name),
				      .is_trunk = is_trunk };
	struct ip_addr named;

	ck_assert_int_eq(ip_addr_parse(signalling, strlen(signalling),
				       &party.signalling),
			 0);
	ck_assert_int_eq(ip_addr_parse(addr, strlen(addr), &named), 0);
	return farnat_is(conf, &party, &named);
}

START_TEST(a_private_address_that_is_not_its_own_tells_a_far_nat)
{
	ck_assert(is_far("outside", "5.5.5.5", false, "192.168.1.2"));
	ck_assert(is_far("outside", "5.5.5.5", false, "10.9.9.9"));
	ck_assert(is_far("outside", "5.5.5.5", false, "172.31.0.1"));
	ck_assert(is_far("outside", "5.5.5.5", false, "100.64.0.1"));
	ck_assert(is_far("outside", "5.5.5.5", false, "169.254.0.1"));
	ck_assert(!is_far("outside", "5.5.5.5", false, "172.32.0.1"));
	ck_assert(!is_far("outside", "5.5.5.5", false, "100.128.0.1"));
	ck_assert(!is_far("outside", "5.5.5.5", false, "6.6.6.6"));
	ck_assert(!is_far("outside", "192.168.1.2", false, "192.168.1.2"));
	ck_assert(!is_far("outside", "192.168.1.1", false, "192.168.1.2"));
	ck_assert(!is_far("outside", "5.5.5.5", true, "192.168.1.2"));
	ck_assert(!is_far("outside", "5.5.5.5", false, "127.0.0.1"));
	/* Its networks are listed: another one is beyond. */
	ck_assert(is_far("a", "10.0.0.7", false, "192.168.1.2"));
	ck_assert(!is_far("a", "10.0.0.7", false, "10.0.0.8"));
	/* Without a pool it has no endpoint to send to. */
	ck_assert(!is_far("b", "10.0.0.7", false, "192.168.1.2"));
	read_conf("", "far_nat = no", "");
	ck_assert(!is_far("outside", "5.5.5.5", false, "192.168.1.2"));
	read_conf("", "far_nat = yes", "");
	ck_assert(is_far("outside", "5.5.5.5", true, "6.6.6.6"));
	ck_assert(is_far("outside", "5.5.5.5", false, "5.5.5.5"));
}
END_TEST

START_TEST(one_behind_a_far_nat_is_anchored_and_latched)
{
	struct media media = media_of("c=IN IP4 192.168.1.2\n"
				      "m=audio 4000 RTP/AVP 0\n"
				      "a=rtcp:5555 IN IP4 192.168.1.3\n"
				      "m=video 0 RTP/AVP 31\n");
	struct media other = media_of(A);
	struct farnat_party party = { .realm = realm("outside"),
				      .signalling = ip_addr_v4(0x05050505) };
	struct media_error error;
	struct anchor_limits limits;
	struct anchor_plan plan;
	char text[256];

	ck_assert(farnat_is_media(conf, &party, &media));
	ck_assert(!farnat_is_media(conf, &party, &other));
	farnat_apply(&party, &media);
	ck_assert(!media.streams[1].far_nat);
	ck_assert(anchor_limits(conf, realm("outside"), realm("outside"),
				&media.streams[0], NULL, NULL, 2, &limits));
	limits_text(&limits, text, sizeof(text));
	ck_assert_str_eq(text, "latch 5.5.5.5/32; remote 5.5.5.5/32:4000");
	/* More ports than can latch. */
	ck_assert(anchor_limits(conf, realm("outside"), realm("outside"),
				&media.streams[0], NULL, NULL, 4, &limits));
	limits_text(&limits, text, sizeof(text));
	ck_assert_str_eq(text, "5.5.5.5/32 1-65535; remote 5.5.5.5/32:4000");
	/* Never direct, whichever side it is on. */
	ck_assert_int_eq(anchor_plan(conf, realm("outside"), realm("outside"),
				     &media, &other, false, true, &plan,
				     &error),
			 0);
	ck_assert(!plan.direct);
	ck_assert_int_eq(plan.streams[0].action, ANCHOR_ASK);
	ck_assert_int_eq(anchor_plan(conf, realm("outside"), realm("outside"),
				     &other, &media, false, true, &plan,
				     &error),
			 0);
	ck_assert(!plan.direct);
	ck_assert_int_eq(anchor_plan(conf, realm("outside"), realm("outside"),
				     &other, NULL, true, false, &plan, &error),
			 0);
	ck_assert(!plan.direct);
	/* Nor told a foreign endpoint as it is: it would not latch. */
	ck_assert_int_eq(anchor_plan(conf, realm("outside"), realm("inside"),
				     &other, NULL, true, false, &plan, &error),
			 0);
	ck_assert_int_eq(plan.streams[0].action, ANCHOR_ASK);
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH(
		"proxy/anchor", setup, teardown, the_cases_of_the_source,
		the_other_ip_version_is_reached_by_an_endpoint_only,
		one_realm_is_direct_unless_forced,
		media_sections_say_what_to_ask_for,
		ports_and_rtcp_follow_the_sdp,
		multiplexed_rtcp_needs_one_port_once_it_is_answered,
		a_bundle_shares_one_lease, nothing_is_sent_where_it_must_not_go,
		a_lease_is_limited_to_the_far_party, the_source_setting_counts,
		a_prefix_admits_its_neighbours, a_realm_may_latch,
		who_may_send_before_the_answer,
		a_private_address_that_is_not_its_own_tells_a_far_nat,
		one_behind_a_far_nat_is_anchored_and_latched);
}
