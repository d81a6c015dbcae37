/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: SDP bodies through the reader and the editor. */
#include <stdlib.h>
#include <string.h>

#include "proxy/media.h"
#include "tests/fuzz/fuzz.h"

static int is_ours(const struct ip_addr *addr, const struct ip_addr *ours)
{
	return addr->family == IP_NONE || ip_addr_is_any(addr) ||
	       ip_addr_equal(addr, ours);
}

static void check_mapped(const struct media *media, const char *body,
			 size_t len)
{
	struct ip_addr ours = ip_addr_v4(0xcb007163);
	struct media_change change;
	struct media_error error;
	struct media again;
	char *text;
	size_t text_len;

	media_change_init(&change);
	change.strip = true;
	change.origin = change.other = ours;
	for (size_t i = 0; i < media->count; i++) {
		change.streams[i].addr = ours;
		change.streams[i].port = (uint16_t)(30000 + 100 * i);
	}
	fuzz_require(media_write(media, body, len, &change, &text, &text_len) ==
			     0,
		     "there is memory");
	if (text_len <= MEDIA_BODY_MAX) {
		fuzz_require(media_read(text, text_len, &again, &error) == 0,
			     "what is written can be read");
		fuzz_require(again.count == media->count,
			     "no stream comes or goes");
		fuzz_require(is_ours(&again.session, &ours),
			     "the session shows our address");
	}
	for (size_t i = 0; text_len <= MEDIA_BODY_MAX && i < media->count;
	     i++) {
		fuzz_require(is_ours(&again.streams[i].addr, &ours) &&
				     is_ours(&again.streams[i].rtcp_addr,
					     &ours),
			     "a stream shows our address");
		fuzz_require(again.streams[i].port ==
				     (media->streams[i].refused ?
					      0 :
					      change.streams[i].port),
			     "a stream shows our port");
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct media_change change;
	struct media_error error = { 0 };
	struct media media;
	char *text;
	size_t len;

	if (media_read(body, size, &media, &error)) {
		fuzz_require(error.status >= 400 && error.text,
			     "a refusal has an answer");
		return 0;
	}
	media_change_init(&change);
	fuzz_require(media_write(&media, body, size, &change, &text, &len) == 0,
		     "there is memory");
	fuzz_require(len == size && (size == 0 || memcmp(text, body, len) == 0),
		     "no change is no change");
	free(text);
	check_mapped(&media, body, size);
	return 0;
}
