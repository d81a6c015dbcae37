/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proxy's client of the address manager, driven by the proxy's loop. */
#define SU_TIMER_ARG_T struct natlink
#include "proxy/natlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/list.h"
#include "common/log.h"
#include "common/mono.h"
#include "common/rule.h"
#include "proxy/watch.h"

/* A group to be released. */
struct release {
	struct list node; /* in natlink.releases */
	struct natlink *link;
	bool is_sent;
	unsigned tries;
	char group[RULE_GROUP_MAX];
};

struct natlink {
	struct natctl *natctl; /* owned */
	struct natlink_hooks hooks;
	struct watch watch;
	ino_t inode;       /* of the watched socket: a number may come again */
	su_timer_t *timer; /* owned */
	struct list releases; /* of struct release, owned */
	struct natlink_counters counters;
};

static void follow(struct natlink *link);

static void process(struct natlink *link, short revents)
{
	natctl_process(link->natctl, revents, mono_ms());
	follow(link);
}

static void on_event(short revents, void *arg)
{
	process(arg, revents);
}

static void on_timer(su_root_magic_t *magic, su_timer_t *timer,
		     struct natlink *link)
{
	(void)magic;
	(void)timer;
	process(link, 0);
}

/* Watches what the client wants watched, after each call of it. */
static void follow(struct natlink *link)
{
	int fd = natctl_fd(link->natctl);
	uint64_t deadline = natctl_deadline(link->natctl);
	uint64_t now = mono_ms();
	struct stat status = { .st_ino = 0 };
	uint64_t wait;

	if (fd >= 0)
		fstat(fd, &status);
	if (link->watch.index != 0 &&
	    (fd != link->watch.fd || status.st_ino != link->inode))
		watch_stop(&link->watch);
	if (fd >= 0 && link->watch.index == 0) {
		link->inode = status.st_ino;
		if (watch_start(&link->watch, fd, natctl_events(link->natctl)) <
		    0)
			log_error("natctl: cannot watch the connection");
	} else if (fd >= 0) {
		watch_change(&link->watch, natctl_events(link->natctl));
	}
	if (deadline == UINT64_MAX) {
		su_timer_reset(link->timer);
		return;
	}
	wait = deadline > now ? deadline - now : 0;
	if (wait > INT32_MAX)
		wait = INT32_MAX;
	su_timer_set_interval(link->timer, on_timer, link,
			      (su_duration_t)wait + 1);
}

static void send_release(struct release *release);

static void on_subscribed(const struct natctl_answer *answer, void *arg)
{
	(void)arg;
	if (answer->error != 0 && answer->error != -ECONNRESET)
		log_warn("natctl: silence is not told of: %s %s",
			 answer->message, answer->reason);
}

static void subscribe(struct natlink *link)
{
	const struct natctl_subscription wanted = {
		.events = 1u << NATCTL_EVENT_SILENT | 1u << NATCTL_EVENT_HEARD,
		.own = true,
		.silence = link->hooks.silence,
	};
	struct natctl_callback callback = { .on_answer = on_subscribed };

	if (link->hooks.silence == 0)
		return;
	link->hooks.on_listening(link->hooks.arg);
	if (natctl_subscribe(link->natctl, &wanted, mono_ms(), callback, NULL) <
	    0)
		log_warn("natctl: silence is not told of");
}

static void on_told(const struct natctl_event *event, void *arg)
{
	const struct natlink *link = arg;

	link->hooks.on_event(event, link->hooks.arg);
}

static void on_up(uint64_t epoch, bool is_new, void *arg)
{
	struct natlink *link = arg;
	struct list *pos, *tmp;

	log_info("natctl: connected, epoch %llu", (unsigned long long)epoch);
	list_for_each_safe(pos, tmp, &link->releases)
		send_release(container_of(pos, struct release, node));
	subscribe(link);
	if (is_new)
		link->hooks.on_renewed(link->hooks.arg);
}

static void on_down(void *arg)
{
	(void)arg;
	log_warn("natctl: connection lost, calls are refused until it is back");
}

int natlink_new(su_root_t *root, const char *path,
		const struct natlink_hooks *hooks, struct natlink **ret_link)
{
	struct natlink *link = calloc(1, sizeof(*link));
	struct natctl_hooks client_hooks = {
		.on_up = on_up,
		.on_down = on_down,
		.on_event = on_told,
		.arg = link,
	};

	if (link == NULL)
		return -ENOMEM;
	link->hooks = *hooks;
	list_init(&link->releases);
	watch_init(&link->watch, root, on_event, link);
	link->timer = su_timer_create(su_root_task(root), 0);
	link->natctl = natctl_new(path, NATLINK_TIMEOUT_MS, &client_hooks);
	if (link->timer == NULL || link->natctl == NULL) {
		natlink_free(link);
		return -ENOMEM;
	}
	follow(link);
	*ret_link = link;
	return 0;
}

static void release_free(struct release *release)
{
	release->link->counters.releases_waiting--;
	list_remove(&release->node);
	free(release);
}

void natlink_free(struct natlink *link)
{
	struct list *pos, *tmp;

	if (link == NULL)
		return;
	watch_stop(&link->watch);
	if (link->timer != NULL)
		su_timer_destroy(link->timer);
	natctl_free(link->natctl);
	list_for_each_safe(pos, tmp, &link->releases)
		release_free(container_of(pos, struct release, node));
	free(link);
}

bool natlink_is_up(const struct natlink *link)
{
	return natctl_is_up(link->natctl);
}

int natlink_ask(struct natlink *link, const struct natctl_ask *ask,
		struct natctl_callback callback, uint64_t *ret_request)
{
	int error = natctl_ask(link->natctl, ask, mono_ms(), callback,
			       ret_request);

	link->counters.asks++;
	follow(link);
	return error;
}

int natlink_tighten(struct natlink *link, const struct natctl_change *changes,
		    size_t count, struct natctl_callback callback,
		    uint64_t *ret_request)
{
	int error = natctl_tighten(link->natctl, changes, count, mono_ms(),
				   callback, ret_request);

	follow(link);
	return error;
}

void natlink_cancel(struct natlink *link, uint64_t request)
{
	natctl_cancel(link->natctl, request);
	follow(link);
}

static void on_refreshed(const struct natctl_answer *answer, void *arg)
{
	(void)arg;
	if (answer->error != 0)
		log_warn("natctl: refresh failed: %s, tried again in %d s",
			 answer->message, NATLINK_REFRESH_MS / 1000);
}

void natlink_refresh(struct natlink *link, const char *group)
{
	struct natctl_callback callback = { .on_answer = on_refreshed };

	natctl_refresh(link->natctl, group, NATLINK_LIFETIME, mono_ms(),
		       callback, NULL);
	follow(link);
}

static void on_released(const struct natctl_answer *answer, void *arg)
{
	struct release *release = arg;

	release->is_sent = false;
	switch (answer->error) {
	case -ECONNRESET:
		return; /* on_up sends it again */
	case -ETIMEDOUT:
		if (release->tries < NATLINK_TRIES_MAX) {
			send_release(release);
			return;
		}
		break;
	case 0:
	case NATCTL_NOT_FOUND:
	case -ECANCELED:
		break;
	default:
		log_warn("natctl: release of group %s failed: %s, its leases "
			 "end by their lifetime",
			 release->group, answer->message);
	}
	release_free(release);
}

static void send_release(struct release *release)
{
	struct natctl_callback callback = { .on_answer = on_released,
					    .arg = release };

	if (!release->is_sent &&
	    natctl_release(release->link->natctl, release->group, mono_ms(),
			   callback, NULL) == 0) {
		release->is_sent = true;
		release->tries++;
	}
}

void natlink_release(struct natlink *link, const char *group)
{
	struct release *release;

	if (link->counters.releases_waiting >= NATLINK_RELEASES_MAX)
		return;
	release = calloc(1, sizeof(*release));
	if (release == NULL)
		return;
	release->link = link;
	memcpy(release->group, group,
	       strnlen(group, sizeof(release->group) - 1));
	list_add_tail(&link->releases, &release->node);
	link->counters.releases_waiting++;
	send_release(release);
	follow(link);
}

static void on_leases_released(const struct natctl_answer *answer, void *arg)
{
	(void)arg;
	if (answer->error != 0 && answer->error != NATCTL_NOT_FOUND &&
	    answer->error != -ECANCELED)
		log_warn("natctl: release of leases failed: %s, they end with "
			 "their group",
			 answer->message);
}

void natlink_release_leases(struct natlink *link, const uint64_t *leases,
			    size_t count)
{
	struct natctl_callback callback = { .on_answer = on_leases_released };

	if (count == 0)
		return;
	natctl_release_leases(link->natctl, leases, count, mono_ms(), callback,
			      NULL);
	follow(link);
}

void natlink_counters(const struct natlink *link, struct natlink_counters *ret)
{
	*ret = link->counters;
}
