/*
 * call_ogg: Ogg Opus muxing. A gap in media time is filled with packets of one byte, as RFC 7845
 * section 4.1 advises: a decoder plays them as silence or concealment, and time stays right.
 */
#include "client-sdk/examples/call_ogg.h"

#include <ogg/ogg.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_clock.h"

#define RATE 48000
#define PRE_SKIP 312 /* what a decoder drops first: the delay of libopus's encoder */
#define PAGE_SAMPLES RATE /* a page each second */
#define GAP_MAX (3600 * (int64_t)RATE) /* a longer one is a sender's mistake */
#define AHEAD_MAX (10 * (int64_t)RATE) /* media time before the clock on the wall */
#define TOC_SHORTEST 0xe0 /* CELT, full band, 2.5 ms, mono */
#define SHORTEST 120
#define PACKET_MAX 65536u

struct call_ogg {
	FILE *file;
	ogg_stream_state stream;
	ogg_int64_t packets;
	int64_t end; /* media time behind what was written, from 0 on */
	int64_t paged; /* the same at the last flush */
	uint32_t next; /* the timestamp that end stands for */
	int64_t begun_ns; /* when the first packet came */
	bool started, failed;
};

static void write_page(struct call_ogg *o, const ogg_page *page)
{
	if (fwrite(page->header, 1, (size_t)page->header_len, o->file) !=
			(size_t)page->header_len ||
		fwrite(page->body, 1, (size_t)page->body_len, o->file) != (size_t)page->body_len) {
		o->failed = true;
	}
}

static void flush_pages(struct call_ogg *o, bool all)
{
	ogg_page page;

	while (all ? ogg_stream_flush(&o->stream, &page) : ogg_stream_pageout(&o->stream, &page)) {
		write_page(o, &page);
	}
}

static void put_packet(
	struct call_ogg *o, const void *bytes, size_t length, int64_t granule, bool end)
{
	ogg_packet packet = {
		.packet = (unsigned char *)(uintptr_t)bytes, /* libogg copies it */
		.bytes = (long)length,
		.b_o_s = o->packets == 0,
		.e_o_s = end,
		.granulepos = granule,
		.packetno = o->packets++,
	};

	if (ogg_stream_packetin(&o->stream, &packet) != 0) {
		o->failed = true;
	}
}

static void put_head(struct call_ogg *o, unsigned channels, const char *title)
{
	uint8_t head[19] = "OpusHead\001";
	uint8_t tags[512] = "OpusTags";
	const char vendor[] = "helio-call";

	head[9] = (uint8_t)channels;
	head[10] = PRE_SKIP & 0xff;
	head[11] = PRE_SKIP >> 8;
	head[12] = RATE & 0xff;
	head[13] = RATE >> 8 & 0xff;
	put_packet(o, head, sizeof(head), 0, false);
	flush_pages(o, true);
	size_t at = 8;
	tags[at] = sizeof(vendor) - 1;
	memcpy(tags + at + 4, vendor, sizeof(vendor) - 1);
	at += 4 + sizeof(vendor) - 1;
	tags[at] = 1;
	int n = snprintf((char *)tags + at + 8, 256, "TITLE=%s", title);
	n = n > 255 ? 255 : n;
	tags[at + 4] = (uint8_t)n;
	put_packet(o, tags, at + 8 + (size_t)n, 0, false);
	flush_pages(o, true);
}

struct call_ogg *call_ogg_open(FILE *f, unsigned channels, const char *title)
{
	struct call_ogg *o = calloc(1, sizeof(*o));

	if (o == NULL || ogg_stream_init(&o->stream, rand()) != 0) {
		free(o);
		fclose(f);
		return NULL;
	}
	o->file = f;
	put_head(o, channels, title);
	if (o->failed) {
		call_ogg_close(o);
		return NULL;
	}
	return o;
}

unsigned call_ogg_samples(const void *packet, size_t length)
{
	if (length == 0 || length > PACKET_MAX) {
		return 0;
	}
	int n = opus_packet_get_nb_samples(packet, (opus_int32)length, RATE);
	return n > 0 ? (unsigned)n : 0;
}

/* Packets without content, in the mode of the packet that follows where its length fits. */
static void fill_gap(struct call_ogg *o, uint8_t toc, int64_t gap)
{
	uint8_t empty = toc & 0xfc; /* one frame */
	int64_t step = opus_packet_get_samples_per_frame(&empty, RATE);

	while (gap >= SHORTEST && !o->failed) {
		if (step > gap) {
			empty = TOC_SHORTEST | (toc & 0x04);
			step = SHORTEST;
		}
		o->end += step;
		gap -= step;
		put_packet(o, &empty, 1, o->end, false);
		flush_pages(o, false);
	}
	o->end += gap; /* less than any packet: the granule position alone says it */
}

/* Nobody was silent for longer than the recording lasts: who says so again and again would have us
 * write without end. */
static bool may_fill(const struct call_ogg *o, int64_t gap)
{
	int64_t passed = (call_clock_now() - o->begun_ns) / 1000 * (RATE / 1000) / 1000;

	return gap <= GAP_MAX && o->end + gap <= passed + AHEAD_MAX;
}

bool call_ogg_write(struct call_ogg *o, const void *packet, size_t length, uint32_t timestamp)
{
	unsigned samples = call_ogg_samples(packet, length);

	if (samples == 0) {
		return !o->failed;
	}
	if (o->started) {
		int32_t gap = (int32_t)(timestamp - o->next);
		if (gap < 0) {
			return !o->failed;
		}
		if (may_fill(o, gap)) {
			fill_gap(o, *(const uint8_t *)packet, gap);
		}
	} else {
		o->begun_ns = call_clock_now();
	}
	o->started = true;
	o->end += samples;
	o->next = timestamp + samples;
	put_packet(o, packet, length, o->end, false);
	bool page = o->end - o->paged >= PAGE_SAMPLES;
	flush_pages(o, page);
	if (page) {
		o->paged = o->end;
	}
	return !o->failed;
}

bool call_ogg_close(struct call_ogg *o)
{
	if (o == NULL) {
		return true;
	}
	/* The last page needs a packet of its own: 2.5 ms of nothing, cut off by the granule
	 * position. */
	uint8_t empty = TOC_SHORTEST;
	put_packet(o, &empty, 1, o->end, true);
	flush_pages(o, true);
	bool ok = fclose(o->file) == 0 && !o->failed;
	ogg_stream_clear(&o->stream);
	free(o);
	return ok;
}
