/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps what netsetup made in step with the host's links and routes. */
#include "translator/follow.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "translator/plan.h"
#include "translator/rtnl.h"
#include "translator/tables.h"

#define SETTLE_MS 100 /* changes come in crowds */

struct follow {
	const struct conf *conf; /* not owned */
	struct rtnl *rtnl;       /* owned */
	struct event *changed;   /* owned */
	struct event *settled;   /* owned */
	FILE *errors;            /* owned; netsetup has told them */
	int watch;               /* owned */
	bool links;              /* has a link changed since? */
	int err;                 /* of the last time */
};

static int add_proxies(struct follow *follow, const struct plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < plan->proxy_count && err == 0; i++)
		err = rtnl_proxy_add(follow->rtnl, &plan->proxies[i].addr,
				     if_nametoindex(
					     plan->proxies[i].interface));
	return err;
}

static int apply(struct follow *follow, const struct plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < plan->table_count && err == 0; i++)
		err = tables_follow(follow->rtnl, &plan->tables[i]);
	if (err == 0 && follow->links)
		err = add_proxies(follow, plan);
	return err;
}

/* As the host is now. */
static int follow_host(struct follow *follow)
{
	struct rtnl_host host = { 0 };
	struct plan plan = { 0 };
	int err = rtnl_read(follow->rtnl, &host);

	if (err == 0 && tables_needed(follow->conf))
		err = rtnl_routes_read(follow->rtnl, 0, &host);
	if (err == 0)
		err = plan_make(follow->conf, &host, follow->errors, &plan);
	if (err == 0)
		err = apply(follow, &plan);
	plan_done(&plan);
	rtnl_host_done(&host);
	return err;
}

static void on_settled(int fd, short what, void *arg)
{
	struct follow *follow = arg;
	int err = follow_host(follow);

	(void)fd;
	(void)what;
	/* One that is down is told once; it is tried again when it is up. */
	if (err != 0 && err != follow->err)
		log_warn("links and routes: %s: until the next change of them "
			 "some destinations may not be reached",
			 strerror(-err));
	else if (err == 0 && follow->err != 0)
		log_info("links and routes: in step again");
	if (err == 0)
		follow->links = false;
	follow->err = err;
}

static void on_changed(int fd, short what, void *arg)
{
	static const struct timeval settle = { .tv_usec = SETTLE_MS * 1000 };
	struct follow *follow = arg;

	(void)what;
	if (rtnl_watch_drain(fd))
		follow->links = true;
	if (!evtimer_pending(follow->settled, NULL))
		evtimer_add(follow->settled, &settle);
}

int follow_new(struct event_base *base, const struct conf *conf,
	       struct follow **ret)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	int err;

	if (follow == NULL)
		return -ENOMEM;
	follow->conf = conf;
	follow->watch = rtnl_watch();
	follow->errors = fopen("/dev/null", "we");
	err = rtnl_new(&follow->rtnl);
	if (err == 0 && follow->watch < 0)
		err = follow->watch;
	if (err == 0) {
		follow->changed = event_new(base, follow->watch,
					    EV_READ | EV_PERSIST, on_changed,
					    follow);
		follow->settled = evtimer_new(base, on_settled, follow);
		if (follow->errors == NULL || follow->changed == NULL ||
		    follow->settled == NULL ||
		    event_add(follow->changed, NULL) != 0)
			err = -ENOMEM;
	}
	if (err != 0) {
		follow_free(follow);
		return err;
	}
	*ret = follow;
	return 0;
}

void follow_free(struct follow *follow)
{
	if (follow == NULL)
		return;
	if (follow->changed != NULL)
		event_free(follow->changed);
	if (follow->settled != NULL)
		event_free(follow->settled);
	if (follow->errors != NULL)
		fclose(follow->errors);
	if (follow->watch >= 0)
		close(follow->watch);
	rtnl_free(follow->rtnl);
	free(follow);
}
