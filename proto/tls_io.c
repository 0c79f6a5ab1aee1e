/*
 * tls_io: sets GnuTLS sessions up, judges the peer and moves bytes. The peer is judged inside the
 * handshake, so that nothing is ever sent to one that fails. No GnuTLS code leaves this file, and
 * it never closes the descriptor.
 */
#include "proto/tls_io.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORD_MAX 16384u
#define NAME_MAX_LEN 255u
/* What a peer may make us hold of one handshake message. */
#define HANDSHAKE_MESSAGE_MAX 65536u

/* On the heap, and known to the session: a struct tls_io may be moved, this stays where it is. */
struct tls_io_check {
	char name[NAME_MAX_LEN + 1]; /* what the peer's certificate must name; "" for none */
	char pin[TLS_IO_PIN_SIZE]; /* "" for none */
	char alpn[32];
	bool verify_chain;
	const char *purpose; /* key usage the chain must allow */
	const char *detail;
	int err;
	bool established;
	bool lost;
	bool bye_sent;
};

static int refuse(struct tls_io_check *check, int err, const char *detail)
{
	check->err = err;
	check->detail = detail;
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

static const char *status_text(unsigned status)
{
	static const struct {
		unsigned bit;
		const char *text;
	} reasons[] = {
		{ GNUTLS_CERT_UNEXPECTED_OWNER, "the certificate is for another name" },
		{ GNUTLS_CERT_EXPIRED, "the certificate has expired" },
		{ GNUTLS_CERT_NOT_ACTIVATED, "the certificate is not valid yet" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH, "the certificate is not for this purpose" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND,
			"the certificate is signed by nobody trusted here" },
		{ GNUTLS_CERT_REVOKED, "the certificate is revoked" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "the certificate uses an insecure algorithm" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (status & reasons[i].bit) {
			return reasons[i].text;
		}
	}
	return "the certificate does not verify";
}

/* The 4 or 16 bytes of an IP literal; 0 for a name. */
static unsigned ip_literal(const char *name, unsigned char ip[16])
{
	if (inet_pton(AF_INET, name, ip) == 1) {
		return 4;
	}
	return inet_pton(AF_INET6, name, ip) == 1 ? 16 : 0;
}

static int check_chain(gnutls_session_t session, struct tls_io_check *check)
{
	unsigned char ip[16];
	gnutls_typed_vdata_st want[2];
	unsigned count = 0;
	unsigned status = 0;

	want[count].type = GNUTLS_DT_KEY_PURPOSE_OID;
	want[count].data = (unsigned char *)(uintptr_t)check->purpose;
	want[count++].size = 0;
	if (check->name[0] != '\0') {
		unsigned ip_len = ip_literal(check->name, ip);

		want[count].type = ip_len > 0 ? GNUTLS_DT_IP_ADDRESS : GNUTLS_DT_DNS_HOSTNAME;
		want[count].data = ip_len > 0 ? ip : (unsigned char *)check->name;
		want[count++].size = ip_len;
	}
	if (gnutls_certificate_verify_peers(session, want, count, &status) != 0) {
		return refuse(check, ERR_TLS_CERT, "the certificate cannot be read");
	}
	return status == 0 ? 0 : refuse(check, ERR_TLS_CERT, status_text(status));
}

static gnutls_x509_crt_t peer_cert(gnutls_session_t session)
{
	gnutls_x509_crt_t crt = NULL;
	unsigned count = 0;
	const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &count);

	if (certs == NULL || count == 0 || gnutls_x509_crt_init(&crt) != 0) {
		return NULL;
	}
	if (gnutls_x509_crt_import(crt, &certs[0], GNUTLS_X509_FMT_DER) != 0) {
		gnutls_x509_crt_deinit(crt);
		return NULL;
	}
	return crt;
}

int tls_io_cert_pin(gnutls_x509_crt_t crt, char out[TLS_IO_PIN_SIZE])
{
	unsigned char hash[32];
	size_t size = sizeof(hash);
	gnutls_datum_t text = { NULL, 0 };

	/* the key id is the hash of the SubjectPublicKeyInfo */
	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, hash, &size) != 0 ||
		gnutls_base64_encode2(&(gnutls_datum_t){ hash, sizeof(hash) }, &text) != 0) {
		return ERR_TLS;
	}
	bool fits = text.size == 44;
	if (fits) {
		memcpy(out, "sha256/", 7);
		memcpy(out + 7, text.data, 44);
		out[51] = '\0';
	}
	gnutls_free(text.data);
	return fits ? 0 : ERR_TLS;
}

static int peer_pin(gnutls_session_t session, char out[TLS_IO_PIN_SIZE])
{
	gnutls_x509_crt_t crt = peer_cert(session);

	if (crt == NULL) {
		return ERR_TLS;
	}
	int err = tls_io_cert_pin(crt, out);
	gnutls_x509_crt_deinit(crt);
	return err;
}

/* GnuTLS calls this when the peer's certificate came; anything but 0 ends the handshake. */
static int check_peer(gnutls_session_t session)
{
	struct tls_io_check *check = gnutls_session_get_ptr(session);
	char pin[TLS_IO_PIN_SIZE];

	if (check->pin[0] != '\0') {
		if (peer_pin(session, pin) != 0) {
			return refuse(
				check, ERR_TLS_PIN, "the peer showed no key that can be read");
		}
		if (strcmp(pin, check->pin) != 0) {
			return refuse(check, ERR_TLS_PIN, "the peer's key is not the pinned one");
		}
	}
	return check->verify_chain ? check_chain(session, check) : 0;
}

static bool pin_valid(const char *pin)
{
	unsigned char hash[33];
	gnutls_datum_t raw = { NULL, 0 };

	if (strlen(pin) != TLS_IO_PIN_SIZE - 1 || strncmp(pin, "sha256/", 7) != 0) {
		return false;
	}
	const gnutls_datum_t text = { (unsigned char *)(uintptr_t)(pin + 7), 44 };
	if (gnutls_base64_decode2(&text, &raw) != 0) {
		return false;
	}
	bool valid = raw.size == sizeof(hash) - 1;
	gnutls_free(raw.data);
	return valid;
}

static bool set_session(struct tls_io *io, int fd, gnutls_certificate_credentials_t creds,
	gnutls_priority_t priority)
{
	gnutls_session_t s = io->session;
	const gnutls_datum_t alpn = { (unsigned char *)io->check->alpn,
		(unsigned)strlen(io->check->alpn) };

	int rc = priority != NULL ? gnutls_priority_set(s, priority)
				  : gnutls_priority_set_direct(s, TLS_IO_PRIORITY, NULL);
	if (rc != 0 || gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, creds) != 0 ||
		gnutls_alpn_set_protocols(s, &alpn, 1, GNUTLS_ALPN_MANDATORY) != 0) {
		return false;
	}
	gnutls_handshake_set_max_packet_length(s, HANDSHAKE_MESSAGE_MAX);
	gnutls_session_set_ptr(s, io->check);
	gnutls_session_set_verify_function(s, check_peer);
	gnutls_transport_set_int(s, fd);
	io->fd = fd;
	return true;
}

static int begin(struct tls_io *io, unsigned flags, const char *alpn)
{
	memset(io, 0, sizeof(*io));
	io->fd = -1;
	if (alpn == NULL || alpn[0] == '\0' || strlen(alpn) >= sizeof(io->check->alpn)) {
		return ERR_INVALID;
	}
	io->check = calloc(1, sizeof(*io->check));
	if (io->check == NULL) {
		return ERR_NOMEM;
	}
	strcpy(io->check->alpn, alpn);
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
		io->check->verify_chain = true;
		io->check->purpose = GNUTLS_KP_TLS_WWW_CLIENT;
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
	if (conf->spki_pin != NULL && !pin_valid(conf->spki_pin)) {
		return ERR_INVALID;
	}
	if (conf->tls_name == NULL || conf->tls_name[0] == '\0') {
		return conf->require_ca ? ERR_INVALID : 0;
	}
	return strlen(conf->tls_name) > NAME_MAX_LEN ? ERR_INVALID : 0;
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
	struct tls_io_check *check = io->check;
	check->verify_chain = conf->require_ca;
	check->purpose = GNUTLS_KP_TLS_WWW_SERVER;
	if (conf->tls_name != NULL) {
		strcpy(check->name, conf->tls_name);
	}
	if (conf->spki_pin != NULL) {
		strcpy(check->pin, conf->spki_pin);
	}
	bool good = set_session(io, fd, conf->creds, NULL);
	/* RFC 6066: no literal addresses in SNI */
	if (good && check->name[0] != '\0' && ip_literal(check->name, ip) == 0) {
		good = gnutls_server_name_set(
			       io->session, GNUTLS_NAME_DNS, check->name, strlen(check->name)) == 0;
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
	free(io->check);
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
	if (io->check->lost) {
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
		io->check->lost = true;
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
		got.size == strlen(io->check->alpn) &&
		memcmp(got.data, io->check->alpn, got.size) == 0) {
		io->check->established = true;
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
	if (io->check->err != 0) {
		return failed(io, io->check->err, io->check->detail);
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
	if (io->session == NULL || past(io) != TLS_IO_OK || !io->check->established ||
		io->check->bye_sent) {
		return;
	}
	io->check->bye_sent = true;
	(void)gnutls_bye(io->session, GNUTLS_SHUT_WR);
}

int tls_io_peer_names(struct tls_io *io, const char *name)
{
	gnutls_x509_crt_t crt = peer_cert(io->session);

	if (crt == NULL) {
		return ERR_TLS_CERT;
	}
	/* knows IP literals too */
	bool named = gnutls_x509_crt_check_hostname2(
			     crt, name, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
	gnutls_x509_crt_deinit(crt);
	return named ? 0 : ERR_TLS_CERT;
}

int tls_io_export(struct tls_io *io, const char *label, uint8_t out[32])
{
	return io->session != NULL && io->check->established &&
			gnutls_prf_rfc5705(io->session, strlen(label), label, 0, NULL, 32,
				(char *)out) == 0
		? 0
		: ERR_TLS;
}

int64_t tls_io_peer_expires(struct tls_io *io)
{
	time_t at = gnutls_certificate_expiration_time_peers(io->session);

	return at == (time_t)-1 ? 0 : (int64_t)at;
}
