/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Staged loss of rights after start-up. */
#include "common/privs.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"

static int change_user(const char *user)
{
	struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (!entry)
		return errno ? -errno : -ENOENT;
	if (capng_change_id((int)entry->pw_uid, (int)entry->pw_gid,
			    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return -EPERM;
	return 0;
}

int privs_drop(const char *user, bool keep_net_admin)
{
	capng_select_t sets = CAPNG_SELECT_CAPS;
	int r = 0;

	/* Only who has CAP_SETPCAP may change the bounding set. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_net_admin &&
	    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			 CAP_NET_ADMIN) != 0)
		return -EINVAL;
	if (user)
		r = change_user(user);
	else if (capng_apply(sets) != 0)
		r = -EPERM;
	if (r < 0)
		return r;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

void random_bytes(void *buf, unsigned long len)
{
	uint8_t *next = buf;

	while (len > 0) {
		ssize_t n = getrandom(next, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("random numbers: the kernel gives none");
			abort();
		}
		next += n;
		len -= (unsigned long)n;
	}
}
