/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session description (SDP): made for our streams, read from the far side.
 */
#ifndef PHONE_DESCRIPTION_H
#define PHONE_DESCRIPTION_H

#include <stdbool.h>

#include "media.h"

/* What names the session in the o= line. */
struct description_origin {
	const char *user;
	unsigned id;
	unsigned version;
	bool hold; /* sendonly instead of sendrecv */
};

/* One m= line for each of our streams; the caller frees it. NULL if the phone
 * has none. */
char *description_offer(const struct media *media,
			const struct description_origin *origin);
/* The answer to an offer: our streams in the offer's order, port 0 where we
 * have no stream or the format (PCMU) is not offered. NULL when no line fits.
 */
char *description_answer(const struct media *media,
			 const struct description_origin *origin,
			 const char *offer);
/* Takes the far side's endpoints and directions into media: 0, or -EBADMSG for
 * a text in which no m= line can be read (then nothing changes). */
int description_apply(struct media *media, const char *far);

#endif
