/*
 * tls_peer: judges certificates: chain, purpose, name, pin. Believes nothing that it was not told
 * to, and says in words what was wrong. Moves no bytes.
 */
#include "proto/tls_peer.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static int refuse(struct tls_peer *peer, int err, const char *detail)
{
	peer->err = err;
	peer->detail = detail;
	return err;
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

unsigned tls_peer_ip_literal(const char *name, unsigned char ip[16])
{
	if (inet_pton(AF_INET, name, ip) == 1) {
		return 4;
	}
	return inet_pton(AF_INET6, name, ip) == 1 ? 16 : 0;
}

static int check_chain(struct tls_peer *peer, gnutls_session_t session)
{
	unsigned char ip[16];
	gnutls_typed_vdata_st want[2];
	unsigned count = 0;
	unsigned status = 0;

	want[count].type = GNUTLS_DT_KEY_PURPOSE_OID;
	want[count].data = (unsigned char *)(uintptr_t)peer->purpose;
	want[count++].size = 0;
	if (peer->name[0] != '\0') {
		unsigned ip_len = tls_peer_ip_literal(peer->name, ip);

		want[count].type = ip_len > 0 ? GNUTLS_DT_IP_ADDRESS : GNUTLS_DT_DNS_HOSTNAME;
		want[count].data = ip_len > 0 ? ip : (unsigned char *)peer->name;
		want[count++].size = ip_len;
	}
	if (gnutls_certificate_verify_peers(session, want, count, &status) != 0) {
		return refuse(peer, ERR_TLS_CERT, "the certificate cannot be read");
	}
	return status == 0 ? 0 : refuse(peer, ERR_TLS_CERT, status_text(status));
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

int tls_peer_cert_pin(gnutls_x509_crt_t crt, char out[TLS_PEER_PIN_SIZE])
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

static int peer_pin(gnutls_session_t session, char out[TLS_PEER_PIN_SIZE])
{
	gnutls_x509_crt_t crt = peer_cert(session);

	if (crt == NULL) {
		return ERR_TLS;
	}
	int err = tls_peer_cert_pin(crt, out);
	gnutls_x509_crt_deinit(crt);
	return err;
}

int tls_peer_check(struct tls_peer *peer, gnutls_session_t session)
{
	char pin[TLS_PEER_PIN_SIZE];

	if (peer->pin[0] != '\0') {
		if (peer_pin(session, pin) != 0) {
			return refuse(peer, ERR_TLS_PIN, "the peer showed no key that can be read");
		}
		if (strcmp(pin, peer->pin) != 0) {
			return refuse(peer, ERR_TLS_PIN, "the peer's key is not the pinned one");
		}
	}
	return peer->verify_chain ? check_chain(peer, session) : 0;
}

bool tls_peer_pin_valid(const char *pin)
{
	unsigned char hash[33];
	gnutls_datum_t raw = { NULL, 0 };

	if (strlen(pin) != TLS_PEER_PIN_SIZE - 1 || strncmp(pin, "sha256/", 7) != 0) {
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

int tls_peer_names(gnutls_session_t session, const char *name)
{
	gnutls_x509_crt_t crt = peer_cert(session);

	if (crt == NULL) {
		return ERR_TLS_CERT;
	}
	/* knows IP literals too */
	bool named = gnutls_x509_crt_check_hostname2(
			     crt, name, GNUTLS_VERIFY_DO_NOT_ALLOW_WILDCARDS) != 0;
	gnutls_x509_crt_deinit(crt);
	return named ? 0 : ERR_TLS_CERT;
}
