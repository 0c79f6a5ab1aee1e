/*
 * call_ogg: writes Opus packets as they were received into an Ogg Opus file (RFC 7845), each at its
 * media time.
 */
#ifndef CALL_OGG_H
#define CALL_OGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct call_ogg;

/* Takes the file over. channels: 1 or 2. title: UTF-8, for the tags. NULL without memory or disk.
 */
struct call_ogg *call_ogg_open(FILE *f, unsigned channels, const char *title);

/*
 * Appends a packet; timestamp is its first sample's on the 48 kHz media clock. One at an earlier
 * time than what was written is left out, and so is a silence before it that is longer than the
 * time since the first packet. False when the file cannot be written.
 */
bool call_ogg_write(struct call_ogg *o, const void *packet, size_t length, uint32_t timestamp);

/* Ends the stream and closes the file. False when something could not be written. NULL is fine. */
bool call_ogg_close(struct call_ogg *o);

/* Samples at 48 kHz in an Opus packet, 0 when it is none. */
unsigned call_ogg_samples(const void *packet, size_t length);

#endif
