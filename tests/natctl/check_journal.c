/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of natctl/journal.c, kept.c and restore.c: what a restart leaves. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natctl/journal.h"
#include "tests/natctl/desk.h"
#include "tests/natctl/sample.h"
#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define BOOT "f00d-1"

static char dir[] = "/tmp/check_journal.XXXXXX";
static char path[sizeof(dir) + 16];
static struct journal *journal;
static uint64_t epoch; /* of the last one that was opened */
static bool found;

static void tell_all(const struct keeper *keeper, void *arg)
{
	(void)arg;
	manager_tell_all(desk.manager, keeper);
}

static void on_entry(const struct kept_entry *entry, void *arg)
{
	(void)arg;
	manager_restore(desk.manager, entry);
}

static int open_journal(const char *boot)
{
	struct journal_options options = { .path = path,
					   .boot = boot,
					   .names = &desk.conf->names,
					   .tell_all = tell_all,
					   .on_entry = on_entry };
	struct keeper keeper = { .ops = &journal_ops };
	int rc = journal_open(&options, &epoch, &found, &journal);

	if (rc != 0)
		return rc;
	keeper.keeper = journal;
	manager_keep(desk.manager, &keeper);
	return 0;
}

static void begin(void)
{
	desk_begin();
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/journal", dir);
	epoch = 1;
	ck_assert_int_eq(open_journal(BOOT), 0);
	ck_assert(!found);
}

static void end(void)
{
	journal_close(journal);
	journal = NULL;
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
	desk_end();
}

/* kill -9, and a new manager with what it finds. */
static void restart(const char *boot, uint64_t new_epoch)
{
	journal_close(journal);
	journal = NULL;
	manager_free(desk.manager);
	desk.manager = desk_new_manager();
	ck_assert_ptr_nonnull(desk.manager);
	epoch = new_epoch;
	ck_assert_int_eq(open_journal(boot), 0);
}

static off_t file_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

static json_t *list_one(void)
{
	json_t *leases;

	ck_assert_int_eq(desk_send(ROOT, "list", NULL), 0);
	leases = json_object_get(desk.reply.result, "leases");
	ck_assert_uint_eq(json_array_size(leases), 1);
	return json_deep_copy(json_array_get(leases, 0));
}

START_TEST(a_restart_leaves_all_leases_as_they_were)
{
	json_t *before, *after;

	desk_grant(PHONE, "ask", ASK);
	desk_grant(PHONE, "tighten",
		   "{'changes':[{'lease':1,'conditions':[{'source':'1.1.1.1'},"
		   "{'source':'4.0.0.0/8','target':'2.2.2.2:9@inside'}],"
		   "'remote':'1.1.1.1:1111'}]}");
	ck_assert_int_eq(desk_send(PHONE, "refresh",
				   "{'group':'g','lifetime':321}"),
			 0);
	before = list_one();
	restart(BOOT, 2);
	ck_assert(found);
	ck_assert_uint_eq(epoch, 1);
	after = list_one();
	ck_assert(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	desk_expect(1, 2, 0, 1);
	ck_assert_uint_eq(manager_deadline(desk.manager), desk.now_ms + 321000);
	desk_grant(PHONE, "release", "{'group':'g'}");
	desk_expect(0, 0, 2, 0);
}
END_TEST

START_TEST(a_restart_leaves_whom_a_lease_has_latched_on_to)
{
	struct wire_latched latched = { .id = 1, .round = 1, .offset = 1 };
	json_t *before, *after;

	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "tighten",
		   "{'changes':[{'lease':1,'latch':'1.1.0.0/16'}]}");
	ck_assert_int_eq(endpoint_parse("1.1.1.1:9@outside", &desk.conf->names,
					&latched.remote),
			 0);
	ck_assert(manager_latched(desk.manager, &latched, desk.now_ms));
	before = list_one();
	ck_assert_ptr_nonnull(json_object_get(before, "latched"));
	restart(BOOT, 2);
	after = list_one();
	ck_assert(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->latch.round, 1);
}
END_TEST

START_TEST(an_id_is_not_given_twice)
{
	desk_grant(ROOT, "ask", ASK);
	desk_grant(ROOT, "release", "{'group':'g'}");
	restart(BOOT, 2);
	desk_grant(ROOT, "ask", ASK);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 0)->id, 2);
}
END_TEST

START_TEST(what_was_released_stays_held_for_others)
{
	desk_grant(ROOT, "ask", STRICT);
	desk_grant(ROOT, "release", "{'group':'g'}");
	restart(BOOT, 2);
	desk_expect(0, 0, 2, 0);
	desk_refuse(PHONE, "ask", STRICT, RPC_NOT_AVAILABLE);
	desk.now_ms += 60000;
	desk_grant(PHONE, "ask", STRICT);
}
END_TEST

START_TEST(what_expired_meanwhile_ends_at_once)
{
	desk_grant(ROOT, "ask",
		   "{'group':'g','lifetime':10,'leases':[" LEASE "}]}");
	restart(BOOT, 2);
	desk.now_ms += 10000;
	manager_tick(desk.manager, desk.now_ms);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 0));
	desk_acknowledge();
	desk_expect(0, 0, 2, 0);
}
END_TEST

START_TEST(an_endpoint_of_tcp_is_taken_again_for_tcp)
{
	desk_grant(ROOT, "ask",
		   "{'group':'t','leases':[{'inner':'2.2.2.2:80@inside',"
		   "'realm':'outside','protocol':'tcp','request':{'outer':"
		   "'3.3.3.3:1332','mode':'strict'}}]}");
	restart(BOOT, 2);
	desk_grant(ROOT, "ask",
		   "{'group':'u','leases':[{'inner':'2.2.2.2:80@inside',"
		   "'realm':'outside','protocol':'udp','request':{'outer':"
		   "'3.3.3.3:1332','mode':'strict'}}]}");
	desk_refuse(PHONE, "ask",
		    "{'group':'t','leases':[{'inner':'2.2.2.3:80@inside',"
		    "'realm':'outside','protocol':'tcp','request':{'outer':"
		    "'3.3.3.3:1332','mode':'strict'}}]}",
		    RPC_NOT_AVAILABLE);
}
END_TEST

/* The file is written anew by the way: it must not hold the entries. */
START_TEST(entries_of_the_configuration_are_not_kept)
{
	static const char static_tcp[] =
		"static { inner = \"2.2.2.9:80@inside\" realm = outside"
		" outer = \"3.3.3.3:1332\" protocol = tcp }\n";
	const struct rule *rule;

	desk_grant(ROOT, "ask", STRICT);
	journal_close(journal);
	journal = NULL;
	desk_end();
	desk_begin_with(static_tcp);
	restart(BOOT, 2);
	rule = manager_next_rule(desk.manager, 0);
	ck_assert_uint_eq(rule->id, 1);
	ck_assert_int_eq(rule->protocol, RULE_UDP);
	rule = manager_next_rule(desk.manager, 1);
	ck_assert_uint_eq(rule->id, LEASE_ID_FIXED);
	ck_assert_int_eq(rule->protocol, RULE_TCP);
	desk_grant(ROOT, "ask", ASK);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 1)->id, 2);
	journal_close(journal);
	journal = NULL;
	desk_end();
	desk_begin();
	restart(BOOT, 2);
	ck_assert_uint_eq(manager_next_rule(desk.manager, 1)->id, 2);
	ck_assert_ptr_null(manager_next_rule(desk.manager, 2));
}
END_TEST

START_TEST(what_was_not_acknowledged_is_forgotten)
{
	ck_assert_int_eq(desk_send(ROOT, "ask", ASK), -EINPROGRESS);
	fake_link_end_all(&desk.link, -ECONNRESET, desk.now_ms);
	restart(BOOT, 2);
	desk_expect(0, 0, 0, 0);
}
END_TEST

START_TEST(a_frame_that_was_cut_off_is_left_out)
{
	uint8_t bytes[4096];
	size_t whole, size;
	FILE *file;

	desk_grant(ROOT, "ask", ASK);
	whole = (size_t)file_size();
	desk_grant(ROOT, "ask", ASK);
	file = fopen(path, "r");
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	ck_assert_uint_gt(size, whole);
	for (size_t cut = whole; cut < size; cut++) {
		file = fopen(path, "w");
		ck_assert_uint_eq(fwrite(bytes, 1, cut, file), cut);
		fclose(file);
		restart(BOOT, 2);
		ck_assert(found);
		ck_assert_uint_eq((size_t)file_size(), whole);
		ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
		ck_assert_int_eq(desk_number("leases"), 1);
	}
}
END_TEST

/* Each byte of the file in turn. */
START_TEST(a_damaged_file_is_of_no_use)
{
	desk_grant(ROOT, "ask", ASK);
	for (off_t i = 0; i < file_size(); i++) {
		FILE *file = fopen(path, "r+");
		int byte;

		fseek(file, i, SEEK_SET);
		byte = fgetc(file);
		fseek(file, i, SEEK_SET);
		fputc(byte ^ 0x40, file);
		fclose(file);
		restart(BOOT, 2);
		ck_assert_msg(!found, "byte %ld was believed", (long)i);
		ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
		ck_assert_int_eq(desk_number("leases"), 0);
		fake_link_done(&desk.link);
		fake_link_init(&desk.link);
		(void)unlink(path);
		restart(BOOT, 1);
		desk_grant(ROOT, "ask", ASK);
	}
}
END_TEST

START_TEST(another_boot_or_other_realms_begin_anew)
{
	desk_grant(ROOT, "ask", ASK);
	restart("f00d-2", 2);
	ck_assert(!found);
	ck_assert_uint_eq(epoch, 2);
	ck_assert_int_eq(desk_send(ROOT, "status", NULL), 0);
	ck_assert_int_eq(desk_number("leases"), 0);
	restart("f00d-2", 3);
	ck_assert(found);
	ck_assert_uint_eq(epoch, 2);
}
END_TEST

START_TEST(the_file_is_written_anew_when_little_of_it_is_true)
{
	off_t most = 0;

	desk_grant(ROOT, "ask", ASK);
	for (int i = 0; i < 3 * JOURNAL_COMPACT_MIN; i++) {
		ck_assert_int_eq(desk_send(ROOT, "refresh",
					   "{'group':'g','lifetime':99}"),
				 0);
		if (file_size() > most)
			most = file_size();
	}
	ck_assert_int_lt(file_size(), most);
	ck_assert_int_lt(most, 64 * (JOURNAL_COMPACT_MIN + 16));
	restart(BOOT, 2);
	ck_assert(found);
	desk_expect(1, 2, 0, 1);
}
END_TEST

START_TEST(what_rests_is_in_the_file_that_is_written_anew)
{
	off_t before;

	desk_grant(ROOT, "ask", STRICT);
	desk_grant(ROOT, "release", "{'group':'g'}");
	desk.now_ms += 30000;
	desk_grant(ROOT, "ask", ASK);
	before = file_size();
	for (int i = 0; i < JOURNAL_COMPACT_MIN; i++)
		(void)desk_send(ROOT, "refresh",
				"{'group':'g','lifetime':3600}");
	ck_assert_int_lt(file_size(), before + 40 * JOURNAL_COMPACT_MIN / 2);
	restart(BOOT, 2);
	desk_expect(1, 2, 2, 1);
	desk_refuse(PHONE, "ask", STRICT, RPC_NOT_AVAILABLE);
	/* Its last owner gets it; and it rests no longer than it would have. */
	desk.now_ms += 29999;
	desk_refuse(PHONE, "ask", STRICT, RPC_NOT_AVAILABLE);
	desk_grant(ROOT, "ask", STRICT);
	desk_expect(2, 4, 0, 2);
	desk_grant(ROOT, "release", "{'lease':5}");
	restart(BOOT, 3);
	desk_expect(1, 2, 2, 1);
	desk.now_ms += 60001;
	desk_expect(1, 2, 0, 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_no_file)
{
	struct rlimit limit;

	desk_grant(ROOT, "ask", ASK);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)file_size() + 40;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	desk_grant(ROOT, "ask", ASK);
	ck_assert_int_eq(access(path, F_OK), -1);
	desk_grant(ROOT, "ask", ASK);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* Later it is tried again, with all that is true then. */
	for (int i = 0; i < 1024; i++)
		(void)desk_send(ROOT, "refresh",
				"{'group':'g','lifetime':100}");
	restart(BOOT, 2);
	ck_assert(found);
	desk_expect(3, 6, 0, 3);
}
END_TEST

START_TEST(without_memory_no_file_is_of_use)
{
	bool reached = true;

	desk_grant(ROOT, "ask", ASK);
	journal_close(journal);
	journal = NULL;
	for (unsigned n = 1; reached; n++) {
		int rc;

		manager_free(desk.manager);
		desk.manager = desk_new_manager();
		faults_arm(n);
		rc = open_journal(BOOT);
		reached = faults_disarm();
		ck_assert(rc == 0 || rc == -ENOMEM);
		if (rc == 0) {
			journal_close(journal);
			journal = NULL;
		}
	}
	ck_assert_int_eq(open_journal(BOOT), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_restart_leaves_all_leases_as_they_were,
		a_restart_leaves_whom_a_lease_has_latched_on_to,
		an_id_is_not_given_twice,
		what_was_released_stays_held_for_others,
		what_expired_meanwhile_ends_at_once,
		an_endpoint_of_tcp_is_taken_again_for_tcp,
		entries_of_the_configuration_are_not_kept,
		what_was_not_acknowledged_is_forgotten,
		a_frame_that_was_cut_off_is_left_out,
		a_damaged_file_is_of_no_use,
		another_boot_or_other_realms_begin_anew,
		the_file_is_written_anew_when_little_of_it_is_true,
		what_rests_is_in_the_file_that_is_written_anew,
		a_file_that_cannot_be_written_is_no_file,
		without_memory_no_file_is_of_use,
	};

	return SUITE_RUN("journal", tests, begin, end);
}
