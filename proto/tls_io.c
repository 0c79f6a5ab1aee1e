/*
 * tls_io: sets GnuTLS sessions up and moves bytes. The peer is judged (tls_peer) inside the
 * handshake, so that nothing is ever sent to one that fails. No GnuTLS code leaves this file, and
 * it never closes the descriptor.
 */
#include "proto/tls_io.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/tls_peer.h"

#define RECORD_MAX 16384u
/* What a peer may make us hold of one handshake message. */
#define HANDSHAKE_MESSAGE_MAX 65536u

/* On the heap, and known to the session: a struct tls_io may be moved, this stays where it is. */
struct tls_io_state {
	struct tls_peer peer;
	char alpn[32];
	bool established;
	bool lost;
	bool bye_sent;
};

/* GnuTLS calls this when the peer's certificate came; anything but 0 ends the handshake. */
static int check_peer(gnutls_session_t session)
{
	struct tls_io_state *state = gnutls_session_get_ptr(session);

	return tls_peer_check(&state->peer, session) == 0 ? 0
							  : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

static bool set_session(struct tls_io *io, int fd, gnutls_certificate_credentials_t creds,
	gnutls_priority_t priority)
{
	gnutls_session_t s = io->session;
	const gnutls_datum_t alpn = { (unsigned char *)io->state->alpn,
		(unsigned)strlen(io->state->alpn) };

	int rc = priority != NULL ? gnutls_priority_set(s, priority)
				  : gnutls_priority_set_direct(s, TLS_IO_PRIORITY, NULL);
	if (rc != 0 || gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, creds) != 0 ||
		gnutls_alpn_set_protocols(s, &alpn, 1, GNUTLS_ALPN_MANDATORY) != 0) {
		return false;
	}
	gnutls_handshake_set_max_packet_length(s, HANDSHAKE_MESSAGE_MAX);
	gnutls_session_set_ptr(s, io->state);
	gnutls_session_set_verify_function(s, check_peer);
	gnutls_transport_set_int(s, fd);
	io->fd = fd;
	return true;
}

static int begin(struct tls_io *io, unsigned flags, const char *alpn)
{
	memset(io, 0, sizeof(*io));
	io->fd = -1;
	if (alpn == NULL || alpn[0] == '\0' || strlen(alpn) >= sizeof(io->state->alpn)) {
		return ERR_INVALID;
	}
	io->state = calloc(1, sizeof(*io->state));
	if (io->state == NULL) {
		return ERR_NOMEM;
	}
	strcpy(io->state->alpn, alpn);
	if (gnutls_init(&io->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0) {
		io->session = NULL;
		tls_io_finish(io);
		return ERR_NOMEM;
	}
	return 0;
}

int tls_io_init_server(struct tls_io *io, int fd, const struct tls_io_server *conf)
{
	int err = conf->creds == NULL ? ERR_INVALID
				      : begin(io, GNUTLS_SERVER | GNUTLS_NO_TICKETS, conf->alpn);

	if (err != 0) {
		return err;
	}
	if (!set_session(io, fd, conf->creds, conf->priority)) {
		tls_io_finish(io);
		return ERR_TLS;
	}
	if (conf->want_client_cert) {
		io->state->peer.verify_chain = true;
		io->state->peer.purpose = GNUTLS_KP_TLS_WWW_CLIENT;
		gnutls_certificate_server_set_request(io->session, GNUTLS_CERT_REQUIRE);
	}
	return 0;
}

static int client_conf_check(const struct tls_io_client *conf)
{
	if (conf->creds == NULL ||
		(!conf->require_ca && conf->spki_pin == NULL && !conf->any_peer)) {
		return ERR_INVALID;
	}
	if (conf->spki_pin != NULL && !tls_peer_pin_valid(conf->spki_pin)) {
		return ERR_INVALID;
	}
	if (conf->tls_name == NULL || conf->tls_name[0] == '\0') {
		return conf->require_ca ? ERR_INVALID : 0;
	}
	return strlen(conf->tls_name) > TLS_PEER_NAME_MAX ? ERR_INVALID : 0;
}

int tls_io_init_client(struct tls_io *io, int fd, const struct tls_io_client *conf)
{
	unsigned char ip[16];
	int err = client_conf_check(conf);

	if (err == 0) {
		/* an own certificate is always shown, so that a refusal says what is wrong with it
		 */
		err = begin(io, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT, conf->alpn);
	}
	if (err != 0) {
		return err;
	}
	struct tls_peer *peer = &io->state->peer;
	peer->verify_chain = conf->require_ca;
	peer->purpose = GNUTLS_KP_TLS_WWW_SERVER;
	if (conf->tls_name != NULL) {
		strcpy(peer->name, conf->tls_name);
	}
	if (conf->spki_pin != NULL) {
		strcpy(peer->pin, conf->spki_pin);
	}
	bool good = set_session(io, fd, conf->creds, NULL);
	/* RFC 6066: no literal addresses in SNI */
	if (good && peer->name[0] != '\0' && tls_peer_ip_literal(peer->name, ip) == 0) {
		good = gnutls_server_name_set(
			       io->session, GNUTLS_NAME_DNS, peer->name, strlen(peer->name)) == 0;
	}
	if (!good) {
		tls_io_finish(io);
		return ERR_TLS;
	}
	return 0;
}

void tls_io_finish(struct tls_io *io)
{
	if (io->session != NULL) {
		gnutls_deinit(io->session);
	}
	free(io->state);
	memset(io, 0, sizeof(*io));
	io->fd = -1;
}

static enum tls_io_result failed(struct tls_io *io, int err, const char *detail)
{
	io->err = err;
	io->detail = detail;
	return TLS_IO_FAILED;
}

/* A session that ended badly stays that way: OK while there is none of it. */
static enum tls_io_result past(const struct tls_io *io)
{
	if (io->state->lost) {
		return TLS_IO_LOST;
	}
	return io->err != 0 ? TLS_IO_FAILED : TLS_IO_OK;
}

/* What a negative code of GnuTLS means to the caller; interruptions are the caller's loop. */
static enum tls_io_result outcome(struct tls_io *io, int rc)
{
	switch (rc) {
	case GNUTLS_E_AGAIN:
		return gnutls_record_get_direction(io->session) ? TLS_IO_WANT_WRITE
								: TLS_IO_WANT_READ;
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		io->detail = gnutls_strerror(rc);
		io->state->lost = true;
		return TLS_IO_LOST;
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return failed(io, ERR_TLS, gnutls_alert_get_name(gnutls_alert_get(io->session)));
	default:
		return failed(io, ERR_TLS, gnutls_strerror(rc));
	}
}

static enum tls_io_result check_alpn(struct tls_io *io)
{
	gnutls_datum_t got = { NULL, 0 };

	/* GnuTLS refuses another protocol by itself, but not a peer that names none */
	if (gnutls_alpn_get_selected_protocol(io->session, &got) == 0 &&
		got.size == strlen(io->state->alpn) &&
		memcmp(got.data, io->state->alpn, got.size) == 0) {
		io->state->established = true;
		return TLS_IO_OK;
	}
	(void)gnutls_alert_send(io->session, GNUTLS_AL_FATAL, GNUTLS_A_NO_APPLICATION_PROTOCOL);
	return failed(io, ERR_TLS, "the peer does not speak this protocol (ALPN)");
}

enum tls_io_result tls_io_handshake(struct tls_io *io)
{
	int rc;

	if (past(io) != TLS_IO_OK) {
		return past(io);
	}
	do {
		rc = gnutls_handshake(io->session);
	} while (rc == GNUTLS_E_INTERRUPTED);
	if (rc == 0) {
		return check_alpn(io);
	}
	enum tls_io_result result = outcome(io, rc);
	if (result != TLS_IO_FAILED) {
		return result;
	}
	if (rc != GNUTLS_E_FATAL_ALERT_RECEIVED) {
		(void)gnutls_alert_send_appropriate(io->session, rc);
	}
	if (io->state->peer.err != 0) {
		return failed(io, io->state->peer.err, io->state->peer.detail);
	}
	if (rc == GNUTLS_E_CERTIFICATE_REQUIRED || rc == GNUTLS_E_NO_CERTIFICATE_FOUND) {
		io->err = ERR_TLS_CERT;
	}
	return TLS_IO_FAILED;
}

enum tls_io_result tls_io_recv(struct tls_io *io, void *bytes, size_t len, size_t *moved)
{
	ssize_t rc;

	*moved = 0;
	if (past(io) != TLS_IO_OK) {
		return past(io);
	}
	do {
		rc = gnutls_record_recv(io->session, bytes, len);
	} while (rc == GNUTLS_E_INTERRUPTED);
	if (rc > 0) {
		*moved = (size_t)rc;
		return TLS_IO_OK;
	}
	return rc == 0 ? TLS_IO_EOF : outcome(io, (int)rc);
}

/* rc of a send of io->pending bytes. */
static enum tls_io_result sent(struct tls_io *io, ssize_t rc)
{
	if (rc < 0) {
		return outcome(io, (int)rc);
	}
	size_t want = io->pending;
	io->pending = 0;
	/* a peer with a small record size limit (RFC 8449): the rest would have to be kept by us */
	if ((size_t)rc != want) {
		return failed(io, ERR_TLS, "the peer's record size limit is too small");
	}
	return TLS_IO_OK;
}

enum tls_io_result tls_io_send(struct tls_io *io, const void *bytes, size_t len)
{
	if (past(io) != TLS_IO_OK) {
		return past(io);
	}
	if (io->pending > 0 || len > RECORD_MAX) {
		return failed(io, ERR_INVALID, "a send that breaks the rules of tls_io_send()");
	}
	if (len == 0) {
		return TLS_IO_OK;
	}
	io->pending = len;
	ssize_t rc = gnutls_record_send(io->session, bytes, len);
	return rc == GNUTLS_E_INTERRUPTED ? tls_io_flush(io) : sent(io, rc);
}

enum tls_io_result tls_io_flush(struct tls_io *io)
{
	ssize_t rc;

	if (past(io) != TLS_IO_OK) {
		return past(io);
	}
	if (io->pending == 0) {
		return TLS_IO_OK;
	}
	do {
		rc = gnutls_record_send(io->session, NULL, 0);
	} while (rc == GNUTLS_E_INTERRUPTED);
	return sent(io, rc);
}

bool tls_io_readable(const struct tls_io *io)
{
	return io->session != NULL && gnutls_record_check_pending(io->session) > 0;
}

void tls_io_bye(struct tls_io *io)
{
	if (io->session == NULL || past(io) != TLS_IO_OK || !io->state->established ||
		io->state->bye_sent) {
		return;
	}
	io->state->bye_sent = true;
	(void)gnutls_bye(io->session, GNUTLS_SHUT_WR);
}

int tls_io_peer_names(struct tls_io *io, const char *name)
{
	return tls_peer_names(io->session, name);
}

int tls_io_export(struct tls_io *io, const char *label, uint8_t out[32])
{
	return io->session != NULL && io->state->established &&
			gnutls_prf_rfc5705(
				io->session, strlen(label), label, 0, NULL, 32, (char *)out) == 0
		? 0
		: ERR_TLS;
}

int64_t tls_io_peer_expires(struct tls_io *io)
{
	time_t at = gnutls_certificate_expiration_time_peers(io->session);

	return at == (time_t)-1 ? 0 : (int64_t)at;
}
