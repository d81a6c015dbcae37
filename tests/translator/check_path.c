/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the text cases of tests/path: realms and rules, a packet in, a verdict
 * and a packet out. tests/path/README.md says how a case is written. The
 * packet out is compared, byte for byte, with one made from scratch. What
 * explain() foretells of a whole UDP packet must be what becomes of it.
 */
#include <check.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "tests/translator/scene.h"

#define TITLE_MAX 200 /* of a case */

static void on_remove(struct scene *scene)
{
	uint64_t id = scene_number(scene);

	if (ruleset_delete(scene->context.ruleset, &id, 1) != 1)
		complain(scene, "there is no such rule");
}

static void send_packet(struct scene *scene, realm_id from)
{
	scene_start(scene);
	if (scene->packet_open)
		complain(scene, "the packet before has no \"gives\"");
	scene->packet_open = true;
	scene->after = scene->room + CROSSING_HEADROOM;
	scene->after_len = scene->len;
	memcpy(scene->after, scene->before, scene->len);
	scene->translation = translate_whole(&scene->context, from,
					     scene->after, scene->len,
					     scene->now_ms, scene->count);
	if (scene->translation.crossed.data) {
		scene->after = scene->translation.crossed.data;
		scene->after_len = scene->translation.crossed.len;
	}
}

/* Before the packet is sent: explaining it must change nothing. */
static void explain_packet(struct scene *scene, realm_id from)
{
	const struct sample *sample = &scene->sample;
	struct explain_packet packet = { .protocol = sample->protocol == 6 ? 6 :
									     17,
					 .src = sample->src,
					 .dst = sample->dst };

	scene_start(scene);
	packet.src.realm = from;
	packet.dst.realm = from;
	explain(&scene->context, &scene->names, &packet, scene->now_ms,
		&scene->explanation);
}

/* The letters of the flags, or "-" for none. */
static void next_tcp(struct scene *scene, struct sample *sample)
{
	static const char letters[] = "FSRPA";

	sample->protocol = 6;
	for (const char *c = scene_word(scene); *c && *c != '-'; c++) {
		const char *letter = strchr(letters, *c);

		if (!letter)
			complain(scene, "the flags of TCP are %s", letters);
		sample->tcp_flags |= (uint8_t)(1u << (letter - letters));
	}
}

/* The first byte of an ICMP error's second word, all four of ICMPv6's. */
static void next_pointer(struct scene *scene, struct sample *sample)
{
	sample->icmp_rest = (uint32_t)scene_number(scene);
	if (sample->src.addr.family == IP_V4)
		sample->icmp_rest <<= 24;
}

static void next_trait(struct scene *scene, struct sample *sample, size_t *cut)
{
	if (scene_take(scene, "pad"))
		scene->pad = scene_number(scene);
	else if (scene_take(scene, "ttl"))
		sample->ttl = (uint8_t)scene_number(scene);
	else if (scene_take(scene, "payload"))
		sample->payload = scene_number(scene);
	else if (scene_take(scene, "no-checksum"))
		sample->no_checksum = true;
	else if (scene_take(scene, "options"))
		sample->options = true;
	else if (scene_take(scene, "routing"))
		sample->routing = true;
	else if (scene_take(scene, "may-fragment"))
		sample->may_fragment = true;
	else if (scene_take(scene, "protocol"))
		sample->protocol = (uint8_t)scene_number(scene);
	else if (scene_take(scene, "tcp"))
		next_tcp(scene, sample);
	else if (scene_take(scene, "first"))
		sample->part = SAMPLE_FIRST;
	else if (scene_take(scene, "later"))
		sample->part = SAMPLE_LATER;
	else if (scene_take(scene, "id"))
		sample->id = (uint16_t)scene_number(scene);
	else if (scene_take(scene, "cut"))
		*cut = scene_number(scene);
	else if (scene_take(scene, "extension"))
		sample->extension = scene_number(scene);
	else if (scene_take(scene, "legacy"))
		sample->extension_legacy = true;
	else if (scene_take(scene, "quoted-tcp"))
		sample->quoted_protocol = 6;
	else if (scene_take(scene, "quoted-echo"))
		sample->quoted_protocol = 1;
	else if (scene_take(scene, "mtu"))
		sample->icmp_rest = (uint32_t)scene_number(scene);
	else if (scene_take(scene, "pointer"))
		next_pointer(scene, sample);
	else if (scene_take(scene, "quote"))
		sample->quoted_payload = scene_number(scene);
	else
		complain(scene, "a packet has no such thing");
}

static void next_way(struct scene *scene, struct endpoint *src,
		     struct endpoint *dst)
{
	*src = scene_place(scene);
	if (!scene_take(scene, ">"))
		complain(scene, "a way reads: SOURCE > DESTINATION");
	*dst = scene_place(scene);
}

/* UDP, or a segment of TCP that opens a connection. */
static bool is_explained(const struct sample *sample)
{
	return sample->protocol == 0 ||
	       (sample->protocol == 6 && sample->tcp_flags == 0x02);
}

/* packet REALM SOURCE > DESTINATION TRAITS */
static void on_packet(struct scene *scene)
{
	realm_id from = scene_realm_id(scene);
	size_t cut = 0;

	scene->pad = 0;
	scene->sample = (struct sample){ .payload = 172 };
	next_way(scene, &scene->sample.src, &scene->sample.dst);
	while (scene->word < scene->word_count)
		next_trait(scene, &scene->sample, &cut);
	scene->len = sample_build(&scene->sample, scene->before);
	ck_assert_uint_lt(cut, scene->len);
	memset(scene->before + scene->len, 0xee, scene->pad);
	scene->len += scene->pad - cut;
	scene->explained = cut == 0 && scene->sample.ttl == 0 &&
			   !scene->sample.routing &&
			   is_explained(&scene->sample) &&
			   scene->sample.part == SAMPLE_WHOLE;
	if (scene->explained)
		explain_packet(scene, from);
	send_packet(scene, from);
}

/* icmp REALM SOURCE > DESTINATION TYPE CODE [about SRC > DST] TRAITS */
static void on_icmp(struct scene *scene)
{
	struct sample *sample = &scene->sample;
	realm_id from = scene_realm_id(scene);
	bool spoil = false, spoil_quoted = false;
	size_t cut = 0;

	scene->explained = false;
	*sample = (struct sample){ .protocol = 1, .icmp_rest = 1400 };
	scene->pad = 0;
	next_way(scene, &sample->src, &sample->dst);
	sample->icmp_type = (uint8_t)scene_number(scene);
	sample->icmp_code = (uint8_t)scene_number(scene);
	if (scene_take(scene, "about"))
		next_way(scene, &sample->quoted_src, &sample->quoted_dst);
	while (scene->word < scene->word_count) {
		if (scene_take(scene, "wrong-checksum"))
			spoil = true;
		else if (scene_take(scene, "wrong-quoted-checksum"))
			spoil_quoted = true;
		else
			next_trait(scene, sample, &cut);
	}
	scene->len = sample_build(sample, scene->before) - cut;
	if (spoil)
		scene->before[scene->len - 1] ^= 1;
	if (spoil_quoted) { /* and the ICMP checksum true again; of IPv4 */
		uint8_t *icmp = scene->before + 20;
		uint16_t sum;

		icmp[8 + 8]--;
		icmp[2] = 0;
		icmp[3] = 0;
		sum = (uint16_t)~sample_sum(icmp, scene->len - 20, 0);
		icmp[2] = (uint8_t)(sum >> 8);
		icmp[3] = (uint8_t)sum;
	}
	send_packet(scene, from);
}

/* bytes REALM HEX HEX ... */
static void on_bytes(struct scene *scene)
{
	realm_id from = scene_realm_id(scene);

	scene->explained = false;
	scene->len = 0;
	scene->pad = 0;
	while (scene->word < scene->word_count) {
		const char *hex = scene_word(scene);
		unsigned byte;

		for (; *hex; hex += 2) {
			if (sscanf(hex, "%2x", &byte) != 1 || !hex[1])
				complain(scene, "bytes are hexadecimal");
			scene->before[scene->len++] = (uint8_t)byte;
		}
	}
	send_packet(scene, from);
}

static void compare_packets(struct scene *scene, const uint8_t *expected,
			    size_t len)
{
	if (len != scene->after_len)
		complain(scene, "length is %zu, not %zu", scene->after_len,
			 len);
	for (size_t i = 0; i < len; i++)
		if (scene->after[i] != expected[i])
			complain(scene, "byte %zu is %02x, not %02x", i,
				 scene->after[i], expected[i]);
}

/* What changes besides, from one IP version to the other. */
static void expect_crossed(struct scene *scene)
{
	struct sample *sample = &scene->sample;

	if (!scene->translation.crossed.data)
		complain(scene, "it is of the same IP version");
	sample->crossed = true;
	sample->extension = 0;
	scene->pad = 0;
	if (sample->protocol != 1) {
		if (sample->src.addr.family == IP_V6)
			sample->no_checksum = false;
		return;
	}
	if (!scene_take(scene, "as"))
		complain(scene, "as which type and code?");
	sample->icmp_type = (uint8_t)scene_number(scene);
	sample->icmp_code = (uint8_t)scene_number(scene);
	sample->icmp_rest = 0;
	if (scene_take(scene, "mtu"))
		sample->icmp_rest = (uint32_t)scene_number(scene);
	else if (scene_take(scene, "pointer"))
		next_pointer(scene, sample);
}

/* The packet that went in, with the endpoints that it must come out with. */
static void expect_packet(struct scene *scene)
{
	uint8_t expected[SAMPLE_MAX];
	realm_id to = scene_realm_id(scene);
	uint8_t family;
	size_t len;

	if (scene->translation.to != to)
		complain(scene, "it went to realm %s",
			 scene->name_list[scene->translation.to]);
	family = scene->sample.src.addr.family;
	next_way(scene, &scene->sample.src, &scene->sample.dst);
	if (scene_take(scene, "about"))
		next_way(scene, &scene->sample.quoted_src,
			 &scene->sample.quoted_dst);
	if (family != scene->sample.src.addr.family)
		expect_crossed(scene);
	if (scene_take(scene, "erased"))
		scene->sample.extension_erased = true;
	len = sample_build(&scene->sample, expected);
	memset(expected + len, 0xee, scene->pad);
	len += scene->pad;
	compare_packets(scene, expected, len);
}

/* What was foretold is what came; the places are those of the packet out. */
static void compare_explanation(struct scene *scene)
{
	const struct explanation *foretold = &scene->explanation;
	const struct resolve_path *path = &foretold->path;

	if (foretold->verdict != scene->translation.verdict)
		complain(scene, "explained as %s",
			 verdict_name(foretold->verdict));
	if (foretold->reason[0] == '\0')
		complain(scene, "explained without a reason");
	if (foretold->begins_mapping)
		return; /* its endpoint is found as the packet passes */
	if (verdict_is_forwarded(foretold->verdict) &&
	    (path->dst.realm != scene->translation.to ||
	     path->src.port != scene->sample.src.port ||
	     path->dst.port != scene->sample.dst.port ||
	     !ip_addr_equal(&path->src.addr, &scene->sample.src.addr) ||
	     !ip_addr_equal(&path->dst.addr, &scene->sample.dst.addr)))
		complain(scene, "explained with other endpoints");
}

/* says REASON, or its beginning */
static void on_says(struct scene *scene)
{
	const char *rest = scene->explanation.reason;

	if (!scene->explained)
		complain(scene, "nothing was explained");
	while (scene->word < scene->word_count) {
		const char *word = scene_word(scene);

		if (strncmp(rest, word, strlen(word)) != 0)
			complain(scene, "it says: %s",
				 scene->explanation.reason);
		rest += strlen(word);
		rest += *rest == ' ';
	}
}

/* gives VERDICT [REALM SOURCE > DESTINATION [about SRC > DST [erased]
 *   [as TYPE CODE [mtu N | pointer N]]]] */
static void on_gives(struct scene *scene)
{
	const char *verdict = scene_word(scene);
	const char *name = verdict_name(scene->translation.verdict);

	if (!scene->packet_open)
		complain(scene, "there is no packet to speak of");
	scene->packet_open = false;
	if (strcmp(verdict, name) != 0)
		complain(scene, "it gives %s", name);
	if (verdict_is_forwarded(scene->translation.verdict)) {
		expect_packet(scene);
	} else {
		ck_assert_uint_eq(scene->translation.to, REALM_NONE);
		compare_packets(scene, scene->before, scene->len);
	}
	if (scene->explained)
		compare_explanation(scene);
}

/* counted RULE in N out N discarded N */
static void on_counted(struct scene *scene)
{
	const struct ruleset_rule *rule = ruleset_find(scene->context.ruleset,
						       scene_number(scene));

	if (!rule)
		complain(scene, "there is no such rule");
	while (scene->word < scene->word_count) {
		const char *what = scene_word(scene);
		uint64_t number = scene_number(scene), is = UINT64_MAX;

		if (strcmp(what, "in") == 0)
			is = rule->counters->packets_in;
		else if (strcmp(what, "out") == 0)
			is = rule->counters->packets_out;
		else if (strcmp(what, "discarded") == 0)
			is = rule->counters->discarded;
		if (is != number)
			complain(scene, "%s is %ju", what, (uintmax_t)is);
	}
}

static void on_seconds(struct scene *scene)
{
	scene_start(scene);
	scene->now_ms += scene_number(scene) * 1000;
	dynamics_expire(scene->context.dynamics, scene->now_ms);
}

static void run_line(struct scene *scene)
{
	if (scene_take(scene, "from")) {
		scene_on_from(scene);
		return;
	}
	scene_close_rule(scene);
	if (scene_take(scene, "case"))
		scene_clear(scene);
	else if (scene_take(scene, "realm"))
		scene_on_realm(scene);
	else if (scene_take(scene, "rule"))
		scene_on_rule(scene);
	else if (scene_take(scene, "remove"))
		on_remove(scene);
	else if (scene_take(scene, "packet"))
		on_packet(scene);
	else if (scene_take(scene, "icmp"))
		on_icmp(scene);
	else if (scene_take(scene, "bytes"))
		on_bytes(scene);
	else if (scene_take(scene, "gives"))
		on_gives(scene);
	else if (scene_take(scene, "says"))
		on_says(scene);
	else if (scene_take(scene, "counted"))
		on_counted(scene);
	else if (scene_take(scene, "seconds"))
		on_seconds(scene);
	else
		complain(scene, "\"%s\" is no step", scene->words[0]);
}

/* "case NAME" of the words, for the lines that say which cases passed. */
static void take_title(const struct scene *scene, char title[TITLE_MAX])
{
	size_t used = 0;

	title[0] = '\0';
	for (size_t i = 1; i < scene->word_count && used < TITLE_MAX; i++)
		used += (size_t)snprintf(title + used, TITLE_MAX - used, "%s%s",
					 i > 1 ? " " : "", scene->words[i]);
}

static void say_passed(const char *path, const char *title)
{
	const char *name = strrchr(path, '/') + 1;

	if (title[0])
		printf("PASS path/%.*s: %s\n", (int)strcspn(name, "."), name,
		       title);
	fflush(stdout);
}

static void run_file(const char *path)
{
	char title[TITLE_MAX] = "";
	static struct scene scene;
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned packets = 0;

	if (!file)
		ck_abort_msg("%s: %s", path, strerror(errno));
	scene.path = path;
	scene_clear(&scene);
	while (getline(&line, &size, file) >= 0) {
		scene.line++;
		scene_split(&scene, line);
		if (scene.word_count == 0)
			continue;
		packets += strcmp(scene.words[0], "gives") == 0;
		if (strcmp(scene.words[0], "case") == 0 && scene.packet_open)
			complain(&scene, "the last packet has no \"gives\"");
		if (strcmp(scene.words[0], "case") == 0) {
			say_passed(path, title);
			take_title(&scene, title);
		}
		run_line(&scene);
	}
	if (scene.packet_open || packets == 0)
		complain(&scene, "a packet has no \"gives\"");
	say_passed(path, title);
	scene_clear(&scene);
	free(line);
	fclose(file);
}

static glob_t paths;

START_TEST(each_packet_leaves_as_its_case_says)
{
	run_file(paths.gl_pathv[_i]);
}
END_TEST

int main(void)
{
	const char *srcdir = getenv("srcdir");
	char pattern[4096];
	SRunner *runner;
	Suite *suite;
	TCase *tcase;
	int failed;

	snprintf(pattern, sizeof(pattern), "%s/tests/path/*.path",
		 srcdir ? srcdir : ".");
	if (glob(pattern, 0, NULL, &paths) != 0 || paths.gl_pathc == 0) {
		fprintf(stderr, "%s: no cases\n", pattern);
		return 1;
	}
	suite = suite_create("path");
	tcase = tcase_create("cases");
	tcase_add_loop_test(tcase, each_packet_leaves_as_its_case_says, 0,
			    (int)paths.gl_pathc);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&paths);
	return failed > 0;
}
