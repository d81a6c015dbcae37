/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the SDP in the body of a message, and puts an edited one back. */
#ifndef VIADUCT_PROXY_MIME_H
#define VIADUCT_PROXY_MIME_H

#include "proxy/media.h"

#define MIME_DEPTH_MAX 3  /* multiparts within multiparts */
#define MIME_PARTS_MAX 32 /* of all depths together */

/* Where the SDP of a body stands. */
struct mime_part {
	bool found;             /* false: the body holds no SDP */
	struct media_span sdp;  /* the whole body, or a part of it */
	struct media_span clen; /* the value of the part's Content-Length */
};

/*
 * `type` and `encoding` are the values of Content-Type and Content-Encoding,
 * NULL where absent. 0, or -EINVAL with the answer to give: SDP twice or in a
 * broken multipart 488, encoded 415, SDP without a Content-Type 415.
 */
int mime_find(const char *type, const char *encoding, const char *body,
	      size_t len, struct mime_part *ret, struct media_error *ret_error);

/*
 * The body with `sdp` in the place of the part that was found, every other
 * byte kept (but the part's own Content-Length). *ret is the caller's to free,
 * with a NUL behind it. 0 or -ENOMEM.
 */
int mime_write(const struct mime_part *part, const char *body, size_t len,
	       const char *sdp, size_t sdp_len, char **ret, size_t *ret_len);

#endif
