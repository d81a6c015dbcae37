/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/session.h"

#include <string.h>

#include "tests/proxy/suite.h"

static struct session session;
static struct grant first, second;

static void setup(void)
{
	memset(&session, 0, sizeof(session));
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
}

/* One stream on that lease. */
static struct session_party party(struct grant *grant)
{
	struct session_party party;

	memset(&party, 0, sizeof(party));
	party.known = true;
	party.media.count = 1;
	party.streams[0].rtp = grant;
	return party;
}

START_TEST(what_is_pending_holds_before_what_is_agreed)
{
	session.agreed[SESSION_CALLER] = party(&first);
	ck_assert_ptr_eq(session_party(&session, SESSION_CALLER),
			 &session.agreed[SESSION_CALLER]);
	session.pending[SESSION_CALLER] = party(&second);
	ck_assert_ptr_eq(session_party(&session, SESSION_CALLER),
			 &session.pending[SESSION_CALLER]);
	ck_assert(!session_party(&session, SESSION_CALLEE)->known);
}
END_TEST

START_TEST(an_answer_makes_the_offer_what_is_agreed)
{
	session.agreed[SESSION_CALLER] = party(&first);
	session.pending[SESSION_CALLER] = party(&second);
	session_commit(&session);
	ck_assert(!session.pending[SESSION_CALLER].known);
	session_mark(&session);
	ck_assert(!first.marked);
	ck_assert(second.marked);
}
END_TEST

START_TEST(a_refused_offer_leaves_what_was_agreed)
{
	session.agreed[SESSION_CALLER] = party(&first);
	session.pending[SESSION_CALLER] = party(&second);
	session_mark(&session);
	ck_assert(first.marked && second.marked);
	first.marked = second.marked = false;
	session_rollback(&session);
	session_mark(&session);
	ck_assert(first.marked);
	ck_assert(!second.marked);
}
END_TEST

START_TEST(a_forgotten_session_uses_nothing)
{
	session.agreed[SESSION_CALLER] = party(&first);
	session.pending[SESSION_CALLEE] = party(&second);
	session_forget(&session);
	session_mark(&session);
	ck_assert(!first.marked && !second.marked);
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH("session", setup, NULL,
			      what_is_pending_holds_before_what_is_agreed,
			      an_answer_makes_the_offer_what_is_agreed,
			      a_refused_offer_leaves_what_was_agreed,
			      a_forgotten_session_uses_nothing);
}
