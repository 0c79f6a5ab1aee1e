/*
 * tls_io: one TLS 1.3 session over a non-blocking descriptor, for both ends. It owns the GnuTLS
 * session, not the descriptor, and keeps the two rules GnuTLS has for non-blocking use: a send that
 * answered "again" is repeated with nothing new, and a receiver drains until "again".
 * Writes never raise SIGPIPE. One thread per session.
 */
#ifndef PROTO_TLS_IO_H
#define PROTO_TLS_IO_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/errcode.h"

/* TLS 1.3 only, X25519 before P-256, AEAD ciphers only. */
#define TLS_IO_PRIORITY                                                                            \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:%DISABLE_TLS13_COMPAT_MODE"

enum tls_io_result {
	TLS_IO_OK, /* done; *moved says how much */
	TLS_IO_WANT_READ, /* wait until the descriptor can be read, then call again */
	TLS_IO_WANT_WRITE, /* wait until it can be written, then call again */
	TLS_IO_EOF, /* the peer closed in order (close_notify) */
	TLS_IO_LOST, /* the connection ended without close_notify, or was reset */
	TLS_IO_FAILED /* a TLS alert or error: the session is of no more use */
};

struct tls_io_state;

struct tls_io {
	gnutls_session_t session;
	struct tls_io_state *state; /* private */
	int fd;
	size_t pending; /* bytes GnuTLS took from a send that answered WANT_WRITE */
	const char *detail; /* why it FAILED, static text of the TLS library; for logs */
	int err; /* ERR_TLS, ERR_TLS_CERT, ERR_TLS_PIN behind TLS_IO_FAILED */
};

struct tls_io_server {
	gnutls_certificate_credentials_t creds; /* borrowed, must outlive the session */
	gnutls_priority_t priority; /* borrowed; NULL: TLS_IO_PRIORITY */
	const char *alpn; /* the one protocol spoken; a client without it is refused */
	bool want_client_cert; /* require one that verifies, for use as a client (control link);
				* whom it names is asked with tls_io_peer_names() */
};

struct tls_io_client {
	gnutls_certificate_credentials_t
		creds; /* borrowed: trust anchors, and our own cert if any */
	const char *alpn;
	const char *tls_name; /* SNI and the name checked; an IP literal is checked as address */
	const char *
		spki_pin; /* "sha256/BASE64" of the SubjectPublicKeyInfo (RFC 7469 form), or NULL */
	bool require_ca; /* chain and name must verify; false: the pin alone decides */
	/* neither: the caller has the peer prove itself behind the handshake, bound to
	 * tls_io_export(), before it believes or tells it anything */
	bool any_peer;
};

/* Sets up a session on fd (borrowed, non-blocking). A client without require_ca, without a pin
 * and without any_peer is refused with ERR_INVALID. After an error nothing is held. */
int tls_io_init_server(struct tls_io *io, int fd, const struct tls_io_server *conf) MUST_CHECK;
int tls_io_init_client(struct tls_io *io, int fd, const struct tls_io_client *conf) MUST_CHECK;

/* Frees the session, sends nothing. Safe on a zeroed struct. */
void tls_io_finish(struct tls_io *io);

/* Goes on with the handshake; OK when it is done, with certificate and pin checked. */
enum tls_io_result tls_io_handshake(struct tls_io *io) MUST_CHECK;

/* Reads up to len bytes. OK with *moved > 0, else one of the others with *moved == 0. */
enum tls_io_result tls_io_recv(
	struct tls_io *io, void *bytes, size_t len, size_t *moved) MUST_CHECK;

/*
 * Sends one record of up to 16 KiB. OK: all len bytes are the kernel's. WANT_WRITE: GnuTLS holds a
 * copy of all len bytes (io->pending == len); do not offer them again, call tls_io_flush() when the
 * descriptor can be written, and send nothing new before it answered OK.
 */
enum tls_io_result tls_io_send(struct tls_io *io, const void *bytes, size_t len) MUST_CHECK;
enum tls_io_result tls_io_flush(struct tls_io *io) MUST_CHECK;

/* True when decrypted bytes wait inside GnuTLS, so that poll() would not tell. */
bool tls_io_readable(const struct tls_io *io);

/* Sends close_notify once, without waiting. Best effort. */
void tls_io_bye(struct tls_io *io);

/* 0 when the peer's certificate is for this name (or IP literal), else ERR_TLS_CERT. A wildcard in
 * the certificate names nobody. */
int tls_io_peer_names(struct tls_io *io, const char *name) MUST_CHECK;

/* Keying material of this connection (RFC 5705, RFC 8446 section 7.5): the same at both ends, and
 * on no other connection. After the handshake. */
int tls_io_export(struct tls_io *io, const char *label, uint8_t out[32]) MUST_CHECK;

/* When the peer's certificate ends, seconds since the epoch; 0: it showed none. */
int64_t tls_io_peer_expires(struct tls_io *io);

#endif
