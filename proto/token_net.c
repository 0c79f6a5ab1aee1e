/*
 * token_net: the networks a token may be used from. Addresses are compared as bytes; an IPv4
 * address inside IPv6 is that IPv4 address, so that no spelling leads around a rule.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "proto/token_claims.h"

#define MAPPED_BITS 96u

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* A literal address to bytes; *len is 4 or 16. */
static bool read_addr(const char *text, uint8_t addr[16], uint8_t *len)
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, text, addr) == 1) {
		*len = 4;
		return true;
	}
	*len = 16;
	return inet_pton(AF_INET6, text, addr) == 1;
}

static bool is_mapped(const uint8_t addr[16], uint8_t len)
{
	return len == 16 && memcmp(addr, mapped, sizeof(mapped)) == 0;
}

static void unmap(uint8_t addr[16], uint8_t *len)
{
	memmove(addr, addr + sizeof(mapped), 4);
	memset(addr + 4, 0, 12);
	*len = 4;
}

/* Decimal without sign and leading zeros, at most max. */
static bool read_bits(const char *text, unsigned max, uint8_t *bits)
{
	unsigned value = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3 || (len > 1 && text[0] == '0')) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*bits = (uint8_t)value;
	return value <= max;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;

	return memcmp(a, b, whole) == 0 &&
		(rest == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xffu) == 0);
}

/* Nothing behind the prefix: "10.0.0.1/8" is more likely a mistake than a network. */
static bool is_clean(const struct token_net *net)
{
	for (unsigned i = net->bits; i < net->len * 8u; i++) {
		if ((net->addr[i / 8] & (0x80u >> i % 8)) != 0) {
			return false;
		}
	}
	return true;
}

int token_net_parse(struct token_net *net, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	struct token_net n;
	const char *slash = strchr(text, '/');
	size_t host_len = slash != NULL ? (size_t)(slash - text) : strlen(text);

	if (host_len >= sizeof(host)) {
		return ERR_INVALID;
	}
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	memset(&n, 0, sizeof(n));
	if (!read_addr(host, n.addr, &n.len)) {
		return ERR_INVALID;
	}
	n.bits = (uint8_t)(n.len * 8u);
	if (slash != NULL && !read_bits(slash + 1, n.len * 8u, &n.bits)) {
		return ERR_INVALID;
	}
	if (is_mapped(n.addr, n.len) && n.bits >= MAPPED_BITS) {
		unmap(n.addr, &n.len);
		n.bits = (uint8_t)(n.bits - MAPPED_BITS);
	}
	if (!is_clean(&n)) {
		return ERR_INVALID;
	}
	*net = n;
	return 0;
}

void token_net_format(const struct token_net *net, char out[64])
{
	char host[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(net->len == 4 ? AF_INET : AF_INET6, net->addr, host, sizeof(host));
	(void)snprintf(out, 64, "%s/%u", host, (unsigned)net->bits);
}

bool token_net_has(const struct token_net *net, const char *addr)
{
	uint8_t bytes[16];
	uint8_t len = 0;

	if (!read_addr(addr, bytes, &len)) {
		return false;
	}
	if (is_mapped(bytes, len)) {
		unmap(bytes, &len);
	}
	return len == net->len && same_prefix(bytes, net->addr, net->bits);
}
