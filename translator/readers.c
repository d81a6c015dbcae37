/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that read what another one changes: liburcu. */
#include "translator/readers.h"

#include <urcu/urcu-memb.h>

/*
 * ThreadSanitizer does not see what liburcu does, so it is told the one thing
 * that liburcu promises: what a reader did before its end happened before the
 * wait returns. That a reader sees in whole what it finds is the business of
 * the atomics that it finds it by.
 */
#ifdef __SANITIZE_THREAD__
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
#include <sanitizer/tsan_interface.h>

static char ends;

static void reader_ends(void)
{
	__tsan_release(&ends);
}

static void all_have_ended(void)
{
	__tsan_acquire(&ends);
}
#else
static void reader_ends(void)
{
}

static void all_have_ended(void)
{
}
#endif

void readers_join(void)
{
	urcu_memb_register_thread();
}

void readers_leave(void)
{
	urcu_memb_unregister_thread();
}

void readers_begin(void)
{
	urcu_memb_read_lock();
}

void readers_end(void)
{
	reader_ends();
	urcu_memb_read_unlock();
}

void readers_wait(void *arg)
{
	(void)arg;
	urcu_memb_synchronize_rcu();
	all_have_ended();
}
