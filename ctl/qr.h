/*
 * qr: a QR code of a text (byte mode, error correction L), for the terminal and as SVG.
 */
#ifndef CTL_QR_H
#define CTL_QR_H

#include <stdbool.h>
#include <stdio.h>

#include "proto/errcode.h"

struct qr;

/* ERR_TOO_LARGE for a text that no QR code holds (2,953 bytes), ERR_NOMEM. */
int qr_create(struct qr **out, const char *text) MUST_CHECK;
void qr_destroy(struct qr *qr);

/* Columns it takes on the terminal, the quiet zone of four modules on each side included. */
size_t qr_width(const struct qr *qr);

enum qr_style {
	QR_COLOUR, /* black on white by escape sequences: right on any terminal */
	QR_DARK, /* plain, for light text on a dark terminal */
	QR_LIGHT /* plain, for dark text on a light terminal */
};
/* Two modules a character: half blocks in UTF-8. */
void qr_print(const struct qr *qr, FILE *out, enum qr_style style);
void qr_print_svg(const struct qr *qr, FILE *out);

#endif
