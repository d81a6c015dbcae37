/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbered RTP and RTCP packets in which every byte is known in advance. */
#ifndef PHONE_RTP_H
#define PHONE_RTP_H

#include <stddef.h>
#include <stdint.h>

#define RTP_PACKET  172 /* 12 of header, 160 of payload: 20 ms of PCMU */
#define RTCP_PACKET 92  /* SR 28, SDES 28, APP 36 */

struct rtp_mark {
	uint32_t ssrc;
	uint32_t number; /* counts from 1 in each call; low half on the wire */
	uint8_t stream;  /* index of the m= line */
};

struct rtcp_counts {
	uint64_t ntp; /* RFC 3550 section 4 */
	uint32_t packets;
	uint32_t octets;
};

/* The SSRC that the owner of an address of record uses on one m= line. */
uint32_t rtp_ssrc(const char *aor, uint8_t stream);

/* Fills RTP_PACKET bytes, all of which follow from the mark. */
void rtp_encode(uint8_t *packet, const struct rtp_mark *mark);
/* -EBADMSG unless every byte is the one that rtp_encode writes. */
int rtp_decode(const uint8_t *packet, size_t length, struct rtp_mark *ret_mark);

/* Fills RTCP_PACKET bytes: SR, SDES with CNAME, and APP "VPHN" with the number
 * and a CRC-32 of everything before it. */
void rtcp_encode(uint8_t *packet, const struct rtp_mark *mark,
		 const struct rtcp_counts *counts);
/* -EBADMSG unless the packet is one of rtcp_encode, unchanged. */
int rtcp_decode(const uint8_t *packet, size_t length,
		struct rtp_mark *ret_mark);

#endif
