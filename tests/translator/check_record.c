/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/record.c. */
#include "translator/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/translator/suite.h"

static char dir[] = "/tmp/viaduct-record-XXXXXX";
static char path[64];

static void begin(void)
{
	strcpy(dir, "/tmp/viaduct-record-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
}

static void end(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(no_file_is_an_empty_record)
{
	struct record record;

	ck_assert_int_eq(record_load(path, &record), 0);
	ck_assert_uint_eq(record.count, 0);
	record_done(&record);
}
END_TEST

START_TEST(what_was_saved_is_read_in_its_order)
{
	struct record record = { 0 }, again;

	ck_assert_int_eq(record_want(&record, RECORD_TABLE, "t", "", ""), 0);
	ck_assert_int_eq(record_want(&record, RECORD_ROUTE, "10.0.0.0/8", "",
				     ""),
			 0);
	ck_assert_int_eq(record_want(&record, RECORD_SYSCTL, "a/b", "1 2", "3"),
			 0);
	ck_assert_int_eq(record_want(&record, RECORD_PORTS, "1-2", "", ""), 0);
	ck_assert(!record.items[0].earlier);
	ck_assert_int_eq(record_save(&record, path), 0);
	ck_assert_int_eq(record_load(path, &again), 0);
	ck_assert_uint_eq(again.count, record.count);
	for (size_t i = 0; i < again.count; i++) {
		ck_assert_int_eq(again.items[i].kind, record.items[i].kind);
		ck_assert_str_eq(again.items[i].object, record.items[i].object);
		ck_assert_str_eq(again.items[i].detail, record.items[i].detail);
		ck_assert_str_eq(again.items[i].after, record.items[i].after);
		ck_assert(again.items[i].earlier);
		ck_assert(!again.items[i].wanted);
	}
	record_done(&record);
	record_done(&again);
}
END_TEST

START_TEST(the_value_before_the_first_change_stays)
{
	struct record record = { 0 };
	struct record_item *item;

	ck_assert_int_eq(record_want(&record, RECORD_SYSCTL, "k", "0", "1"), 0);
	ck_assert_int_eq(record_want(&record, RECORD_SYSCTL, "k", "1", "2"), 0);
	ck_assert_uint_eq(record.count, 1);
	item = record_find(&record, RECORD_SYSCTL, "k", NULL);
	ck_assert_ptr_nonnull(item);
	ck_assert_str_eq(item->detail, "0");
	ck_assert_str_eq(item->after, "2");
	record_done(&record);
}
END_TEST

START_TEST(routes_of_one_prefix_are_told_apart)
{
	struct record record = { 0 };

	ck_assert_int_eq(record_want(&record, RECORD_ROUTE, "p", "", ""), 0);
	ck_assert_int_eq(record_want(&record, RECORD_ROUTE, "p", "t0", ""), 0);
	ck_assert_int_eq(record_want(&record, RECORD_ROUTE, "p", "t0", ""), 0);
	ck_assert_uint_eq(record.count, 2);
	ck_assert_ptr_eq(record_find(&record, RECORD_ROUTE, "p", "t0"),
			 &record.items[1]);
	ck_assert_ptr_null(record_find(&record, RECORD_ROUTE, "p", "t1"));
	record_remove(&record, 0);
	ck_assert_uint_eq(record.count, 1);
	ck_assert_str_eq(record.items[0].detail, "t0");
	record_done(&record);
}
END_TEST

START_TEST(a_record_of_another_boot_or_namespace_is_empty)
{
	struct record record = { 0 };

	write_file("viaduct-netsetup 1 some-other-boot 1\n"
		   "sysctl\tk\t0\t1\n");
	ck_assert_int_eq(record_load(path, &record), 0);
	ck_assert_uint_eq(record.count, 0);
	record_done(&record);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
	static const char *const lines[] = { "sysctl\tk\t0\n", "sysctl\n",
					     "other\ta\tb\tc\n",
					     "sysctl\tk\t0\t1\t2\n" };
	struct record empty = { 0 };
	struct record record;

	write_file("something else\n");
	ck_assert_int_eq(record_load(path, &record), -EBADMSG);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		FILE *file;

		ck_assert_int_eq(record_save(&empty, path), 0);
		file = fopen(path, "a");
		ck_assert_ptr_nonnull(file);
		fputs(lines[i], file);
		ck_assert_int_eq(fclose(file), 0);
		ck_assert_int_eq(record_load(path, &record), -EBADMSG);
	}
}
END_TEST

START_TEST(a_save_that_fails_leaves_the_old_file)
{
	struct record record = { 0 };
	char temporary[sizeof(path) + 4];

	ck_assert_int_eq(record_want(&record, RECORD_TUN, "t0", "", ""), 0);
	ck_assert_int_eq(record_save(&record, path), 0);
	record_done(&record);
	/* A directory stands where the new file is written. */
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	ck_assert_int_eq(mkdir(temporary, 0700), 0);
	ck_assert_int_eq(record_save(&record, path), -EISDIR);
	ck_assert_int_eq(rmdir(temporary), 0);
	ck_assert_int_eq(record_load(path, &record), 0);
	ck_assert_uint_eq(record.count, 1);
	record_done(&record);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		no_file_is_an_empty_record,
		what_was_saved_is_read_in_its_order,
		the_value_before_the_first_change_stays,
		routes_of_one_prefix_are_told_apart,
		a_record_of_another_boot_or_namespace_is_empty,
		what_is_no_record_is_refused,
		a_save_that_fails_leaves_the_old_file,
	};

	return SUITE_RUN("record", tests, begin, end);
}
