/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/realms.c against conf_realm_of and conf_in_pool. */
#include "translator/realms.h"

#include <stdlib.h>
#include <string.h>

#include "tests/translator/faults.h"
#include "tests/translator/suite.h"

#define COUNT 6

struct world { /* a configuration of random realms */
	struct conf conf;
	struct conf_realm realms[COUNT];
	struct conf_pool pools[COUNT];
	struct ip_prefix networks[COUNT][4];
	struct conf_range ranges[COUNT][2];
	realm_id reaches[COUNT][COUNT];
};

static struct ip_prefix any_prefix(void)
{
	struct ip_prefix prefix = { .bits = (uint8_t)(random() % 33) };
	uint32_t mask = prefix.bits ? UINT32_MAX << (32 - prefix.bits) : 0;

	prefix.addr = ip_addr_v4((0x0a000000u | ((uint32_t)random() & 0xff)) &
				 mask);
	if (random() % 8 == 0) {
		memset(&prefix, 0, sizeof(prefix));
		prefix.addr.family = IP_V6;
		prefix.bits = (uint8_t)(random() % 9);
		prefix.addr.bytes[0] = (uint8_t)(random() &
						 (0xff00 >> prefix.bits));
	}
	return prefix;
}

static void world_make(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world->conf.realms = world->realms;
	world->conf.pools = world->pools;
	world->conf.realm_count = COUNT;
	world->conf.pool_count = COUNT;
	for (realm_id i = 0; i < COUNT; i++) {
		struct conf_realm *realm = &world->realms[i];

		realm->id = i;
		realm->networks = world->networks[i];
		realm->reaches = world->reaches[i];
		realm->network_count = (size_t)(random() % 5);
		for (size_t j = 0; j < realm->network_count; j++)
			realm->networks[j] = any_prefix();
		for (realm_id j = 0; j < COUNT; j++)
			if (j != i && random() % 2)
				realm->reaches[realm->reach_count++] = j;
		world->pools[i].realm = (realm_id)(random() % COUNT);
		world->pools[i].ranges = world->ranges[i];
		world->pools[i].range_count = (size_t)(random() % 3);
		for (size_t j = 0; j < world->pools[i].range_count; j++) {
			world->ranges[i][j].prefix = any_prefix();
			world->ranges[i][j].ports.first = 1;
			world->ranges[i][j].ports.last = 65535;
		}
	}
}

static struct ip_addr any_addr(void)
{
	struct ip_addr addr;

	if (random() % 8 > 0)
		return ip_addr_v4(0x0a000000u | ((uint32_t)random() & 0x1ff));
	memset(&addr, 0, sizeof(addr));
	addr.family = IP_V6;
	addr.bytes[0] = (uint8_t)random();
	return addr;
}

START_TEST(every_answer_is_that_of_the_configuration)
{
	static struct world world;

	srandom(1918);
	for (int round = 0; round < 200; round++) {
		struct realms *realms;

		world_make(&world);
		realms = realms_new(&world.conf);
		ck_assert_ptr_nonnull(realms);
		ck_assert_uint_eq(realms_count(realms), COUNT);
		for (int i = 0; i < 200; i++) {
			struct ip_addr addr = any_addr();
			realm_id from = (realm_id)(random() % COUNT);
			realm_id to = (realm_id)(random() % COUNT);

			ck_assert_uint_eq(realms_of(realms, from, &addr),
					  conf_realm_of(&world.conf, from,
							&addr));
			ck_assert(realms_in_pool(realms, from, &addr) ==
				  conf_in_pool(&world.conf, from, &addr, 0));
			ck_assert(realms_reach(realms, from, to) ==
				  (from == to ||
				   conf_reaches(&world.conf, from, to)));
		}
		realms_free(realms);
	}
}
END_TEST

START_TEST(without_memory_there_is_none_and_nothing_is_left)
{
	static struct world world;
	struct realms *realms = NULL;

	srandom(7);
	world_make(&world);
	for (unsigned n = 1; !realms; n++) {
		faults_arm(n);
		realms = realms_new(&world.conf);
		ck_assert(faults_disarm() == !realms);
		if (!realms)
			ck_assert_uint_eq(faults_live(), 0);
	}
	realms_free(realms);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		every_answer_is_that_of_the_configuration,
		without_memory_there_is_none_and_nothing_is_left,
	};

	return SUITE_RUN("realms", tests, faults_begin, faults_end);
}
