/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the n-th allocation fail, and counts those that are alive.
 *
 * The test library is linked in as well: it allocates by functions that are
 * not wrapped and frees by one that is. Hence the set of known allocations.
 */
#include "tests/translator/faults.h"

#include <check.h>
#include <stdint.h>

#define SLOTS ((size_t)1 << 20)

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static uintptr_t known[SLOTS]; /* hashed; 0: free, 1: was one */
static size_t live;
static size_t before; /* the test began */
static unsigned left; /* until the one that fails; 0: none does */
static bool failed;

void faults_begin(void)
{
	before = live;
}

void faults_end(void)
{
	ck_assert_uint_eq(faults_live(), 0);
}

void faults_arm(unsigned n)
{
	left = n;
	failed = false;
}

bool faults_disarm(void)
{
	left = 0;
	return failed;
}

size_t faults_live(void)
{
	return live - before;
}

static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	failed = true;
	return true;
}

static size_t slot_of(uintptr_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 46);
}

static void *learn(void *made)
{
	size_t slot = slot_of((uintptr_t)made);

	if (!made)
		return NULL;
	while (known[slot] > 1)
		slot = (slot + 1) % SLOTS;
	known[slot] = (uintptr_t)made;
	live++;
	return made;
}

static void unlearn(uintptr_t old)
{
	for (size_t slot = slot_of(old); known[slot]; slot = (slot + 1) % SLOTS)
		if (known[slot] == old) {
			known[slot] = 1;
			live--;
			return;
		}
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : learn(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : learn(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	uintptr_t key = (uintptr_t)old;
	void *made;

	if (fails())
		return NULL;
	made = __real_realloc(old, size);
	if (made && key)
		unlearn(key);
	return learn(made);
}

void __wrap_free(void *old)
{
	if (old)
		unlearn((uintptr_t)old);
	__real_free(old);
}
