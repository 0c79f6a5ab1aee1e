/*
 * qr: from libqrencode's modules to half blocks or SVG. A scanner wants dark modules on a light
 * ground with a light margin of four modules, whatever the terminal's own colours are.
 */
#include "ctl/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4

struct qr {
	QRcode *code;
};

int qr_create(struct qr **out, const char *text)
{
	struct qr *qr = calloc(1, sizeof(*qr));

	if (qr == NULL) {
		return ERR_NOMEM;
	}
	errno = 0;
	qr->code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	if (qr->code == NULL) {
		int err = errno == ENOMEM ? ERR_NOMEM : ERR_TOO_LARGE;

		free(qr);
		return err;
	}
	*out = qr;
	return 0;
}

void qr_destroy(struct qr *qr)
{
	if (qr == NULL) {
		return;
	}
	QRcode_free(qr->code);
	free(qr);
}

size_t qr_width(const struct qr *qr)
{
	return (size_t)qr->code->width + 2 * QUIET;
}

/* True where a module is dark; the quiet zone and what is beyond it is light. */
static bool is_dark(const struct qr *qr, int x, int y)
{
	int width = qr->code->width;

	x -= QUIET;
	y -= QUIET;
	return x >= 0 && y >= 0 && x < width && y < width &&
		(qr->code->data[y * width + x] & 1) != 0;
}

void qr_print(const struct qr *qr, FILE *out, enum qr_style style)
{
	/* Index: top is drawn, bottom is drawn. */
	static const char *const blocks[4] = { " ", "\342\226\204", "\342\226\200",
		"\342\226\210" };
	int width = (int)qr_width(qr);
	/* On a dark terminal what is light has to be drawn; else what is dark. */
	bool draw_light = style == QR_DARK;

	for (int y = 0; y < width; y += 2) {
		fputs(style == QR_COLOUR ? "\033[30;107m" : "", out);
		for (int x = 0; x < width; x++) {
			bool top = is_dark(qr, x, y) != draw_light;
			/* Below an odd last line there is nothing to draw. */
			bool bottom = y + 1 < width && is_dark(qr, x, y + 1) != draw_light;

			fputs(blocks[(top ? 2 : 0) + (bottom ? 1 : 0)], out);
		}
		fputs(style == QR_COLOUR ? "\033[0m\n" : "\n", out);
	}
}

void qr_print_svg(const struct qr *qr, FILE *out)
{
	int width = (int)qr_width(qr);

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"width=\"%dmm\" height=\"%dmm\" shape-rendering=\"crispEdges\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\"",
		width, width, width, width);
	for (int y = 0; y < width; y++) {
		for (int x = 0; x < width; x++) {
			int run = 0;

			while (is_dark(qr, x + run, y)) {
				run++;
			}
			if (run > 0) {
				fprintf(out, "M%d %dh%dv1h-%dz", x, y, run, run);
				x += run;
			}
		}
	}
	fputs("\"/>\n</svg>\n", out);
}
